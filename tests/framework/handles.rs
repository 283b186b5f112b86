//! Typed handles: lengths, algorithms, forms and limits.

use pqfw_framework::aead::AeadError;
use pqfw_framework::kdf::KdfError;
use pqfw_framework::kem::KemError;
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;

use crate::broken::{resolve, rng};

fn registry() -> Registry {
    pqfw::registry().build().unwrap()
}

#[test]
fn kem_lengths_are_checked_before_a_provider_sees_them() {
    let registry = registry();
    for name in ["ML-KEM-768@aws-lc", "ML-KEM-768@rustcrypto", "X25519"] {
        let kem = resolve(&registry, |r| r.kem(name)).unwrap();
        let key = kem.generate(&mut rng()).unwrap();
        let ek = key.encapsulation_key();
        let error = kem
            .import_encapsulation_key(&ek[1..])
            .map(drop)
            .unwrap_err();
        assert!(
            matches!(error, KemError::EncapsulationKeyLength { .. }),
            "{name}"
        );
        let error = kem
            .import_decapsulation_key(SecretForm::Expanded(&[0; 7]))
            .map(drop);
        assert!(
            matches!(error, Err(KemError::DecapsulationKeyLength { .. })),
            "{name}"
        );
        let error = kem.decapsulate(&key, &[0; 3]).map(drop).unwrap_err();
        assert!(matches!(error, KemError::CiphertextLength { .. }), "{name}");
        let public = kem.import_encapsulation_key(&ek).unwrap();
        let (mut ciphertext, mut secret) = (vec![0; kem.sizes().ciphertext], [0; 31]);
        let error = public
            .encapsulate_into(&mut rng(), &mut ciphertext, &mut secret)
            .unwrap_err();
        assert!(matches!(error, KemError::CiphertextLength { .. }), "{name}");
    }
}

#[test]
fn keys_of_look_alikes_refuse_each_other() {
    let registry = registry();
    let kyber = resolve(&registry, |r| r.kem("Kyber-768")).unwrap();
    let ml_kem = resolve(&registry, |r| r.kem("ML-KEM-768")).unwrap();
    let key = kyber.generate(&mut rng()).unwrap();
    let public = kyber
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    let error = ml_kem
        .encapsulate(&public, &mut rng())
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, KemError::WrongAlgorithm { .. }), "{error}");

    let slh = resolve(&registry, |r| r.signature("SLH-DSA-SHA2-128f")).unwrap();
    let sphincs = resolve(&registry, |r| r.signature("SPHINCS+-SHA2-128f")).unwrap();
    let key = slh.generate(&mut rng()).unwrap();
    let public = slh.import_verifying_key(&key.verifying_key()).unwrap();
    let error = sphincs
        .verify(&public, &[b"m"], &[], &[0; 17_088])
        .unwrap_err();
    assert!(
        matches!(error, SignatureError::WrongAlgorithm { .. }),
        "{error}"
    );
}

#[test]
fn a_storable_key_has_its_seed_whatever_the_provider() {
    let registry = registry();
    for name in ["ML-KEM-768@aws-lc", "ML-KEM-768@rustcrypto"] {
        let kem = resolve(&registry, |r| r.kem(name)).unwrap();
        let key = kem.generate_storable(&mut rng()).unwrap();
        let seed = key.export(SecretKind::Seed).unwrap();
        assert_eq!(seed.len(), 64);
        let other = if name.ends_with("aws-lc") {
            "ML-KEM-768@rustcrypto"
        } else {
            "ML-KEM-768@aws-lc"
        };
        let other = resolve(&registry, |r| r.kem(other)).unwrap();
        let again = other
            .import_decapsulation_key(SecretForm::Seed(seed.expose()))
            .unwrap();
        assert_eq!(again.encapsulation_key(), key.encapsulation_key());
        let expanded = key.export(SecretKind::Expanded).unwrap();
        let same = again.export(SecretKind::Expanded).unwrap();
        assert!(same.constant_time_eq(expanded.expose()));
    }
    let kyber = resolve(&registry, |r| r.kem("Kyber-768")).unwrap();
    let error = kyber
        .import_decapsulation_key(SecretForm::Seed(&[0; 64]))
        .map(drop)
        .unwrap_err();
    assert_eq!(error, KemError::FormUnsupported(SecretKind::Seed));
    let key = kyber.generate_storable(&mut rng()).unwrap();
    let error = key.export(SecretKind::Seed).map(drop).unwrap_err();
    assert_eq!(error, KemError::FormUnsupported(SecretKind::Seed));
}

#[test]
fn signature_lengths_and_contexts_are_checked() {
    let registry = registry();
    let algorithm = resolve(&registry, |r| r.signature("ML-DSA-44@rustcrypto")).unwrap();
    let key = algorithm.generate_storable(&mut rng()).unwrap();
    let vk = key.verifying_key();
    let error = algorithm
        .import_verifying_key(&vk[1..])
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(error, SignatureError::VerifyingKeyLength { .. }),
        "{error}"
    );
    let error = algorithm
        .import_signing_key(SecretForm::Seed(&[0; 31]))
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(error, SignatureError::SigningKeyLength { .. }),
        "{error}"
    );
    let error = key
        .sign_with_context(&mut rng(), &[b"m"], &[0; 256])
        .unwrap_err();
    assert_eq!(error, SignatureError::ContextTooLong(256));

    let signature = key
        .sign_with_context(&mut rng(), &[b"m"], &[7; 255])
        .unwrap();
    let public = algorithm.import_verifying_key(&vk).unwrap();
    assert_eq!(public.verify(&[b"m"], &[7; 255], &signature), Ok(()));
    assert_eq!(
        public.verify(&[b"m"], &[7; 254], &signature),
        Err(SignatureError::Rejected)
    );
    assert_eq!(
        public.verify(&[b"m"], &[], &signature[1..]),
        Err(SignatureError::Rejected)
    );

    for name in ["Ed25519", "SPHINCS+-SHA2-128f-simple", "ML-DSA-44@aws-lc"] {
        let algorithm = resolve(&registry, |r| r.signature(name)).unwrap();
        let key = algorithm.generate(&mut rng()).unwrap();
        let error = key
            .sign_with_context(&mut rng(), &[b"m"], b"c")
            .unwrap_err();
        assert_eq!(error, SignatureError::ContextUnsupported, "{name}");
    }
    let ed25519 = resolve(&registry, |r| r.signature("SPHINCS+-SHA2-128f")).unwrap();
    let error = ed25519
        .import_signing_key(SecretForm::Seed(&[0; 48]))
        .map(drop)
        .unwrap_err();
    assert_eq!(error, SignatureError::FormUnsupported(SecretKind::Seed));
}

#[test]
fn messages_in_parts_are_one_message() {
    let registry = registry();
    for entry in registry
        .entries()
        .filter(|entry| entry.info().kind().name() == "signature")
    {
        let algorithm = resolve(&registry, |r| r.signature(&entry.full_name())).unwrap();
        let key = algorithm.generate(&mut rng()).unwrap();
        let signature = key.sign(&mut rng(), &[b"one ", b"", b"message"]).unwrap();
        let public = algorithm
            .import_verifying_key(&key.verifying_key())
            .unwrap();
        let verdict = algorithm.verify(&public, &[b"one mess", b"age"], &[], &signature);
        assert_eq!(verdict, Ok(()), "{}", entry.full_name());
    }
}

#[test]
fn an_aead_checks_lengths_and_wipes_what_does_not_authenticate() {
    let registry = registry();
    for entry in registry
        .entries()
        .filter(|entry| entry.info().kind().name() == "aead")
    {
        let name = entry.full_name();
        let aead = resolve(&registry, |r| r.aead(&name)).unwrap();
        let error = aead.key(&[0; 5]).map(drop).unwrap_err();
        assert!(matches!(error, AeadError::KeyLength { .. }), "{name}");
        let key = aead.key(&vec![3; aead.sizes().key]).unwrap();
        let error = key.seal(&[0; 11], &[], b"m").unwrap_err();
        assert!(matches!(error, AeadError::NonceLength { .. }), "{name}");
        let nonce = vec![1; aead.sizes().nonce];
        let error = key.open(&nonce, &[], &[0; 15]).unwrap_err();
        assert!(matches!(error, AeadError::TagLength { .. }), "{name}");
        let mut buffer = *b"secret";
        let mut tag = [0; 16];
        key.seal_in_place(&nonce, b"aad", &mut buffer, &mut tag)
            .unwrap();
        tag[15] ^= 1;
        let error = key
            .open_in_place(&nonce, b"aad", &mut buffer, &tag)
            .unwrap_err();
        assert_eq!(error, AeadError::Rejected, "{name}");
        assert_eq!(buffer, [0; 6], "{name}: the buffer was not wiped");
        assert_eq!(key.sealed(), 1, "{name}");
    }
}

#[test]
fn a_kdf_gives_as_much_as_rfc_5869_allows_and_no_more() {
    let registry = registry();
    for entry in registry
        .entries()
        .filter(|entry| entry.info().kind().name() == "kdf")
    {
        let name = entry.full_name();
        let kdf = resolve(&registry, |r| r.kdf(&name)).unwrap();
        let prk = kdf.extract(b"salt", b"ikm").unwrap();
        let most = kdf.sizes().max_output;
        assert_eq!(
            kdf.expand(&prk, &[b"i", b"nfo"], most).unwrap().len(),
            most,
            "{name}"
        );
        let error = kdf.expand(&prk, &[], most + 1).map(drop).unwrap_err();
        assert!(matches!(error, KdfError::OutputTooLong { .. }), "{name}");
        let short = pqfw_framework::secret::SecretBytes::zeroed(5);
        let error = kdf.expand(&short, &[], 1).map(drop).unwrap_err();
        assert!(matches!(error, KdfError::PrkLength { .. }), "{name}");
        let [parts, whole] =
            [&[&b"i"[..], b"nfo"][..], &[b"info"]].map(|info| kdf.expand(&prk, info, 42).unwrap());
        assert!(parts.constant_time_eq(whole.expose()), "{name}");
    }
}
