//! Lines of MCP: what is one JSON value is what another reader takes for one, and what the allow-list
//! lets through calls no other tool by any reader: the first of equal keys, the last, or by case.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pqfw_framework::keys::Fingerprint;
use pqfw_mcp::bridge::filter::{ANY_PEER, AllowList, AllowLists};
use pqfw_mcp::bridge::message::Message;
use serde_json::value::RawValue;

static LIST: LazyLock<AllowList> = LazyLock::new(|| {
    let lists = BTreeMap::from([(ANY_PEER.to_owned(), vec!["echo".to_owned()])]);
    let peer = Fingerprint::parse(&format!("sha256:{}", "0a".repeat(32))).expect("a fingerprint");
    let lists = AllowLists::new(&lists).expect("a list for everybody");
    lists.of(&peer).expect("it is enforced")
});

/// Every member of an object, however often its key is there, keys folded as Go folds them.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    let folded = key.to_lowercase().replace('ſ', "s");
                    members.push((folded, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Members {
    fn all(&self, key: &str) -> Vec<&str> {
        let found = self.0.iter().filter(|(known, _)| known == key);
        found.map(|(_, value)| value.get()).collect()
    }
}

fuzz_target!(|input: &[u8]| {
    let Ok(line) = std::str::from_utf8(input) else {
        return;
    };
    let read = Message::read(line);
    let theirs = serde_json::from_str::<&RawValue>(line).is_ok();
    assert_eq!(read.is_ok(), theirs, "{line}");
    let Ok(message) = read else { return };
    if LIST.check(line, &message).is_err() {
        return;
    }
    // Half a surrogate pair in a value is one JSON value, and nothing that this reader reads.
    let Ok(members) = serde_json::from_str::<Members>(line) else {
        return;
    };
    let says = |text: &str, word: &str| serde_json::from_str::<String>(text).is_ok_and(|s| s == word);
    if !members.all("method").iter().any(|method| says(method, "tools/call")) {
        return;
    }
    for params in members.all("params") {
        // Anything but an object names no tool.
        if let Ok(params) = serde_json::from_str::<Members>(params) {
            let names = params.all("name");
            assert!(names.iter().all(|name| says(name, "echo")), "{line}");
        }
    }
});
