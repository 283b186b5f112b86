//! The limits that a row declares bind whoever uses its algorithm: one below, at, and one above.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Counter, provider_named, registry};
use pqfw_framework::aead::{Aead, AeadCipher, AeadError, AeadKey};
use pqfw_framework::catalogue::{AeadLimits, AeadSizes, AlgorithmInfo, Sizes};
use pqfw_framework::registry::{Plugin, Resolver};

const ID: &str = "Example-Insecure-Sum-AEAD";
const SEALED_MESSAGES: u64 = 2;
const MESSAGE_BYTES: u64 = 20;

/// `key = 01` over plaintext and associated data of one byte each.
const KNOWN_ANSWERS: &str =
    "key = 01\nnonce = 02\naad = 03\nplaintext = 04\nciphertext = 05\ntag = 3b";

/// Adds a byte of key to each byte, and authenticates with a sum. It hides nothing from anybody.
struct SumAead;

struct SumCipher(u8);

impl Aead for SumAead {
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError> {
        let [key] = bytes else {
            return Err(AeadError::ProviderFailed);
        };
        Ok(Box::new(SumCipher(*key)))
    }
}

impl SumCipher {
    fn tag(&self, nonce: &[u8], aad: &[u8], ciphertext: &[u8]) -> u8 {
        let bytes = [&[self.0], nonce, aad, ciphertext].concat();
        bytes
            .iter()
            .fold(0, |sum: u8, byte| sum.wrapping_mul(3).wrapping_add(*byte))
    }
}

impl AeadCipher for SumCipher {
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        for byte in &mut *buffer {
            *byte = byte.wrapping_add(self.0);
        }
        tag.fill(self.tag(nonce, aad, buffer));
        Ok(())
    }

    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        if tag != [self.tag(nonce, aad, buffer)] {
            return Err(AeadError::Rejected);
        }
        for byte in buffer {
            *byte = byte.wrapping_sub(self.0);
        }
        Ok(())
    }
}

fn key() -> AeadKey {
    let sizes = AeadSizes {
        key: 1,
        nonce: 1,
        tag: 1,
        limits: AeadLimits {
            sealed_messages: SEALED_MESSAGES,
            failed_opens: 1,
            message_bytes: MESSAGE_BYTES,
            source: "this test",
        },
    };
    let row = AlgorithmInfo::new(ID, Sizes::Aead(sizes), "this test").known_answers(KNOWN_ANSWERS);
    let plugin = Plugin::new("sum").row(row);
    let registry = registry(plugin.aead(ID, provider_named("sum"), SumAead));
    let mut rng = Counter::default();
    let mut resolver = Resolver::new(&registry, &mut rng, &[], &[], "2026-01-01");
    resolver.aead(ID).unwrap().key(&[1]).unwrap()
}

#[test]
fn a_key_seals_as_many_messages_as_its_row_allows_and_no_more() {
    let key = key();
    for sealed in 0..SEALED_MESSAGES {
        assert_eq!(key.sealed(), sealed);
        key.seal(&[0], &[], b"one more").unwrap();
    }
    let exhausted = Err(AeadError::KeyExhausted(SEALED_MESSAGES));
    for _ in 0..2 {
        assert_eq!(key.seal(&[0], &[], b"one too many"), exhausted);
        assert_eq!(key.sealed(), SEALED_MESSAGES);
    }
}

#[test]
fn a_message_is_as_long_as_its_row_allows_and_no_longer() {
    let limit = usize::try_from(MESSAGE_BYTES).unwrap();
    for length in [limit - 1, limit] {
        let (key, message) = (key(), vec![7; length]);
        let sealed = key.seal(&[0], &[], &message).unwrap();
        assert_eq!(key.open(&[0], &[], &sealed), Ok(message));
    }
    let (key, got) = (key(), limit + 1);
    let too_long = || AeadError::MessageTooLong {
        got,
        limit: MESSAGE_BYTES,
    };
    assert_eq!(key.seal(&[0], &[], &vec![7; got]), Err(too_long()));
    assert_eq!(key.open(&[0], &[], &vec![7; got + 1]), Err(too_long()));
    assert_eq!(key.sealed(), 0, "what was refused is not counted");
}
