//! The provider `dalek` of X25519, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::convert::Infallible;
use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::Kat;
use pqfw_framework::kem::{Kem, KemError};
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};

fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_classical::plugin())
        .build()
        .unwrap()
}

fn code() -> Arc<dyn Kem> {
    match registry().entries_of("X25519")[0].code() {
        Code::Kem(kem) => kem.clone(),
        _ => panic!("no KEM"),
    }
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Points of small order (RFC 7748 section 6.1): u = 0, 1, p - 1, p, p + 1.
fn small_order() -> Vec<[u8; 32]> {
    let mut points = vec![[0; 32], [0; 32]];
    points[1][0] = 1;
    for low in [0xec, 0xed, 0xee] {
        let mut point = [0xff; 32];
        (point[0], point[31]) = (low, 0x7f);
        points.push(point);
    }
    points
}

/// Gives the bytes it was made of, and no more.
struct Scripted(Vec<u8>);

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("bytes alone are scripted")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("bytes alone are scripted")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0.drain(..bytes.len()).collect::<Vec<_>>());
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}

#[test]
fn it_passes_the_admission_gate() {
    let registry = registry();
    let [entry] = registry.entries_of("X25519") else {
        panic!("one provider")
    };
    assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()));
    assert_eq!(entry.provider().randomness, Randomness::Injected);
}

#[test]
fn the_ephemeral_key_of_rfc_9180_gives_its_ciphertext_and_secret() {
    let registry = registry();
    let kat = Kat::parse(&registry.find("X25519").unwrap().known_answers).unwrap();
    let value = |name| kat.cases[0].value(name).unwrap();
    let key = code().import_encapsulation_key(value("ek")).unwrap();
    let (mut ciphertext, mut secret) = ([0; 32], [0; 32]);
    let mut ephemeral = Scripted(value("ephemeral").to_vec());
    key.encapsulate(&mut ephemeral, &mut ciphertext, &mut secret)
        .unwrap();
    assert_eq!(ciphertext, value("ct"));
    assert_eq!(secret, value("ss"));
}

#[test]
fn an_encapsulation_key_of_small_order_is_refused_when_it_is_used() {
    for point in small_order() {
        let key = code().import_encapsulation_key(&point).unwrap();
        let refused = key.encapsulate(&mut rng(1), &mut [0; 32], &mut [0; 32]);
        assert_eq!(refused, Err(KemError::EncapsulationKeyInvalid));
    }
}

#[test]
fn a_ciphertext_of_small_order_is_refused() {
    let key = code().generate(&mut rng(1)).unwrap();
    for point in small_order() {
        let mut secret = [7; 32];
        assert_eq!(
            key.decapsulate(&point, &mut secret),
            Err(KemError::CiphertextInvalid)
        );
        assert_eq!(secret, [7; 32], "a refusal writes nothing");
    }
}

#[test]
fn a_private_key_is_exported_as_it_was_imported() {
    // All bits that RFC 7748 section 5 clears or sets are the other way round.
    let mut unclamped = [0xff; 32];
    unclamped[31] = 0xbf;
    let key = code()
        .import_decapsulation_key(SecretForm::Expanded(&unclamped))
        .unwrap();
    assert_eq!(
        key.export(SecretKind::Expanded).unwrap().expose(),
        unclamped
    );
    let mut clamped = unclamped;
    (clamped[0], clamped[31]) = (0xf8, 0x7f);
    let same = code()
        .import_decapsulation_key(SecretForm::Expanded(&clamped))
        .unwrap();
    assert_eq!(key.encapsulation_key(), same.encapsulation_key());
}

#[test]
fn there_is_no_seed_form() {
    let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
    assert_eq!(
        code()
            .import_decapsulation_key(SecretForm::Seed(&[1; 32]))
            .err(),
        unsupported
    );
    let key = code().generate(&mut rng(1)).unwrap();
    assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    let refused = code().import_encapsulation_key(&[1; 31]).err();
    assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
    let refused = code()
        .import_decapsulation_key(SecretForm::Expanded(&[1; 33]))
        .err();
    assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
    let key = code().generate(&mut rng(1)).unwrap();
    assert_eq!(
        key.decapsulate(&[1; 31], &mut [0; 32]),
        Err(KemError::CiphertextInvalid)
    );
}
