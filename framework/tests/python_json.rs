//! Holds `python_json` to what Python itself printed and refused, and to the laws of a codec.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that finds nothing is a failing test"
)]

use pqfw_framework::python_json::{Json, Limits, Number, Object, ParseError, Problem, parse};
use proptest::prelude::*;

const SHARED: &[u8] = include_bytes!("../../tests/vectors/python-json/canon_vectors.json");
const PYTHON: &[u8] = include_bytes!("../../tests/vectors/python-json/python_vectors.json");

fn read(text: &str) -> Result<Json, ParseError> {
    parse(text.as_bytes(), Limits::default())
}

fn vectors(file: &[u8]) -> Json {
    parse(file, Limits::default()).unwrap()
}

fn text<'v>(vector: &'v Json, name: &str) -> &'v str {
    vector.get(name).and_then(Json::as_str).unwrap()
}

/// Returns the named list of `python_vectors.json`, which must not be empty.
fn python_vectors(list: &str) -> Vec<Json> {
    let vectors = vectors(PYTHON)
        .get(list)
        .and_then(Json::as_array)
        .unwrap()
        .to_vec();
    assert!(!vectors.is_empty());
    vectors
}

#[test]
fn the_golden_vectors_have_the_canonical_text_of_the_published_package() {
    let mut refused = 0;
    for vector in vectors(SHARED).as_array().unwrap() {
        match read(text(vector, "input_json")) {
            // The `canonicalize` that made them removes the envelope first.
            Ok(Json::Object(mut message)) => {
                message.remove("_pqc");
                assert_eq!(Json::Object(message).canonical(), text(vector, "canonical"));
            }
            Ok(other) => panic!("not a message: {other:?}"),
            Err(error) => {
                assert_eq!(error.problem, Problem::LoneSurrogate);
                assert_eq!(text(vector, "canonical"), r#"{"lone":"\ud800"}"#);
                refused += 1;
            }
        }
    }
    assert_eq!(refused, 1, "only half a surrogate pair is refused");
}

#[test]
fn what_python_reads_is_printed_as_python_prints_it() {
    for vector in python_vectors("accepted") {
        let input = text(&vector, "input");
        let value = read(input).unwrap_or_else(|error| panic!("{input:?}: {error}"));
        assert_eq!(value.canonical(), text(&vector, "canonical"));
        assert_eq!(value.default_text(), text(&vector, "default"));
        assert_eq!(value.default_sorted_text(), text(&vector, "default_sorted"));
    }
}

#[test]
fn what_python_refuses_is_refused_in_the_same_words() {
    for vector in python_vectors("refused") {
        let input = text(&vector, "input");
        let error = read(input).expect_err(input);
        assert_eq!(error.to_string(), text(&vector, "error"), "for {input:?}");
    }
}

#[test]
fn what_python_accepts_but_is_not_json_is_refused_in_our_words() {
    for vector in python_vectors("accepted_though_not_json") {
        let input = text(&vector, "input");
        let error = read(input).expect_err(input);
        let ours = [
            Problem::NotFinite,
            Problem::FloatOverflow,
            Problem::LoneSurrogate,
        ];
        assert!(ours.contains(&error.problem), "{input:?}: {error}");
        assert!(error.to_string().starts_with(char::is_lowercase), "{error}");
    }
}

#[test]
fn integers_may_be_longer_than_python_reads() {
    let digits = "9".repeat(4301);
    assert_eq!(read(&digits).map(|integer| integer.canonical()), Ok(digits));
}

#[test]
fn a_hostile_list_of_names_is_read_in_time() {
    let distinct = (0..70_000)
        .map(|number| format!("\"{number}\":0"))
        .collect::<Vec<_>>();
    let object = read(&format!("{{{}}}", distinct.join(","))).unwrap();
    assert_eq!(object.as_object().map(Object::len), Some(70_000));

    let equal = vec!["\"\":0"; 200_000];
    let object = read(&format!("{{{}}}", equal.join(","))).unwrap();
    assert_eq!(object.as_object().map(Object::len), Some(1));
}

fn numbers() -> impl Strategy<Value = Json> {
    let finite = any::<f64>().prop_filter_map("finite", |value| Number::try_from(value).ok());
    prop_oneof![
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        finite.prop_map(Json::from),
        "-?[1-9][0-9]{19,60}".prop_map(|digits| read(&digits).unwrap()),
    ]
}

fn values() -> impl Strategy<Value = Json> {
    let leaves = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        numbers(),
        any::<String>().prop_map(Json::from),
    ];
    leaves.prop_recursive(5, 64, 8, |inner| {
        let array = prop::collection::vec(inner.clone(), 0..8).prop_map(Json::from);
        let object = prop::collection::vec((any::<String>(), inner), 0..8)
            .prop_map(|entries| Json::Object(entries.into_iter().collect()));
        prop_oneof![array, object]
    })
}

proptest! {
    #[test]
    fn every_text_of_a_value_reads_back_as_the_value(value in values()) {
        for text in [value.canonical(), value.default_text(), value.default_sorted_text()] {
            prop_assert!(text.is_ascii());
            prop_assert_eq!(read(&text), Ok(value.clone()));
        }
    }

    #[test]
    fn every_text_prints_again_as_itself(value in values()) {
        let canonical = value.canonical();
        prop_assert_eq!(read(&canonical).map(|again| again.canonical()), Ok(canonical));
        let default = value.default_text();
        prop_assert_eq!(read(&default).map(|again| again.default_text()), Ok(default));
    }

    #[test]
    fn a_text_cut_short_is_refused(value in values(), cut in any::<prop::sample::Index>()) {
        let text = Json::from(vec![value]).canonical();
        let (short, _) = text.split_at(cut.index(text.len()));
        prop_assert!(read(short).is_err());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse(&bytes, Limits::default()) {
            prop_assert_eq!(read(&value.canonical()), Ok(value));
        }
    }

    #[test]
    fn anything_spelled_like_json_is_read_or_refused(
        text in r#"([\[\]{}:, \n"]|\\|\\u|d83d|de00|null|true|NaN|-?Infinity|[-+.eE0-9]|é|😀){0,24}"#
    ) {
        if let Ok(value) = read(&text) {
            prop_assert_eq!(read(&value.canonical()), Ok(value));
        }
    }
}
