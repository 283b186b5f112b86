//! The toy KEM through the framework's typed handles: what works, and each refusal.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Counter, registry, resolve};
use pqfw_example_plugin::{ID, LENGTH, Toy, plugin, provider, row};
use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::kem::{AdmittedKem, KemError};
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretForm, SecretKind};

fn toy() -> AdmittedKem {
    resolve(&registry(plugin()), ID).0.unwrap()
}

#[test]
fn both_ends_get_the_same_secret() {
    let (kem, mut rng) = (toy(), Counter::default());
    let key = kem.generate(&mut rng).unwrap();
    let public = kem
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    let (ciphertext, theirs) = kem.encapsulate(&public, &mut rng).unwrap();
    let ours = kem.decapsulate(&key, &ciphertext).unwrap();
    assert!(ours.constant_time_eq(theirs.expose()));
}

#[test]
fn a_stored_key_comes_back() {
    let (kem, mut rng) = (toy(), Counter::default());
    let key = kem.generate_storable(&mut rng).unwrap();
    let stored = key.export(SecretKind::Expanded).unwrap();
    let again = kem
        .import_decapsulation_key(SecretForm::Expanded(stored.expose()))
        .unwrap();
    assert_eq!(again.encapsulation_key(), key.encapsulation_key());
}

#[test]
fn any_ciphertext_gives_some_secret_and_each_another() {
    let (kem, mut rng) = (toy(), Counter::default());
    let key = kem.generate(&mut rng).unwrap();
    let zeros = key.decapsulate(&[0; LENGTH]).unwrap();
    let ones = key.decapsulate(&[1; LENGTH]).unwrap();
    assert!(!zeros.constant_time_eq(ones.expose()));
}

#[test]
fn the_toy_is_as_insecure_as_it_says() {
    let (kem, mut rng) = (toy(), Counter::default());
    let public = kem.generate(&mut rng).unwrap().encapsulation_key();
    let stolen: Vec<u8> = public.iter().rev().map(|byte| !byte).collect();
    let stolen = kem
        .import_decapsulation_key(SecretForm::Expanded(&stolen))
        .unwrap();
    assert_eq!(stolen.encapsulation_key(), public);
}

#[test]
fn wrong_lengths_are_refused_one_below_and_one_above() {
    let (kem, mut rng) = (toy(), Counter::default());
    let key = kem.generate(&mut rng).unwrap();
    for got in [0, LENGTH - 1, LENGTH + 1] {
        let (bytes, algorithm, expected) = (vec![0; got], || ID.to_owned(), LENGTH);
        assert_eq!(
            kem.import_encapsulation_key(&bytes).map(drop).unwrap_err(),
            KemError::EncapsulationKeyLength {
                algorithm: algorithm(),
                got,
                expected
            }
        );
        assert_eq!(
            kem.import_decapsulation_key(SecretForm::Expanded(&bytes))
                .map(drop)
                .unwrap_err(),
            KemError::DecapsulationKeyLength {
                algorithm: algorithm(),
                got,
                expected
            }
        );
        assert_eq!(
            key.decapsulate(&bytes).map(drop).unwrap_err(),
            KemError::CiphertextLength {
                algorithm: algorithm(),
                got,
                expected
            }
        );
    }
}

#[test]
fn a_form_that_the_algorithm_lacks_is_refused() {
    let kem = toy();
    let refused = KemError::FormUnsupported(SecretKind::Seed);
    let import = kem
        .import_decapsulation_key(SecretForm::Seed(&[0; LENGTH]))
        .map(drop);
    assert_eq!(import, Err(refused.clone()));
    let key = kem.generate(&mut Counter::default()).unwrap();
    assert_eq!(key.export(SecretKind::Seed).map(drop), Err(refused));
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let twin = AlgorithmInfo {
        id: "Example-Twin".into(),
        ..row()
    };
    let registry = registry(plugin().row(twin).kem("Example-Twin", provider(), Toy));
    let [toy, twin] = [ID, "Example-Twin"].map(|name| resolve(&registry, name).0.unwrap());
    let mut rng = Counter::default();
    let key = twin.generate(&mut rng).unwrap();
    let wrong = KemError::WrongAlgorithm {
        expected: ID.into(),
        got: "Example-Twin".into(),
    };
    assert_eq!(
        toy.decapsulate(&key, &[0; LENGTH]).map(drop),
        Err(wrong.clone())
    );
    let public = twin
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    assert_eq!(toy.encapsulate(&public, &mut rng).map(drop), Err(wrong));
}

#[test]
fn a_plugin_that_brings_nothing_is_no_error() {
    assert_eq!(registry(Plugin::new("empty")).entries().count(), 0);
}
