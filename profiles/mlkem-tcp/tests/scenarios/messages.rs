//! The fields of both messages: each there, once, with its type and its length, and no other.

use pqfw_mlkem_tcp::pickle::{Limits, PickleError, Value, write};
use pqfw_mlkem_tcp::wire::{Bundle, Greeting, MessageError};

use crate::support::{suite, suite_of};

type Items<'a> = Vec<(&'a str, Value<'a>)>;
/// A message's fields, and the refusal of whatever is made of them.
type Case = (Items<'static>, fn(Value<'_>) -> Option<MessageError>);

const BYTES: [u8; 4000] = [7; 4000];

fn bytes(length: usize) -> Value<'static> {
    Value::Bytes(&BYTES[..length])
}

fn bundle() -> Items<'static> {
    vec![
        ("kem_ciphertext", bytes(1088)),
        ("nonce", bytes(12)),
        ("ciphertext", bytes(21)),
        ("aad", bytes(0)),
    ]
}

fn greeting() -> Items<'static> {
    vec![
        ("kem_pubkey", bytes(1184)),
        ("sig_pubkey", bytes(1952)),
        ("sig_alg", Value::Text("ML-DSA-65")),
        ("signature", bytes(3309)),
    ]
}

fn read_bundle(value: Value<'_>) -> Result<Bundle, MessageError> {
    Bundle::read(&suite(), &write(&value), &Limits::default())
}

fn read_greeting(value: Value<'_>) -> Result<Greeting, MessageError> {
    Greeting::read(&suite(), &write(&value), &Limits::default())
}

/// Both messages.
fn both() -> [Case; 2] {
    [
        (bundle(), |value| read_bundle(value).err()),
        (greeting(), |value| read_greeting(value).err()),
    ]
}

#[test]
fn fields_may_stand_in_any_order() {
    for (mut items, refusal) in both() {
        items.reverse();
        assert_eq!(refusal(Value::Dict(items)), None);
    }
}

#[test]
fn every_field_is_there_and_no_other() {
    for (items, refusal) in both() {
        for index in 0..items.len() {
            let mut fewer = items.clone();
            let (name, value) = fewer.remove(index);
            assert_eq!(
                refusal(Value::Dict(fewer.clone())),
                Some(MessageError::Missing(name))
            );
            fewer.push(("not\na field", value));
            let unknown = MessageError::Unknown("not\\na field".into());
            assert_eq!(refusal(Value::Dict(fewer)), Some(unknown));
        }
    }
}

#[test]
fn every_field_has_its_type() {
    for (items, refusal) in both() {
        for index in 0..items.len() {
            let mut other = items.clone();
            let field = other[index].0;
            other[index].1 = Value::Dict(Vec::new());
            let expected = if field == "sig_alg" { "str" } else { "bytes" };
            let wrong = MessageError::Type {
                field,
                got: "dict",
                expected,
            };
            assert_eq!(refusal(Value::Dict(other)), Some(wrong));
        }
    }
    let of_bundle = read_bundle(bytes(1184)).unwrap_err();
    assert!(matches!(of_bundle, MessageError::Type { got: "bytes", .. }));
    let of_greeting = read_greeting(Value::Text("key")).unwrap_err();
    assert!(matches!(of_greeting, MessageError::Type { got: "str", .. }));
}

#[test]
fn every_field_has_its_length() {
    for (items, refusal) in both() {
        for index in 0..items.len() {
            for by in [-1, 1] {
                let mut other = items.clone();
                let field = other[index].0;
                let Value::Bytes(value) = other[index].1 else {
                    continue;
                };
                // What may be longer is at its shortest here, but for the message itself.
                let shortest = if field == "ciphertext" {
                    16
                } else {
                    value.len()
                };
                let Some(length) = shortest.checked_add_signed(by) else {
                    continue;
                };
                other[index].1 = bytes(length);
                let fits = by > 0 && matches!(field, "ciphertext" | "aad");
                match refusal(Value::Dict(other)) {
                    None => assert!(fits, "{field} {by}"),
                    Some(MessageError::Length {
                        field: told, got, ..
                    }) => {
                        assert_eq!((told, got, fits), (field, length, false));
                    }
                    Some(other) => panic!("{field} {by}: {other}"),
                }
            }
        }
    }
    for (length, fits) in [(1183, false), (1184, true), (1185, false)] {
        assert_eq!(read_greeting(bytes(length)).is_ok(), fits);
    }
}

#[test]
fn a_signature_of_another_algorithm_is_named() {
    let mut items = greeting();
    items[2].1 = Value::Text("RSA\x1b[31m");
    let other = MessageError::Algorithm {
        got: "RSA\\u{1b}[31m".into(),
        expected: "ML-DSA-65".into(),
    };
    assert_eq!(read_greeting(Value::Dict(items)), Err(other));
}

#[test]
fn a_signature_that_may_be_shorter_may_be_shorter() {
    let suite = suite_of(["ML-KEM-768", "ECDSA-P256", "AES-256-GCM", "HKDF-SHA256"]);
    let sizes = *suite.signature.sizes();
    for (length, fits) in [
        (0, false),
        (1, true),
        (sizes.signature, true),
        (sizes.signature + 1, false),
    ] {
        let items = vec![
            ("kem_pubkey", bytes(1184)),
            ("sig_pubkey", bytes(sizes.verifying_key)),
            ("sig_alg", Value::Text("ECDSA-P256")),
            ("signature", bytes(length)),
        ];
        let read = Greeting::read(&suite, &write(&Value::Dict(items)), &Limits::default());
        assert_eq!(read.is_ok(), fits, "{length}");
    }
}

#[test]
fn what_is_no_pickle_is_refused_as_one() {
    let limits = Limits::default();
    let evil = b"\x80\x04cos\nsystem\n.";
    let refused = Err(MessageError::Pickle(PickleError::Opcode {
        name: "GLOBAL",
        at: 2,
    }));
    assert_eq!(Bundle::read(&suite(), evil, &limits), refused);
    assert_eq!(Greeting::read(&suite(), evil, &limits).err(), refused.err());
}
