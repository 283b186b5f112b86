//! Pickles that CPython made: read to the same value, and written to the same bytes.

use pqfw_mlkem_tcp::pickle::{Limits, Value, read, write};
use proptest::prelude::*;
use serde_json::Value as Json;

use crate::support::words::{PICKLES, bytes};

const WIDE: Limits = Limits {
    bytes: 1 << 20,
    values: 4000,
    memo: 4000,
    depth: 4,
};

/// A value that owns what it is made of.
#[derive(Clone, Debug)]
enum Owned {
    Bytes(Vec<u8>),
    Text(String),
    Dict(Vec<(String, Owned)>),
}

impl Owned {
    fn of(json: &Json) -> Self {
        if let Some(words) = json.get("bytes") {
            return Self::Bytes(bytes(words));
        }
        if let Some(words) = json.get("text") {
            return Self::Text(String::from_utf8(bytes(words)).unwrap());
        }
        if let Some(count) = json.get("numbered") {
            let names = (0..count.as_u64().unwrap()).map(|n| format!("{n:04}"));
            let item = |name: String| (name.clone(), Self::Bytes(name.into_bytes()));
            return Self::Dict(names.map(item).collect());
        }
        let items = json["dict"].as_array().unwrap().iter();
        let item = |item: &Json| (item[0].as_str().unwrap().to_owned(), Self::of(&item[1]));
        Self::Dict(items.map(item).collect())
    }

    fn value(&self) -> Value<'_> {
        match self {
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Text(text) => Value::Text(text),
            Self::Dict(items) => {
                let items = items.iter().map(|(key, item)| (key.as_str(), item.value()));
                Value::Dict(items.collect())
            }
        }
    }
}

#[test]
fn what_cpython_wrote_is_read_in_every_protocol() {
    let rows = PICKLES["read"].as_array().unwrap();
    assert!(rows.len() > 60, "{}", rows.len());
    for row in rows {
        let (owned, pickle) = (Owned::of(&row["value"]), bytes(&row["pickle"]));
        let name = format!("{} in protocol {}", row["name"], row["protocol"]);
        assert_eq!(read(&pickle, &WIDE), Ok(owned.value()), "{name}");
    }
}

#[test]
fn what_is_written_is_what_cpython_writes() {
    let rows = PICKLES["read"].as_array().unwrap();
    let rows = rows
        .iter()
        .filter(|row| row["protocol"] == 4 && row.get("shared").is_none());
    let mut seen = 0;
    for row in rows {
        let owned = Owned::of(&row["value"]);
        assert!(
            write(&owned.value()) == bytes(&row["pickle"]),
            "{}",
            row["name"]
        );
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

fn owned() -> impl Strategy<Value = Owned> {
    let leaf = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Owned::Bytes),
        (60_000_usize..70_000).prop_map(|length| Owned::Bytes(vec![7; length])),
        any::<String>().prop_map(Owned::Text),
    ];
    leaf.prop_recursive(4, 40, 10, |inner| {
        prop::collection::btree_map(any::<String>(), inner, 0..10)
            .prop_map(|items| Owned::Dict(items.into_iter().collect()))
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(owned in owned()) {
        let value = owned.value();
        let written = write(&value);
        prop_assert_eq!(read(&written, &WIDE), Ok(value));
    }

    #[test]
    fn whatever_is_read_is_written_and_read_again(pickle: Vec<u8>, edits in edits()) {
        for pickle in [pickle, edited(edits)] {
            if let Ok(value) = read(&pickle, &WIDE) {
                let written = write(&value);
                prop_assert_eq!(read(&written, &WIDE), Ok(value));
            }
        }
    }
}

/// Which pickle of the file, and what is changed in it.
fn edits() -> impl Strategy<Value = (usize, Vec<(usize, u8)>)> {
    (
        any::<usize>(),
        prop::collection::vec(any::<(usize, u8)>(), 0..4),
    )
}

fn edited((which, edits): (usize, Vec<(usize, u8)>)) -> Vec<u8> {
    let rows = PICKLES["read"].as_array().unwrap();
    let mut pickle = bytes(&rows[which % rows.len()]["pickle"]);
    for (at, byte) in edits {
        let at = at % pickle.len();
        pickle[at] = byte;
    }
    pickle
}
