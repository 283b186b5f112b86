//! AEADs, hash functions and HKDF of AWS-LC: what they refuse.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use pqfw_framework::aead::{Aead, AeadError};
use pqfw_framework::catalogue::Sizes;
use pqfw_framework::kdf::KdfError;
use pqfw_framework::registry::{Code, Registry};

fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_aws_lc::plugin())
        .build()
        .unwrap()
}

/// Runs `check` on every AEAD, with the length of its key.
fn every_aead(check: impl Fn(&dyn Aead, usize)) {
    for (id, key) in [
        ("AES-128-GCM", 16),
        ("AES-256-GCM", 32),
        ("AES-128-GCM-SIV", 16),
        ("AES-256-GCM-SIV", 32),
        ("ChaCha20-Poly1305", 32),
    ] {
        let registry = registry();
        let Code::Aead(aead) = registry.entries_of(id)[0].code() else {
            panic!("no AEAD")
        };
        check(&**aead, key);
    }
}

#[test]
fn the_empty_message_is_sealed_and_opened() {
    every_aead(|aead, key| {
        let key = aead.key(&vec![1; key]).unwrap();
        let mut tag = [0; 16];
        key.seal_in_place(&[2; 12], b"aad", &mut [], &mut tag)
            .unwrap();
        assert_eq!(key.open_in_place(&[2; 12], b"aad", &mut [], &tag), Ok(()));
        let other = key.open_in_place(&[2; 12], b"", &mut [], &tag);
        assert_eq!(other, Err(AeadError::Rejected));
    });
}

#[test]
fn a_change_of_anything_is_rejected() {
    every_aead(|aead, key_length| {
        let key = aead.key(&vec![1; key_length]).unwrap();
        let (mut sealed, mut tag) = (*b"message", [0; 16]);
        key.seal_in_place(&[2; 12], b"aad", &mut sealed, &mut tag)
            .unwrap();
        let rejected = Err(AeadError::Rejected);
        let mut flipped = sealed;
        flipped[0] ^= 1;
        assert_eq!(
            key.open_in_place(&[2; 12], b"aad", &mut flipped, &tag),
            rejected
        );
        assert_eq!(
            key.open_in_place(&[3; 12], b"aad", &mut sealed.clone(), &tag),
            rejected
        );
        assert_eq!(
            key.open_in_place(&[2; 12], b"aae", &mut sealed.clone(), &tag),
            rejected
        );
        assert_eq!(
            key.open_in_place(&[2; 12], b"aad", &mut sealed.clone(), &[0; 16]),
            rejected
        );
        let other = aead.key(&vec![9; key_length]).unwrap();
        assert_eq!(
            other.open_in_place(&[2; 12], b"aad", &mut sealed.clone(), &tag),
            rejected
        );
        assert_eq!(
            key.open_in_place(&[2; 12], b"aad", &mut sealed, &tag),
            Ok(())
        );
        assert_eq!(&sealed, b"message");
    });
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    every_aead(|aead, key| {
        assert_eq!(
            aead.key(&vec![1; key - 1]).err(),
            Some(AeadError::ProviderFailed)
        );
        let key = aead.key(&vec![1; key]).unwrap();
        let sealed = key.seal_in_place(&[2; 11], b"", &mut [], &mut [0; 16]);
        assert_eq!(sealed, Err(AeadError::ProviderFailed));
        let rejected = Err(AeadError::Rejected);
        assert_eq!(
            key.open_in_place(&[2; 11], b"", &mut [], &[0; 16]),
            rejected
        );
        for tag in [0, 12, 15, 17] {
            assert_eq!(
                key.open_in_place(&[2; 12], b"", &mut [], &vec![0; tag]),
                rejected
            );
        }
    });
}

#[test]
fn hkdf_takes_255_hashes_of_output_and_no_more() {
    for entry in registry().entries() {
        let (Code::Kdf(kdf), Sizes::Kdf(sizes)) = (entry.code(), entry.info().sizes) else {
            continue;
        };
        let prk = vec![1; sizes.prk];
        let limit = sizes.max_output;
        assert_eq!(kdf.expand(&prk, &[b"info"], &mut vec![0; limit]), Ok(()));
        let got = limit + 1;
        let refused = kdf.expand(&prk, &[b"info"], &mut vec![0; got]);
        assert_eq!(refused, Err(KdfError::OutputTooLong { got, limit }));
        let (got, expected) = (sizes.prk - 1, sizes.prk);
        let refused = kdf.expand(&prk[1..], &[b"info"], &mut [0; 1]);
        assert_eq!(refused, Err(KdfError::PrkLength { got, expected }));
        // Longer than the 80 bytes for which aws-lc-rs has room on the stack.
        let mut parted = vec![0; 32];
        kdf.expand(&prk, &[&[3; 50], b"", &[3; 50]], &mut parted)
            .unwrap();
        let mut whole = vec![0; 32];
        kdf.expand(&prk, &[&[3; 100]], &mut whole).unwrap();
        assert_eq!(parted, whole);
    }
}

#[test]
#[should_panic(expected = "the caller asks for a digest of the catalogue's length")]
fn a_digest_of_another_length_is_a_callers_bug() {
    let registry = registry();
    let Code::Hash(hash) = registry.entries_of("SHA-256")[0].code() else {
        panic!("no hash")
    };
    hash.start().finish(&mut [0; 31]);
}
