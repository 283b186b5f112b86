//! What deployed peers sent: read, verified as far as a third party can, and written again.

use pqfw_framework::keys::Fingerprint;
use pqfw_mlkem_tcp::frame;
use pqfw_mlkem_tcp::pickle::Limits;
use pqfw_mlkem_tcp::trust::Trust;
use pqfw_mlkem_tcp::wire::{Bundle, Greeting};

use crate::support::people::{anybody, payloads};
use crate::support::{MAX_FRAME_BYTES, suite};

const PLAIN: &[u8] = include_bytes!("../../../../tests/vectors/mlkem-tcp/mlkem-s2c.bin");
const SIGNED: &[u8] = include_bytes!("../../../../tests/vectors/mlkem-tcp/mlkem-dsa-s2c.bin");
const BUNDLES: &[u8] = include_bytes!("../../../../tests/vectors/mlkem-tcp/mlkem-c2s.bin");

fn greeting(stream: &[u8]) -> Greeting {
    let payloads = payloads(stream);
    assert_eq!(payloads.len(), 1);
    let greeting = Greeting::read(&suite(), &payloads[0], &Limits::default()).unwrap();
    let written = frame::encode(&greeting.payload(&suite()), MAX_FRAME_BYTES).unwrap();
    assert!(written == stream, "written as it was recorded");
    greeting
}

#[test]
fn the_unsigned_key_is_read_and_written_to_the_same_bytes() {
    let trusted = anybody().judge(&suite(), &greeting(PLAIN)).unwrap();
    let warning = trusted.warning().unwrap();
    assert!(warning.contains("unauthenticated"), "{warning}");
}

#[test]
fn the_signed_key_verifies_and_is_written_to_the_same_bytes() {
    let greeting = greeting(SIGNED);
    let trusted = anybody().judge(&suite(), &greeting).unwrap();
    let warning = trusted.warning().unwrap();
    assert!(warning.contains("first use"), "{warning}");
    let Greeting::Signed { sign, .. } = &greeting else {
        panic!("it is signed");
    };
    let suite = suite();
    let named = Fingerprint::of(&suite.digest, suite.signature.info(), sign).unwrap();
    assert_eq!(trusted.fingerprint, Some(named.clone()));
    let pinned = Trust {
        signed: true,
        pins: vec![named],
    };
    assert_eq!(pinned.judge(&suite, &greeting).unwrap().warning(), None);
}

#[test]
fn the_client_s_messages_are_read_and_written_to_the_same_bytes() {
    let payloads = payloads(BUNDLES);
    assert_eq!(payloads.len(), 2);
    let mut written = Vec::new();
    for payload in payloads {
        let bundle = Bundle::read(&suite(), &payload, &Limits::default()).unwrap();
        assert!(bundle.aad.is_empty());
        written.extend(frame::encode(&bundle.payload(), MAX_FRAME_BYTES).unwrap());
    }
    assert!(written == BUNDLES);
}
