//! KEMs: forms, checks of keys, lengths, implicit rejection.

use pqfw_framework::catalogue::{KemSizes, Sizes};
use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::registry::Code;
use pqfw_framework::secret::{SecretForm, SecretKind};

use super::{registry, rng};

/// Runs `check` on the code of every KEM.
fn every_kem(check: impl Fn(&str, &dyn Kem, &KemSizes)) {
    let mut kems = 0;
    for entry in registry().entries() {
        if let (Code::Kem(code), Sizes::Kem(sizes)) = (entry.code(), entry.info().sizes) {
            check(&entry.info().id, &**code, &sizes);
            kems += 1;
        }
    }
    assert_eq!(kems, 12);
}

fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Kem, bytes: &[u8]) -> Result<Box<dyn Decapsulate>, KemError> {
    code.import_decapsulation_key(SecretForm::Expanded(bytes))
}

#[test]
fn a_key_read_back_opens_and_a_forged_ciphertext_gives_another_secret() {
    every_kem(|id, code, sizes| {
        let generated = code.generate(&mut rng()).unwrap();
        let bytes = expanded(&*generated);
        let imported = import(code, &bytes).unwrap();
        assert_eq!(expanded(&*imported), bytes, "{id}");
        let ek = generated.encapsulation_key();
        assert_eq!(imported.encapsulation_key(), ek, "{id}");
        let public = code.import_encapsulation_key(&ek).unwrap();
        assert_eq!(public.to_bytes(), ek, "{id}");
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
fn ml_kem_keys_come_from_seeds_of_the_callers() {
    every_kem(|id, code, _| {
        let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
        let generated = code.generate(&mut rng()).unwrap();
        if !id.starts_with("ML-KEM") {
            assert_eq!(
                generated.export(SecretKind::Seed).err(),
                unsupported,
                "{id}"
            );
            let refused = code
                .import_decapsulation_key(SecretForm::Seed(&[0; 64]))
                .err();
            assert_eq!(refused, unsupported, "{id}");
            return;
        }
        let seed = generated.export(SecretKind::Seed).unwrap();
        let form = SecretForm::Seed(seed.expose());
        let imported = code.import_decapsulation_key(form).unwrap();
        assert_eq!(expanded(&*imported), expanded(&*generated), "{id}");
        let again = code.generate(&mut rng()).unwrap();
        assert_eq!(
            expanded(&*again),
            expanded(&*generated),
            "{id}: same generator"
        );
        let without = import(code, &expanded(&*generated)).unwrap();
        assert_eq!(without.export(SecretKind::Seed).err(), unsupported, "{id}");
        for length in [0, 63, 65] {
            let bytes = vec![0; length];
            let refused = code
                .import_decapsulation_key(SecretForm::Seed(&bytes))
                .err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid), "{id}");
        }
    });
}

#[test]
fn damage_to_the_public_key_or_its_hash_is_found() {
    every_kem(|id, code, sizes| {
        let bytes = expanded(&*code.generate(&mut rng()).unwrap());
        let (public, last) = if id.starts_with("eFrodoKEM") {
            (sizes.shared_secret, bytes.len() - 1)
        } else {
            (sizes.encapsulation_key - 32, bytes.len() - 33)
        };
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
fn an_unreduced_key_of_ml_kem_or_kyber_is_refused_at_every_place() {
    every_kem(|id, code, sizes| {
        if id.starts_with("eFrodoKEM") {
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
