//! A serde deserializer over the tree, whose errors know the key and the place it was written.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::ProfileError;
use super::tree::{Content, Node, Origin, guess};
use crate::registry::nearest;

/// Reads `node` as a `T`; `path` is the key that leads to it, empty for the whole file.
pub(super) fn from_node<T: de::DeserializeOwned>(
    node: &Node,
    path: &str,
) -> Result<T, ProfileError> {
    T::deserialize(Reader { node }).map_err(|error| error.finish(path))
}

/// An error on its way up: the keys it passed are collected last first.
#[derive(Debug)]
struct Failed {
    what: What,
    place: Option<Origin>,
    keys: Vec<String>,
}

#[derive(Debug)]
enum What {
    Unknown {
        key: String,
        nearest: Option<String>,
        known: String,
    },
    Missing(&'static str),
    Other(String),
}

impl Failed {
    fn under(mut self, key: &str, node: &Node) -> Self {
        self.keys.push(key.into());
        self.place.get_or_insert_with(|| node.origin.clone());
        self
    }

    fn finish(mut self, root: &str) -> ProfileError {
        self.keys.reverse();
        let mut path = root.to_owned();
        for key in &self.keys {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(key);
        }
        let place = self.place.unwrap_or(Origin::File { line: 1, column: 1 });
        let join = |key: &str| {
            if path.is_empty() {
                key.into()
            } else {
                format!("{path}.{key}")
            }
        };
        match self.what {
            // The unknown key itself was pushed by the map that holds it.
            What::Unknown { nearest, known, .. } => ProfileError::UnknownKey {
                path,
                place,
                nearest,
                known,
            },
            What::Missing(key) => ProfileError::Missing { path: join(key) },
            What::Other(reason) => ProfileError::Value {
                path,
                place,
                reason,
            },
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Unknown { key, .. } => write!(f, "unknown key `{key}`"),
            What::Missing(key) => write!(f, "missing key `{key}`"),
            What::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Failed {}

impl de::Error for Failed {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self {
            what: What::Other(reason.to_string()),
            place: None,
            keys: Vec::new(),
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let what = What::Unknown {
            key: field.into(),
            nearest: nearest(field, expected.iter().copied()).map(Into::into),
            known: expected.join(", "),
        };
        Self {
            what,
            place: None,
            keys: Vec::new(),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            what: What::Missing(field),
            place: None,
            keys: Vec::new(),
        }
    }
}

struct Reader<'a> {
    node: &'a Node,
}

impl Reader<'_> {
    fn untyped<T: std::str::FromStr>(&self, expected: &str) -> Option<Result<T, Failed>> {
        let Content::Untyped(text) = &self.node.content else {
            return None;
        };
        let wrong = || <Failed as de::Error>::custom(format!("`{text}` is not {expected}"));
        Some(text.parse().map_err(|_| wrong()))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
            match self.untyped::<$type>($expected) {
                Some(value) => visitor.$visit(value?),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.content {
            Content::String(text) => visitor.visit_str(text),
            Content::Integer(number) => visitor.visit_i64(*number),
            Content::Float(number) => visitor.visit_f64(*number),
            Content::Boolean(flag) => visitor.visit_bool(*flag),
            Content::Array(nodes) => visitor.visit_seq(Items {
                nodes: nodes.iter().enumerate(),
            }),
            Content::Table(map) => visitor.visit_map(Keys {
                entries: map.iter(),
                value: None,
            }),
            Content::Untyped(text) => {
                let node = guess(text, &self.node.origin);
                Reader { node: &node }.deserialize_any(visitor)
            }
        }
    }

    numbers! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i64 visit_i64 i64, "an integer";
        deserialize_u8 visit_u8 u8, "an integer 0 to 255";
        deserialize_u16 visit_u16 u16, "an integer 0 to 65535";
        deserialize_u32 visit_u32 u32, "a non-negative integer";
        deserialize_u64 visit_u64 u64, "a non-negative integer";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match &self.node.content {
            Content::Untyped(text) => visitor.visit_str(text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        let (Content::String(text) | Content::Untyped(text)) = &self.node.content else {
            let expected = variants.join(", ");
            let got = self.node.kind();
            return Err(de::Error::custom(format!(
                "expected one of {expected}; found {got}"
            )));
        };
        if !variants.contains(&text.as_str()) {
            let expected = variants.join(", ");
            return Err(de::Error::custom(format!("`{text}` is none of {expected}")));
        }
        let text: StrDeserializer<'_, Failed> = text.as_str().into_deserializer();
        visitor.visit_enum(text)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 char bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct identifier ignored_any
    }
}

struct Items<'a> {
    nodes: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failed> {
        let Some((index, node)) = self.nodes.next() else {
            return Ok(None);
        };
        let element = seed.deserialize(Reader { node });
        element
            .map(Some)
            .map_err(|error| error.under(&format!("[{index}]"), node))
    }
}

struct Keys<'a> {
    entries: std::collections::btree_map::Iter<'a, String, Node>,
    value: Option<(&'a String, &'a Node)>,
}

impl<'de> de::MapAccess<'de> for Keys<'_> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failed> {
        self.value = self.entries.next();
        let Some((key, node)) = self.value else {
            return Ok(None);
        };
        let text: StrDeserializer<'_, Failed> = key.as_str().into_deserializer();
        seed.deserialize(text)
            .map(Some)
            .map_err(|error| error.under(key, node))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        let Some((key, node)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(Reader { node })
            .map_err(|error| error.under(key, node))
    }
}
