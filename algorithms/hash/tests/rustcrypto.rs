//! The provider `rustcrypto` of hash functions and HKDF, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{Kind, Sizes};
use pqfw_framework::kdf::KdfError;
use pqfw_framework::registry::{Code, Registry};

fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_hash::plugin())
        .build()
        .unwrap()
}

#[test]
fn every_provider_passes_the_admission_gate() {
    let registry = registry();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for entry in registry.entries() {
        assert_eq!(
            registry.admit(entry, &mut rng),
            Ok(()),
            "{}",
            entry.full_name()
        );
    }
    let count = |kind| {
        registry
            .entries()
            .filter(|entry| entry.info().kind() == kind)
            .count()
    };
    assert_eq!((count(Kind::Hash), count(Kind::Kdf)), (8, 3));
}

#[test]
fn an_extendable_output_goes_on_where_a_shorter_one_ends() {
    for id in ["SHAKE128", "SHAKE256"] {
        let registry = registry();
        let Code::Hash(hash) = registry.entries_of(id)[0].code() else {
            panic!("no hash")
        };
        let digest = |length| {
            let mut output = vec![0; length];
            hash.start().finish(&mut output);
            output
        };
        assert_eq!(digest(1000)[..200], digest(200));
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

#[test]
fn hkdf_takes_255_hashes_of_output_and_no_more() {
    let registry = registry();
    for entry in registry.entries() {
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
    }
}

#[test]
fn the_parts_of_info_are_joined() {
    let registry = registry();
    let Code::Kdf(kdf) = registry.entries_of("HKDF-SHA256")[0].code() else {
        panic!("no KDF")
    };
    let expand = |info: &[&[u8]]| {
        let mut okm = [0; 40];
        kdf.expand(&[1; 32], info, &mut okm).unwrap();
        okm
    };
    assert_eq!(expand(&[b"in", b"", b"fo"]), expand(&[b"info"]));
    assert_ne!(expand(&[b"info"]), expand(&[b"inf"]));
}
