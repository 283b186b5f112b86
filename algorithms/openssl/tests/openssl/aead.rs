//! AEADs: what they refuse.

use pqfw_framework::aead::{Aead, AeadError};
use pqfw_framework::registry::Code;
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::registry;

const REJECTED: Result<(), AeadError> = Err(AeadError::Rejected);

/// Runs `check` on every AEAD, with the length of its key.
fn every_aead(check: impl Fn(&dyn Aead, usize)) {
    let registry = registry(pqfw_openssl::plugin());
    for (id, key) in [
        ("AES-128-GCM", 16),
        ("AES-256-GCM", 32),
        ("ChaCha20-Poly1305", 32),
    ] {
        let Code::Aead(aead) = registry.entries_of(id)[0].code() else {
            panic!("no AEAD")
        };
        check(&**aead, key);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_sealed_opens_in_any_order(
        message in vec(any::<u8>(), 0..200),
        aad in vec(any::<u8>(), 0..40),
    ) {
        every_aead(|aead, length| {
            let key = aead.key(&vec![1; length]).unwrap();
            let seal = |nonce: u8| {
                let (mut buffer, mut tag) = (message.clone(), [0; 16]);
                key.seal_in_place(&[nonce; 12], &aad, &mut buffer, &mut tag).unwrap();
                (buffer, tag)
            };
            let (first, second) = (seal(1), seal(2));
            assert_eq!(seal(1), first, "a key has no memory of its nonces");
            for (nonce, (mut buffer, tag)) in [(2, second), (1, first)] {
                let opened = key.open_in_place(&[nonce; 12], &aad, &mut buffer, &tag);
                assert_eq!(opened, Ok(()));
                assert_eq!(buffer, message);
            }
        });
    }
}

#[test]
fn the_empty_message_is_sealed_and_opened() {
    every_aead(|aead, key| {
        let key = aead.key(&vec![1; key]).unwrap();
        for aad in [&b"aad"[..], b""] {
            let mut tag = [0; 16];
            key.seal_in_place(&[2; 12], aad, &mut [], &mut tag).unwrap();
            assert_eq!(key.open_in_place(&[2; 12], aad, &mut [], &tag), Ok(()));
            let other = key.open_in_place(&[2; 12], b"other", &mut [], &tag);
            assert_eq!(other, REJECTED);
        }
    });
}

#[test]
fn a_change_of_anything_is_rejected() {
    every_aead(|aead, length| {
        let key = aead.key(&vec![1; length]).unwrap();
        let (mut sealed, mut tag) = (*b"message", [0; 16]);
        key.seal_in_place(&[2; 12], b"aad", &mut sealed, &mut tag)
            .unwrap();
        let other = aead.key(&vec![9; length]).unwrap();
        let mut flipped = sealed;
        flipped[0] ^= 1;
        for (key, nonce, aad, ciphertext, tag) in [
            (&key, 2, b"aad", flipped, tag),
            (&key, 3, b"aad", sealed, tag),
            (&key, 2, b"aae", sealed, tag),
            (&key, 2, b"aad", sealed, [0; 16]),
            (&other, 2, b"aad", sealed, tag),
        ] {
            let mut buffer = ciphertext;
            let outcome = key.open_in_place(&[nonce; 12], aad, &mut buffer, &tag);
            assert_eq!(outcome, REJECTED);
            assert_eq!(buffer, [0; 7], "nothing of the plaintext is left");
        }
        let opened = key.open_in_place(&[2; 12], b"aad", &mut sealed, &tag);
        assert_eq!(opened, Ok(()));
        assert_eq!(&sealed, b"message");
    });
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    let failed = AeadError::ProviderFailed;
    every_aead(|aead, length| {
        for wrong in [0, length - 1, length + 1] {
            assert_eq!(aead.key(&vec![1; wrong]).err(), Some(failed.clone()));
        }
        let key = aead.key(&vec![1; length]).unwrap();
        let mut tag = [0; 16];
        key.seal_in_place(&[2; 12], b"", &mut [], &mut tag).unwrap();
        for nonce in [0, 11, 13, 16] {
            let nonce = vec![2; nonce];
            let sealed = key.seal_in_place(&nonce, b"", &mut [], &mut [0; 16]);
            assert_eq!(sealed, Err(failed.clone()));
            assert_eq!(key.open_in_place(&nonce, b"", &mut [], &tag), REJECTED);
        }
        for length in [0, 4, 12, 15] {
            let sealed = key.seal_in_place(&[2; 12], b"", &mut [], &mut vec![0; length]);
            assert_eq!(sealed, Err(failed.clone()));
            // OpenSSL itself would compare the first bytes of a tag alone.
            let opened = key.open_in_place(&[2; 12], b"", &mut [], &tag[..length]);
            assert_eq!(opened, REJECTED);
        }
    });
}
