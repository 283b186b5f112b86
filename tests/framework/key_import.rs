//! From a key file to a key: whatever a file says twice is compared.

use pqfw_framework::kem::{AdmittedKem, KemError};
use pqfw_framework::keys::{self, KeyImportError, PrivateKeyParts};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{AdmittedSignature, SignatureError};

use crate::broken::resolve;
use crate::key_support::{foreign, registry};

fn kem(name: &str) -> AdmittedKem {
    resolve(&registry(), |resolver| resolver.kem(name)).unwrap()
}

fn signature(name: &str) -> AdmittedSignature {
    resolve(&registry(), |resolver| resolver.signature(name)).unwrap()
}

/// Both forms and the public key of one key.
fn all(kem: &AdmittedKem, seed: &[u8]) -> PrivateKeyParts {
    let key = kem
        .import_decapsulation_key(SecretForm::Seed(seed))
        .unwrap();
    PrivateKeyParts {
        seed: Some(SecretBytes::copy_of(seed)),
        expanded: Some(key.export(SecretKind::Expanded).unwrap()),
        public_key: Some(key.encapsulation_key()),
    }
}

fn changed(mut secret: SecretBytes, at: usize) -> Option<SecretBytes> {
    secret.expose_mut()[at] ^= 1;
    Some(secret)
}

#[test]
fn the_standards_example_agrees_with_itself_by_every_provider() {
    for name in ["ML-KEM-512@aws-lc", "ML-KEM-512@rustcrypto"] {
        let kem = kem(name);
        let parts = keys::private_from_file(kem.info(), &foreign("ml-kem-512-both.pem")).unwrap();
        let both = kem.import_private_key(&parts).unwrap();
        let parts = keys::private_from_file(kem.info(), &foreign("ml-kem-512-seed.pem")).unwrap();
        let seed = kem.import_private_key(&parts).unwrap();
        assert_eq!(both.encapsulation_key(), seed.encapsulation_key());
    }
}

#[test]
fn every_byte_of_both_forms_is_compared() {
    let kem = kem("ML-KEM-512");
    assert!(kem.import_private_key(&all(&kem, &[7; 64])).is_ok());
    // In s, in ek, in H(ek), in z: the last is in no check of FIPS 203's own.
    for at in [0, 767, 768, 1567, 1568, 1599, 1600, 1631] {
        let parts = all(&kem, &[7; 64]);
        let parts = PrivateKeyParts {
            expanded: changed(parts.expanded.unwrap(), at),
            ..parts
        };
        let error = kem.import_private_key(&parts).err();
        assert_eq!(error, Some(KeyImportError::FormsDiffer), "{at}");
    }
    for at in [0, 31, 32, 63] {
        let parts = all(&kem, &[7; 64]);
        let parts = PrivateKeyParts {
            seed: changed(parts.seed.unwrap(), at),
            ..parts
        };
        let error = kem.import_private_key(&parts).err();
        assert_eq!(error, Some(KeyImportError::FormsDiffer), "{at}");
    }
}

#[test]
fn both_forms_of_a_signature_key_are_compared() {
    for name in ["ML-DSA-44@aws-lc", "ML-DSA-44@rustcrypto"] {
        let algorithm = signature(name);
        let key = algorithm
            .import_signing_key(SecretForm::Seed(&[7; 32]))
            .unwrap();
        let parts = |expanded| PrivateKeyParts {
            expanded,
            public_key: Some(key.verifying_key()),
            ..PrivateKeyParts::of_seed(&[7; 32])
        };
        let expanded = || key.export(SecretKind::Expanded).unwrap();
        assert!(
            algorithm
                .import_private_key(&parts(Some(expanded())))
                .is_ok()
        );
        let damaged = changed(expanded(), 32);
        let error = algorithm.import_private_key(&parts(damaged)).err();
        assert_eq!(error, Some(KeyImportError::FormsDiffer), "{name}");
    }
}

#[test]
fn the_public_key_beside_it_is_the_keys_own() {
    let kem = kem("ML-KEM-512");
    let other = all(&kem, &[8; 64]).public_key;
    for parts in [
        all(&kem, &[7; 64]),
        PrivateKeyParts {
            seed: None,
            ..all(&kem, &[7; 64])
        },
    ] {
        assert!(kem.import_private_key(&parts).is_ok());
        let parts = PrivateKeyParts {
            public_key: other.clone(),
            ..parts
        };
        let error = kem.import_private_key(&parts).err();
        assert_eq!(error, Some(KeyImportError::PublicKeyDiffers));
    }
    let ed25519 = signature("Ed25519");
    let parts = keys::private_from_file(ed25519.info(), &foreign("ed25519-v2.pem")).unwrap();
    let key = ed25519.import_private_key(&parts).unwrap();
    assert_eq!(Some(key.verifying_key()), parts.public_key);
    let parts = PrivateKeyParts {
        public_key: Some(vec![0; 32]),
        ..parts
    };
    let error = ed25519.import_private_key(&parts).err();
    assert_eq!(error, Some(KeyImportError::PublicKeyDiffers));
}

#[test]
fn what_the_algorithm_refuses_is_refused_in_its_words() {
    let kem = kem("ML-KEM-512");
    let nothing = kem.import_private_key(&PrivateKeyParts::default()).err();
    assert_eq!(nothing, Some(KeyImportError::Empty));
    let short = kem
        .import_private_key(&PrivateKeyParts::of_seed(&[7; 63]))
        .err();
    assert!(matches!(
        short,
        Some(KeyImportError::Kem(KemError::DecapsulationKeyLength {
            got: 63,
            expected: 64,
            ..
        }))
    ));
    let ed25519 = signature("Ed25519");
    let short = ed25519
        .import_private_key(&PrivateKeyParts::of_expanded(&[7; 33]))
        .err();
    assert!(matches!(
        short,
        Some(KeyImportError::Signature(
            SignatureError::SigningKeyLength { got: 33, .. }
        ))
    ));
}
