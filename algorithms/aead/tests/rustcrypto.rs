//! The provider `rustcrypto` of the AEADs, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::aead::{Aead, AeadError};
use pqfw_framework::provider::ConstantTime;
use pqfw_framework::registry::{Code, Registry};

fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_aead::plugin())
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
fn every_aead_passes_the_admission_gate() {
    let registry = registry();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    assert_eq!(registry.entries().count(), 6);
    for entry in registry.entries() {
        assert_eq!(
            registry.admit(entry, &mut rng),
            Ok(()),
            "{}",
            entry.full_name()
        );
        let claimed = entry.provider().constant_time == ConstantTime::Claimed;
        assert_eq!(claimed, entry.info().id != "Ascon-AEAD128");
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
        assert_eq!(
            key.open_in_place(&[2; 12], b"", &mut [], &[0; 15]),
            rejected
        );
    });
}
