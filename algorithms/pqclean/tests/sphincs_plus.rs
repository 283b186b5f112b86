//! The provider `pqclean` of SPHINCS+, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::Sizes;
use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::registry::{Code, Entry, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Signature, SignatureError};

/// The fastest set; all sets are one generic code.
const ID: &str = "SPHINCS+-SHA2-128f-simple";

fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_pqclean::plugin())
        .build()
        .unwrap()
}

fn code() -> Arc<dyn Signature> {
    match registry().entries_of(ID)[0].code() {
        Code::Signature(code) => code.clone(),
        _ => panic!("no signature"),
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn sphincs_plus(registry: &Registry) -> Vec<&Entry> {
    let of_sphincs = |entry: &&Entry| entry.info().id.starts_with("SPHINCS+-");
    let entries: Vec<_> = registry.entries().filter(of_sphincs).collect();
    assert_eq!(entries.len(), 12);
    entries
}

#[test]
fn every_set_passes_the_admission_gate() {
    let registry = registry();
    for entry in sphincs_plus(&registry) {
        let name = entry.full_name();
        assert_eq!(registry.admit(entry, &mut rng()), Ok(()), "{name}");
        let provider = entry.provider();
        assert_eq!(provider.randomness, Randomness::Provider, "{name}");
        assert_eq!(provider.constant_time, ConstantTime::Unclaimed, "{name}");
        assert!(!provider.native_context, "{name}");
    }
}

#[test]
fn there_is_no_seed_form() {
    let unsupported = Some(SignatureError::FormUnsupported(SecretKind::Seed));
    assert_eq!(
        code().import_signing_key(SecretForm::Seed(&[0; 48])).err(),
        unsupported
    );
    let key = code().generate(&mut rng()).unwrap();
    assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
}

#[test]
fn an_exported_key_signs_for_the_same_public_key() {
    let generated = code().generate(&mut rng()).unwrap();
    let bytes = generated.export(SecretKind::Expanded).unwrap();
    let form = SecretForm::Expanded(bytes.expose());
    let imported = code().import_signing_key(form).unwrap();
    assert_eq!(imported.verifying_key(), generated.verifying_key());
    let signature = imported.sign(&mut rng(), &[b"me", b"ssage"], b"").unwrap();
    let key = code()
        .import_verifying_key(&generated.verifying_key())
        .unwrap();
    assert_eq!(key.verify(&[b"message"], b"", &signature), Ok(()));
    assert_eq!(
        key.verify(&[b"messagE"], b"", &signature),
        Err(SignatureError::Rejected)
    );
}

#[test]
fn a_signature_that_is_damaged_or_of_another_length_is_rejected() {
    let signer = code().generate(&mut rng()).unwrap();
    let key = code()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    let mut signature = signer.sign(&mut rng(), &[b"m"], b"").unwrap();
    let rejected = Err(SignatureError::Rejected);
    for other in [&signature[1..], &signature[..17_087], b""] {
        assert_eq!(key.verify(&[b"m"], b"", other), rejected);
    }
    let longer = [&signature[..], &[0]].concat();
    assert_eq!(key.verify(&[b"m"], b"", &longer), rejected);
    signature[17_087] ^= 1;
    assert_eq!(key.verify(&[b"m"], b"", &signature), rejected);
}

#[test]
fn a_context_is_refused() {
    let signer = code().generate(&mut rng()).unwrap();
    let unsupported = SignatureError::ContextUnsupported;
    assert_eq!(
        signer.sign(&mut rng(), &[b"m"], b"c"),
        Err(unsupported.clone())
    );
    let key = code()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    assert_eq!(key.verify(&[b"m"], b"c", &[0; 17_088]), Err(unsupported));
}

#[test]
fn damage_to_a_key_is_not_seen_until_a_signature_fails() {
    let signer = code().generate(&mut rng()).unwrap();
    let key = code()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    let mut damaged = signer
        .export(SecretKind::Expanded)
        .unwrap()
        .expose()
        .to_vec();
    damaged[0] ^= 1;
    let damaged = code()
        .import_signing_key(SecretForm::Expanded(&damaged))
        .unwrap();
    let signature = damaged.sign(&mut rng(), &[b"m"], b"").unwrap();
    assert_eq!(
        key.verify(&[b"m"], b"", &signature),
        Err(SignatureError::Rejected)
    );
}

#[test]
fn a_key_of_the_wrong_length_is_refused() {
    let registry = registry();
    for entry in sphincs_plus(&registry) {
        let (Code::Signature(code), Sizes::Signature(sizes)) = (entry.code(), entry.info().sizes)
        else {
            panic!("no signature")
        };
        let (sk, vk) = (sizes.signing_key, sizes.verifying_key);
        for length in [0, 1, vk, sk - 1, sk + 1, 2 * sk] {
            let refused = code
                .import_signing_key(SecretForm::Expanded(&vec![0; length]))
                .err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        for length in [0, vk - 1, vk + 1] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    }
}
