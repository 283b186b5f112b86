//! A node's identity: made once, found again, never replaced.

use pqfw_framework::keys::{IdentityError, KeyCodecError, KeyImportError, identity_key};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::signature::AdmittedSignature;
use pqfw_framework::system::{KeyFileError, KeyFiles};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_runtime::DirectoryKeys;

use crate::key_support::registry;

fn signature(registry: &Registry, name: &str) -> AdmittedSignature {
    let mut rng = SeededWorld::new(1).rng();
    let mut resolver = Resolver::new(registry, &mut *rng, &[], &[], "2026-01-01");
    resolver.signature(name).unwrap()
}

fn made(files: &dyn KeyFiles, signature: &AdmittedSignature) -> Result<Vec<u8>, IdentityError> {
    let mut rng = SeededWorld::new(2).rng();
    let (key, made) = identity_key(files, "identity.pem", signature, &mut *rng)?;
    let (again, made_again) = identity_key(files, "identity.pem", signature, &mut *rng)?;
    assert!(!made_again);
    assert_eq!(key.verifying_key(), again.verifying_key());
    made.then(|| key.verifying_key())
        .ok_or_else(|| panic!("it was there before"))
}

#[test]
fn each_algorithm_has_an_identity_that_lasts() {
    let registry = registry();
    let directory = tempfile::tempdir().unwrap();
    let files = DirectoryKeys::new(directory.path());
    for name in [
        "ML-DSA-65",
        "Ed25519",
        "SLH-DSA-SHA2-128f",
        "Ed25519+ML-DSA-65",
    ] {
        made(&files, &signature(&registry, name)).unwrap();
    }
    assert!(directory.path().join("identity.pem").exists());
    assert!(directory.path().join("identity-Ed25519.pem").exists());
}

#[test]
fn a_file_that_cannot_be_used_is_not_replaced() {
    let registry = registry();
    let ed25519 = signature(&registry, "Ed25519");
    let directory = tempfile::tempdir().unwrap();
    let files = DirectoryKeys::new(directory.path());
    files.write("identity.pem", b"nonsense", true).unwrap();
    let error = made(&files, &ed25519).unwrap_err();
    let codec = matches!(
        &error,
        IdentityError::Codec {
            error: KeyCodecError::Pem(_) | KeyCodecError::Der(_),
            ..
        }
    );
    assert!(codec, "{error}");
    let kept = files.read("identity.pem").unwrap().unwrap();
    assert_eq!(kept.expose(), b"nonsense");
}

#[test]
fn a_key_that_contradicts_itself_is_refused() {
    let registry = registry();
    let ml_dsa = signature(&registry, "ML-DSA-44");
    let directory = tempfile::tempdir().unwrap();
    let files = DirectoryKeys::new(directory.path());
    let mut rng = SeededWorld::new(3).rng();
    let parts = |seed: u8, expanded: &[u8]| pqfw_framework::keys::PrivateKeyParts {
        expanded: Some(pqfw_framework::secret::SecretBytes::copy_of(expanded)),
        ..pqfw_framework::keys::PrivateKeyParts::of_seed(&[seed; 32])
    };
    let key = ml_dsa.generate_storable(&mut *rng).unwrap();
    let expanded = key
        .export(pqfw_framework::secret::SecretKind::Expanded)
        .unwrap();
    let der = pqfw_framework::keys::private_to_der(
        ml_dsa.info(),
        &parts(9, expanded.expose()),
        Some(pqfw_framework::keys::PrivateKeyForm::Both),
    );
    files
        .write("identity.pem", der.unwrap().expose(), true)
        .unwrap();
    let error = made(&files, &ml_dsa).unwrap_err();
    let differ = matches!(
        &error,
        IdentityError::Import {
            error: KeyImportError::FormsDiffer,
            ..
        }
    );
    assert!(differ, "{error}");
}

#[test]
fn what_the_machine_or_the_provider_refuses_is_passed_on() {
    let registry = registry();
    let ed25519 = signature(&registry, "Ed25519");
    let directory = tempfile::tempdir().unwrap();
    let files = DirectoryKeys::new(directory.path());
    let mut rng = SeededWorld::new(4).rng();
    let error = identity_key(&files, "../x", &ed25519, &mut *rng)
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(error, IdentityError::File(KeyFileError { .. })));
    let provider = pqfw_framework::signature::SignatureError::ProviderFailed;
    let error = IdentityError::Signature(provider.clone());
    assert_eq!(error.to_string(), provider.to_string());
}
