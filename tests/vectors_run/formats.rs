//! What is read, what is refused, and in which words.

use pqfw_framework::catalogue::{AlgorithmInfo, Kat};
use pqfw_framework::registry::Entry;
use pqfw_framework::vectors::{
    self, CaseKind, Document, Expected, Format, MAX_CASES, MAX_FILE_BYTES, Tally, VectorError,
    VectorFile, parse, parse_pair,
};
use serde_json::{Value, json};

use crate::files::{acvp, acvp_json};
use crate::registry;

fn refusal(value: &Value) -> VectorError {
    parse(value.to_string().as_bytes()).unwrap_err()
}

fn read(value: &Value) -> VectorFile {
    parse(value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// A set of ACVP vectors with one group.
fn set(algorithm: &str, mode: &str, group: Value) -> Value {
    let revision = match algorithm {
        "ML-KEM" => "FIPS203",
        "ML-DSA" => "FIPS204",
        _ => "FIPS205",
    };
    json!({
        "vsId": 1, "algorithm": algorithm, "mode": mode, "revision": revision,
        "testGroups": [group],
    })
}

/// A file of Wycheproof with one group.
fn wycheproof(algorithm: &str, group: Value) -> Value {
    let count = group["tests"].as_array().map_or(0, Vec::len);
    json!({
        "algorithm": algorithm, "schema": "x.json", "numberOfTests": count, "testGroups": [group],
    })
}

fn hkdf(tests: Value) -> Value {
    wycheproof(
        "HKDF-SHA-256",
        json!({ "type": "HkdfTest", "keySize": 8, "tests": tests }),
    )
}

fn hkdf_test(number: usize) -> Value {
    json!({
        "tcId": number, "comment": "", "flags": [], "ikm": "00", "salt": "", "info": "",
        "size": 1, "okm": "00", "result": "invalid",
    })
}

#[test]
fn what_is_no_file_of_vectors_is_refused() {
    assert!(matches!(parse(b"{"), Err(VectorError::NotJson(_))));
    assert!(matches!(parse(b"\x1f\x8b"), Err(VectorError::NotJson(_))));
    for text in [
        "{}",
        "[]",
        "7",
        "[[]]",
        r#"{"algorithm":"ML-KEM","testGroups":[]}"#,
    ] {
        assert_eq!(
            parse(text.as_bytes()).unwrap_err(),
            VectorError::NotVectors,
            "{text}"
        );
    }
}

#[test]
fn an_unknown_algorithm_gets_a_clear_sentence() {
    let error = refusal(&set("ACVP-AES-GCM", "x", json!({})));
    assert!(matches!(error, VectorError::NotUnderstood { .. }));
    assert!(error.to_string().starts_with(
        "ACVP vectors for ACVP-AES-GCM x FIPS205 are not understood; understood are ML-KEM keyGen"
    ));
    let error = refusal(&wycheproof("AEGIS128", json!({})));
    assert!(
        error
            .to_string()
            .starts_with("Wycheproof vectors for AEGIS128 are not understood")
    );
    let mut draft = set("ML-KEM", "keyGen", json!({}));
    for (revision, understood) in [("FIPS203-tr1", true), ("FIPS2031", false), ("", false)] {
        draft["revision"] = revision.into();
        draft["testGroups"] = json!([]);
        assert_eq!(
            parse(draft.to_string().as_bytes()).is_ok(),
            understood,
            "{revision}"
        );
    }
}

#[test]
fn a_malformed_value_is_named_with_its_place() {
    let group = json!({
        "tgId": 3, "testType": "AFT", "parameterSet": "ML-KEM-512",
        "tests": [{ "tcId": 9, "d": "00", "z": "00", "ek": "0", "dk": "" }],
    });
    let error = refusal(&set("ML-KEM", "keyGen", group));
    assert!(matches!(&error, VectorError::Field { field, .. } if field == "d"));
    assert_eq!(error.to_string(), "group 3, case 9: `d` is not 32 bytes");
    let mut test = hkdf_test(1);
    test["result"] = "perhaps".into();
    assert_eq!(
        refusal(&hkdf(json!([test]))).to_string(),
        "group 1, case 1: `result` is none of valid, invalid, acceptable"
    );
    for (field, value) in [
        ("okm", json!("0x")),
        ("tcId", json!("1")),
        ("flags", json!([1])),
    ] {
        let mut test = hkdf_test(1);
        test[field] = value;
        let error = refusal(&hkdf(json!([test])));
        assert!(
            error.to_string().contains(&format!("`{field}` is not")),
            "{error}"
        );
    }
    for field in ["okm", "tcId", "result", "size"] {
        let mut test = hkdf_test(1);
        test.as_object_mut().unwrap().remove(field);
        let error = refusal(&hkdf(json!([test])));
        assert!(
            error.to_string().contains(&format!("`{field}` is missing")),
            "{error}"
        );
    }
}

#[test]
fn a_name_that_stands_twice_refuses_the_file() {
    let text = r#"{"algorithm":"HKDF-SHA-256","schema":"","testGroups":[],"schema":""}"#;
    let error = parse(text.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("`schema` stands twice"),
        "{error}"
    );
}

#[test]
fn a_wrong_count_refuses_the_file() {
    let mut file = hkdf(json!([hkdf_test(1)]));
    assert_eq!(read(&file).cases.len(), 1);
    file["numberOfTests"] = 2.into();
    let error = refusal(&file);
    assert_eq!(
        error,
        VectorError::Count {
            declared: 2,
            found: 1
        }
    );
}

#[test]
fn a_file_has_so_many_cases_and_no_more() {
    let file = |count: usize| hkdf((1..=count).map(hkdf_test).collect());
    assert_eq!(read(&file(MAX_CASES - 1)).cases.len(), MAX_CASES - 1);
    assert_eq!(read(&file(MAX_CASES)).cases.len(), MAX_CASES);
    assert_eq!(
        refusal(&file(MAX_CASES + 1)),
        VectorError::TooManyCases(MAX_CASES)
    );
}

#[test]
fn a_file_has_so_many_bytes_and_no_more() {
    let spaces = |length: usize| {
        let mut text = hkdf(json!([])).to_string().into_bytes();
        text.resize(length, b' ');
        parse(&text).map(drop)
    };
    assert_eq!(spaces(MAX_FILE_BYTES - 1), Ok(()));
    assert_eq!(spaces(MAX_FILE_BYTES), Ok(()));
    let (got, limit) = (MAX_FILE_BYTES + 1, MAX_FILE_BYTES);
    assert_eq!(spaces(got), Err(VectorError::TooLarge { got, limit }));
}

#[test]
fn a_value_that_is_not_understood_makes_its_cases_not_applicable() {
    let mut test = hkdf_test(1);
    test["twist"] = true.into();
    let file = read(&hkdf(json!([test, hkdf_test(2)])));
    let reason = "the value `twist` is not understood".to_owned();
    assert_eq!(file.cases[0].kind, CaseKind::NotApplicable { reason });
    assert!(matches!(file.cases[1].kind, CaseKind::Kdf { .. }));
}

#[test]
fn both_formats_say_what_they_are() {
    let file = acvp("ML-KEM-keyGen-FIPS203.internalProjection");
    assert_eq!(
        (file.format, file.title.as_str()),
        (Format::Acvp, "ML-KEM keyGen FIPS203")
    );
    assert_eq!(file.cases[30].id, "tgId 2 tcId 31");
    assert_eq!(file.cases[30].group["parameterSet"], "ML-KEM-768");
    let file = read(&hkdf(json!([hkdf_test(1)])));
    assert_eq!(
        (file.format, file.title.as_str()),
        (Format::Wycheproof, "HKDF-SHA-256")
    );
    assert_eq!(
        (file.cases[0].id.as_str(), file.cases[0].expected),
        ("tcId 1", Expected::Invalid)
    );
}

#[test]
fn one_half_of_a_pair_asks_for_the_other() {
    let prompt = acvp_json("ML-KEM-keyGen-FIPS203.prompt");
    let results = acvp_json("ML-KEM-keyGen-FIPS203.expectedResults");
    let name = || "ML-KEM keyGen FIPS203".to_owned();
    assert_eq!(parse(&prompt).unwrap_err(), VectorError::NoResults(name()));
    assert_eq!(parse(&results).unwrap_err(), VectorError::NoPrompt(name()));
    assert!(matches!(Document::read(&prompt), Ok(Document::Prompt(half)) if half.name() == name()));
    for file in [parse_pair(&prompt, &results), parse_pair(&results, &prompt)] {
        assert_eq!(file.unwrap().cases.len(), 75);
    }
}

#[test]
fn two_files_that_are_no_pair_are_refused() {
    let prompt = acvp_json("ML-KEM-keyGen-FIPS203.prompt");
    let results = acvp_json("ML-KEM-keyGen-FIPS203.expectedResults");
    let not_a_pair = |one: &[u8], other: &[u8], why: &str| {
        let error = parse_pair(one, other).unwrap_err();
        assert!(matches!(&error, VectorError::NotAPair(_)), "{error}");
        assert!(error.to_string().contains(why), "{why}: {error}");
    };
    not_a_pair(&prompt, &prompt, "one must be a prompt");
    let other = acvp_json("ML-KEM-encapDecap-FIPS203.expectedResults");
    not_a_pair(
        &prompt,
        &other,
        "one is of ML-KEM keyGen FIPS203, the other of ML-KEM encapDecap",
    );
    let change = |change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&results).unwrap();
        change(&mut value);
        value.to_string().into_bytes()
    };
    let another_set = change(&|set| set["vsId"] = 43.into());
    not_a_pair(&prompt, &another_set, "vsId differ");
    let fewer = change(&|set| drop(set["testGroups"][1]["tests"].as_array_mut().unwrap().pop()));
    not_a_pair(&prompt, &fewer, "there are no results for group 2, case 50");
    let fewer = change(&|set| drop(set["testGroups"].as_array_mut().unwrap().pop()));
    not_a_pair(&prompt, &fewer, "there are no results for group 3");
    let renumbered = change(&|set| {
        let extra = json!({ "tgId": 9, "tests": [] });
        set["testGroups"].as_array_mut().unwrap().push(extra);
    });
    not_a_pair(&prompt, &renumbered, "the results have a number 9");
    let contrary = change(&|set| set["testGroups"][0]["tests"][0]["d"] = "00".into());
    not_a_pair(
        &prompt,
        &contrary,
        "group 1, case 1: prompt and results differ in `d`",
    );
    let twice = change(&|set| set["testGroups"][1]["tgId"] = 1.into());
    let error = parse_pair(&prompt, &twice).unwrap_err();
    assert!(
        error.to_string().contains("two entries of one number"),
        "{error}"
    );
}

#[test]
fn a_set_in_acvps_array_is_the_last_of_it() {
    let whole = acvp_json("ML-KEM-keyGen-FIPS203.internalProjection");
    let wrapped = [b"[{\"acvVersion\":\"1.0\"},".as_slice(), &whole, b"]"].concat();
    assert_eq!(parse(&wrapped).unwrap().cases.len(), 75);
}

fn reason(file: &VectorFile) -> &str {
    match &file.cases[0].kind {
        CaseKind::NotApplicable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_functions_of_a_signature_are_not_applicable_with_their_reason() {
    let group = |with: Value| {
        let mut group = json!({
            "tgId": 1, "testType": "AFT", "parameterSet": "ML-DSA-44", "deterministic": true,
            "signatureInterface": "external", "preHash": "pure",
            "tests": [{
                "tcId": 1, "sk": "00", "pk": "00", "message": "00", "context": "", "signature": "00",
                "hashAlg": "none",
            }],
        });
        let with = with.as_object().unwrap().clone();
        group.as_object_mut().unwrap().extend(with);
        read(&set("ML-DSA", "sigGen", group))
    };
    assert!(matches!(
        group(json!({})).cases[0].kind,
        CaseKind::Sign { .. }
    ));
    for (with, expected) in [
        (json!({ "preHash": "preHash" }), "pre-hash signing"),
        (
            json!({ "signatureInterface": "internal" }),
            "the internal interface",
        ),
        (json!({ "signatureInterface": null }), "an early file"),
        (
            json!({ "signatureInterface": "sideways" }),
            "the signature interface sideways",
        ),
        (json!({ "externalMu": true }), "an external μ"),
        (json!({ "testType": "GDT" }), "tests of the type GDT"),
        (
            json!({ "keyFormat": "sealed" }),
            "private keys in the form sealed",
        ),
        (json!({ "twist": 1 }), "the value `twist` is not understood"),
    ] {
        let file = group(with);
        assert!(
            reason(&file).contains(expected),
            "{expected}: {}",
            reason(&file)
        );
    }
}

fn run(value: &Value, entry: &Entry) -> Tally {
    vectors::run(&read(value), entry.info(), entry.provider(), entry.code())
}

fn upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn the_key_checks_of_later_acvp_revisions_are_run() {
    let file = acvp("ML-KEM-keyGen-FIPS203.internalProjection");
    let CaseKind::KemKeygen { seed, ek, dk } = &file.cases[0].kind else {
        panic!("key generation");
    };
    let (mut unreduced, mut damaged) = (ek.clone(), dk.clone());
    unreduced[..3].fill(0xff);
    *damaged.last_chunk_mut::<64>().unwrap().first_mut().unwrap() ^= 1;
    let checks = |function: &str, name: &str, good: &[u8], bad: &[u8]| {
        let test = |number: u8, key: &[u8], passed: bool| {
            let mut test = json!({ "tcId": number, "testPassed": passed });
            test[name] = upper(key).into();
            test
        };
        let group = json!({
            "tgId": 1, "testType": "VAL", "parameterSet": "ML-KEM-512", "function": function,
            "keyFormat": "expanded", "tests": [test(1, good, true), test(2, bad, false)],
        });
        set("ML-KEM", "encapDecap", group)
    };
    let registry = registry();
    for entry in registry.entries_of("ML-KEM-512") {
        let public = run(
            &checks("encapsulationKeyCheck", "ek", ek, &unreduced),
            entry,
        );
        let private = run(&checks("decapsulationKeyCheck", "dk", dk, &damaged), entry);
        for tally in [public, private] {
            assert_eq!(
                (tally.cases, tally.passed),
                (2, 2),
                "{} {tally:?}",
                entry.full_name()
            );
        }
    }
    let no_key = json!({
        "tgId": 1, "testType": "VAL", "parameterSet": "ML-KEM-512",
        "function": "decapsulationKeyCheck", "tests": [{ "tcId": 1, "testPassed": true }],
    });
    assert!(reason(&read(&set("ML-KEM", "encapDecap", no_key))).contains("no private key"));
    let from_seed = json!({
        "tgId": 1, "testType": "VAL", "parameterSet": "ML-KEM-512", "function": "decapsulation",
        "keyFormat": "seed",
        "tests": [{
            "tcId": 1, "d": upper(&seed[..32]), "z": upper(&seed[32..]), "c": "00", "k": "00",
            "testPassed": false,
        }],
    });
    for entry in registry.entries_of("ML-KEM-512") {
        let tally = run(&set("ML-KEM", "encapDecap", from_seed.clone()), entry);
        assert!(tally.is_clean(), "{} {tally:?}", entry.full_name());
    }
}

/// The catalogue's own known answers, made by other implementations, in the clothes of ACVP.
#[test]
fn slh_dsa_signing_and_verification_are_run() {
    let registry = registry();
    let info: &AlgorithmInfo = registry.find("SLH-DSA-SHA2-128f").unwrap();
    let kat = Kat::parse(&info.known_answers).unwrap();
    let hex = |case: usize, name: &str| upper(kat.cases[case].value(name).unwrap());
    let group = |test: Value| {
        json!({
            "tgId": 1, "testType": "AFT", "parameterSet": info.id, "deterministic": true,
            "signatureInterface": "external", "preHash": "pure", "tests": [test],
        })
    };
    let bits = hex(1, "message").len() * 4;
    let sign = group(json!({
        "tcId": 1, "sk": hex(1, "sk"), "message": hex(1, "message"), "messageLength": bits,
        "context": hex(1, "context"), "signature": hex(1, "signature"),
    }));
    let mut forged = hex(0, "signature");
    forged.replace_range(..1, if forged.starts_with('0') { "1" } else { "0" });
    let verify = |signature: String, passed: bool| {
        group(json!({
            "tcId": 1, "pk": hex(0, "vk"), "message": hex(0, "message"), "context": "",
            "signature": signature, "testPassed": passed,
        }))
    };
    for entry in registry.entries_of(&info.id) {
        let tally = run(&set("SLH-DSA", "sigGen", sign.clone()), entry);
        assert!(
            tally.is_clean() && tally.passed > 0,
            "{} {tally:?}",
            entry.full_name()
        );
        for (signature, passed) in [(hex(0, "signature"), true), (forged.clone(), false)] {
            let tally = run(&set("SLH-DSA", "sigVer", verify(signature, passed)), entry);
            assert_eq!(tally.passed, 1, "{} {tally:?}", entry.full_name());
        }
    }
    let mut bits = sign;
    bits["tests"][0]["messageLength"] = 9.into();
    assert!(reason(&read(&set("SLH-DSA", "sigGen", bits))).contains("does not end with a byte"));
}
