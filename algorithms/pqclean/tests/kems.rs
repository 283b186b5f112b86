//! ML-KEM and eFrodoKEM by PQClean: forms, checks of keys, lengths, implicit rejection.

#![cfg(feature = "pqclean")]
#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{KemSizes, Sizes};
use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};

/// Runs `check` on the code of every KEM.
fn every_kem(check: impl Fn(&str, &dyn Kem, &KemSizes)) {
    let registry = registry();
    let mut kems = 0;
    for entry in registry.entries() {
        if let (Code::Kem(code), Sizes::Kem(sizes)) = (entry.code(), entry.info().sizes) {
            check(&entry.info().id, &**code, &sizes);
            kems += 1;
        }
    }
    assert_eq!(kems, 9);
}

fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_pqclean::plugin());
    builder.build().unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Kem, bytes: &[u8]) -> Result<Box<dyn Decapsulate>, KemError> {
    code.import_decapsulation_key(SecretForm::Expanded(bytes))
}

/// Where the public key stands in a private one, and how long what follows its hash is.
fn layout(id: &str, sizes: &KemSizes) -> (usize, usize) {
    if id.starts_with("ML-KEM") {
        (sizes.encapsulation_key - 32, 32)
    } else {
        (sizes.shared_secret, 0)
    }
}

#[test]
fn every_kem_passes_the_admission_gate() {
    let registry = registry();
    for entry in registry
        .entries()
        .filter(|e| matches!(e.code(), Code::Kem(_)))
    {
        let name = entry.full_name();
        assert_eq!(registry.admit(entry, &mut rng()), Ok(()), "{name}");
        assert_eq!(entry.provider().randomness, Randomness::Provider, "{name}");
        assert_eq!(
            entry.provider().constant_time,
            ConstantTime::Unclaimed,
            "{name}"
        );
    }
}

#[test]
fn a_key_read_back_opens_and_a_forged_ciphertext_gives_another_secret() {
    every_kem(|id, code, sizes| {
        let generated = code.generate(&mut rng()).unwrap();
        let bytes = expanded(&*generated);
        let imported = import(code, &bytes).unwrap();
        assert_eq!(expanded(&*imported), bytes, "{id}");
        assert_eq!(
            imported.encapsulation_key(),
            generated.encapsulation_key(),
            "{id}"
        );
        let public = code
            .import_encapsulation_key(&imported.encapsulation_key())
            .unwrap();
        assert_eq!(public.to_bytes(), imported.encapsulation_key(), "{id}");
        let mut ciphertext = vec![0; sizes.ciphertext];
        let [mut sent, mut opened] = [(); 2].map(|()| vec![0; sizes.shared_secret]);
        public
            .encapsulate(&mut rng(), &mut ciphertext, &mut sent)
            .unwrap();
        imported.decapsulate(&ciphertext, &mut opened).unwrap();
        assert_eq!(opened, sent, "{id}");
        ciphertext[sizes.ciphertext / 2] ^= 1;
        let [mut first, mut second] = [(); 2].map(|()| vec![0; sizes.shared_secret]);
        imported.decapsulate(&ciphertext, &mut first).unwrap();
        generated.decapsulate(&ciphertext, &mut second).unwrap();
        assert_ne!(first, sent, "{id}");
        assert_eq!(
            first, second,
            "{id}: rejection follows from key and ciphertext"
        );
    });
}

#[test]
fn there_is_no_seed_form() {
    every_kem(|_, code, _| {
        let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
        let refused = code
            .import_decapsulation_key(SecretForm::Seed(&[0; 64]))
            .err();
        assert_eq!(refused, unsupported);
        let key = code.generate(&mut rng()).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
    });
}

#[test]
fn damage_to_the_public_key_or_its_hash_is_found() {
    every_kem(|id, code, sizes| {
        let bytes = expanded(&*code.generate(&mut rng()).unwrap());
        let (public, after_hash) = layout(id, sizes);
        let last = bytes.len() - after_hash - 1;
        for at in [public, public + sizes.encapsulation_key - 1, last] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let refused = import(code, &damaged).err();
            assert_eq!(
                refused,
                Some(KemError::DecapsulationKeyInvalid),
                "{id}: {at}"
            );
        }
    });
}

#[test]
fn an_unreduced_key_of_ml_kem_is_refused_at_every_place() {
    every_kem(|id, code, sizes| {
        if !id.starts_with("ML-KEM") {
            return;
        }
        // Coefficients of q, and of q − 1, first in the lower and then in the upper twelve bits.
        for (triple, valid) in [
            ([0x01, 0x0d, 0], false),
            ([0, 0x10, 0xd0], false),
            ([0x00, 0x0d, 0], true),
            ([0, 0x00, 0xd0], true),
        ] {
            let mut key = vec![0; sizes.encapsulation_key];
            let polynomials = sizes.encapsulation_key - 32;
            for at in [0, polynomials / 6 * 3, polynomials - 3] {
                key[at..at + 3].copy_from_slice(&triple);
                let imported = code.import_encapsulation_key(&key);
                let refused = (!valid).then_some(KemError::EncapsulationKeyInvalid);
                assert_eq!(imported.err(), refused, "{id}: {triple:x?} at {at}");
                key[at..at + 3].fill(0);
            }
        }
    });
}

#[test]
fn what_has_the_wrong_length_is_an_error_and_no_panic() {
    every_kem(|id, code, sizes| {
        let (ek, dk) = (sizes.encapsulation_key, sizes.decapsulation_key);
        for length in [0, 1, ek - 1, ek + 1, dk - 1, dk + 1] {
            let bytes = vec![0; length];
            let refused = code.import_encapsulation_key(&bytes).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid), "{id}");
            let refused = import(code, &bytes).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid), "{id}");
        }
        let key = code.generate(&mut rng()).unwrap();
        let public = code
            .import_encapsulation_key(&key.encapsulation_key())
            .unwrap();
        let mut secret = vec![0; sizes.shared_secret];
        let short = vec![0; sizes.ciphertext - 1];
        let refused = key.decapsulate(&short, &mut secret);
        assert_eq!(refused, Err(KemError::CiphertextInvalid), "{id}");
        let mut right = vec![0; sizes.ciphertext];
        let failed = Err(KemError::ProviderFailed);
        assert_eq!(key.decapsulate(&right, &mut secret[1..]), failed, "{id}");
        let sealed = public.encapsulate(&mut rng(), &mut right[1..], &mut secret);
        assert_eq!(sealed, failed, "{id}");
        let sealed = public.encapsulate(&mut rng(), &mut right, &mut secret[1..]);
        assert_eq!(sealed, failed, "{id}");
    });
}
