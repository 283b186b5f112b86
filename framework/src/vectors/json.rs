//! JSON as vectors need it: text is borrowed, a name that stands twice in an object is refused, and
//! the reading of a value says where it is missing.
//!
//! The depth is bounded by `serde_json`, at 128.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::error::VectorError;

/// An object by its names.
pub(super) type Object<'a> = BTreeMap<Cow<'a, str>, Node<'a>>;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Flag(bool),
    Number(u64),
    /// A number that no vector has: negative, or with a fraction.
    OtherNumber,
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Object<'a>),
}

/// Reads a whole document.
pub(super) fn parse(bytes: &[u8]) -> Result<Node<'_>, VectorError> {
    serde_json::from_slice(bytes).map_err(|error| VectorError::NotJson(error.to_string()))
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Flag(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Number(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Node::OtherNumber)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Node::OtherNumber)
    }

    fn visit_borrowed_str<E: Error>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = sequence.next_element()? {
            list.push(value);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, value)) = map.next_entry::<Node<'de>, Node<'de>>()? {
            let Node::Text(name) = name else {
                return Err(A::Error::custom("a name is not text"));
            };
            if let Some(twice) = object.get_key_value(&name).map(|(name, _)| name) {
                return Err(A::Error::custom(format!("`{twice}` stands twice")));
            }
            object.insert(name, value);
        }
        Ok(Node::Object(object))
    }
}

/// Where a value stands in a file.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// `tgId`, or the position of the group where there is none.
    pub(super) group: Option<u64>,
    /// `tcId`.
    pub(super) case: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.group, self.case) {
            (Some(group), Some(case)) => write!(f, "group {group}, case {case}"),
            (Some(group), None) => write!(f, "group {group}"),
            (None, Some(case)) => write!(f, "case {case}"),
            (None, None) => f.write_str("the file"),
        }
    }
}

/// An object that is read value by value, and knows afterwards what nobody has read.
pub(super) struct Fields<'n, 'a> {
    object: &'n Object<'a>,
    place: Place,
    read: RefCell<BTreeSet<&'static str>>,
}

impl<'n, 'a> Fields<'n, 'a> {
    pub(super) fn new(object: &'n Object<'a>, place: Place) -> Self {
        Self {
            object,
            place,
            read: RefCell::default(),
        }
    }

    pub(super) fn error(&self, field: &str, problem: &'static str) -> VectorError {
        VectorError::Field {
            at: self.place.to_string(),
            field: field.into(),
            problem,
        }
    }

    fn need<T>(&self, name: &str, value: Option<T>) -> Result<T, VectorError> {
        value.ok_or_else(|| self.error(name, "is missing"))
    }

    /// A value, unless it is missing or null.
    fn value(&self, name: &'static str) -> Option<&'n Node<'a>> {
        self.read.borrow_mut().insert(name);
        self.object.get(name).filter(|node| **node != Node::Null)
    }

    pub(super) fn has(&self, name: &'static str) -> bool {
        self.value(name).is_some()
    }

    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<&'n str>, VectorError> {
        match self.value(name) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(name, "is not text")),
        }
    }

    pub(super) fn text(&self, name: &'static str) -> Result<&'n str, VectorError> {
        self.need(name, self.optional_text(name)?)
    }

    pub(super) fn optional_hex(&self, name: &'static str) -> Result<Option<Vec<u8>>, VectorError> {
        let text = self.optional_text(name)?;
        text.map(|text| {
            unhex(text).ok_or_else(|| self.error(name, "is not pairs of hexadecimal digits"))
        })
        .transpose()
    }

    pub(super) fn hex(&self, name: &'static str) -> Result<Vec<u8>, VectorError> {
        self.need(name, self.optional_hex(name)?)
    }

    pub(super) fn optional_flag(&self, name: &'static str) -> Result<Option<bool>, VectorError> {
        match self.value(name) {
            None => Ok(None),
            Some(Node::Flag(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.error(name, "is neither true nor false")),
        }
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, VectorError> {
        self.need(name, self.optional_flag(name)?)
    }

    pub(super) fn optional_number(&self, name: &'static str) -> Result<Option<u64>, VectorError> {
        match self.value(name) {
            None => Ok(None),
            Some(Node::Number(number)) => Ok(Some(*number)),
            Some(_) => Err(self.error(name, "is not a whole number")),
        }
    }

    pub(super) fn number(&self, name: &'static str) -> Result<u64, VectorError> {
        self.need(name, self.optional_number(name)?)
    }

    pub(super) fn object(&self, name: &'static str) -> Result<Option<Fields<'n, 'a>>, VectorError> {
        match self.value(name) {
            None => Ok(None),
            Some(Node::Object(object)) => Ok(Some(Fields::new(object, self.place))),
            Some(_) => Err(self.error(name, "is not an object")),
        }
    }

    /// The texts of a list, or none where there is no list.
    pub(super) fn texts(&self, name: &'static str) -> Result<Vec<String>, VectorError> {
        let bad = || self.error(name, "is not a list of texts");
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Node::List(list)) => list
                .iter()
                .map(|node| match node {
                    Node::Text(text) => Ok(text.clone().into_owned()),
                    _ => Err(bad()),
                })
                .collect(),
            Some(_) => Err(bad()),
        }
    }

    /// The objects of a list that must be there.
    pub(super) fn objects(&self, name: &'static str) -> Result<Vec<&'n Object<'a>>, VectorError> {
        let bad = || self.error(name, "is not a list of objects");
        match self.value(name) {
            Some(Node::List(list)) => list
                .iter()
                .map(|node| match node {
                    Node::Object(object) => Ok(object),
                    _ => Err(bad()),
                })
                .collect(),
            _ => Err(bad()),
        }
    }

    /// Marks values as understood that the runner has no use for.
    pub(super) fn skip(&self, names: &[&'static str]) {
        self.read.borrow_mut().extend(names);
    }

    /// A value that nobody has read: it may change what the others mean.
    pub(super) fn unread(&self) -> Option<&'n str> {
        let read = self.read.borrow();
        let mut names = self.object.keys().map(AsRef::as_ref);
        names.find(|name| !read.contains(*name))
    }

    /// The plain values of a group, as texts, for whoever wants to show them.
    pub(super) fn plain(&self) -> BTreeMap<String, String> {
        let plain = |node: &Node<'_>| match node {
            Node::Flag(flag) => Some(flag.to_string()),
            Node::Number(number) => Some(number.to_string()),
            Node::Text(text) if text.len() <= MOST_SHOWN => Some(text.clone().into_owned()),
            _ => None,
        };
        let values = self.object.iter();
        values
            .filter_map(|(name, node)| Some((name.clone().into_owned(), plain(node)?)))
            .collect()
    }
}

/// Longer texts of a group are keys, which nobody wants to see.
const MOST_SHOWN: usize = 64;

/// Reads hexadecimal of either case; `None` for anything else.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":2}"#, r#"[{"b":{"a":1,"a":1}}]"#] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(
                matches!(&error, VectorError::NotJson(why) if why.contains("`a` stands twice"))
            );
        }
        let escaped = r#"{"a":1,"\u0061":2}"#;
        assert!(
            parse(escaped.as_bytes()).is_err(),
            "an escape is no way around"
        );
    }

    #[test]
    fn text_after_the_document_and_deep_nesting_are_refused() {
        assert!(parse(b"{} {}").is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
        assert!(parse(b"\"\xff\"").is_err(), "not UTF-8");
    }

    #[test]
    fn a_value_of_another_type_is_named_with_its_place() {
        let node = parse(br#"{"h":"0g","n":-1,"t":7,"f":"true","l":[1],"o":[],"z":null}"#).unwrap();
        let Node::Object(object) = &node else {
            panic!("an object")
        };
        let place = Place {
            group: Some(2),
            case: Some(7),
        };
        let fields = Fields::new(object, place);
        let message = |error: VectorError| error.to_string();
        assert_eq!(
            message(fields.hex("h").unwrap_err()),
            "group 2, case 7: `h` is not pairs of hexadecimal digits"
        );
        assert!(fields.number("n").is_err());
        assert!(fields.text("t").is_err());
        assert!(fields.flag("f").is_err());
        assert!(fields.texts("l").is_err());
        assert!(fields.object("o").is_err());
        assert!(fields.objects("l").is_err() && fields.objects("none").is_err());
        assert_eq!(
            message(fields.text("z").unwrap_err()),
            "group 2, case 7: `z` is missing"
        );
        assert_eq!(fields.optional_hex("z"), Ok(None));
        assert_eq!(fields.unread(), None);
    }

    #[test]
    fn what_nobody_reads_is_found() {
        let node = parse(br#"{"a":"00","b":1,"c":2}"#).unwrap();
        let Node::Object(object) = &node else {
            panic!("an object")
        };
        let fields = Fields::new(object, Place::default());
        fields.hex("a").unwrap();
        fields.skip(&["c"]);
        assert_eq!(fields.unread(), Some("b"));
    }

    #[test]
    fn hexadecimal_is_pairs_of_digits_of_either_case() {
        assert_eq!(unhex("00fFAb"), Some(vec![0, 0xff, 0xab]));
        assert_eq!(unhex(""), Some(vec![]));
        for bad in ["0", "0g", "+1", " 0", "0x"] {
            assert_eq!(unhex(bad), None, "{bad}");
        }
    }
}
