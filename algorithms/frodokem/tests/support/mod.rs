//! The twelve algorithms and two generators of randomness, for these tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::convert::Infallible;
use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{CryptoRng, SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::{KemSizes, Sizes};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem};
use pqfw_framework::registry::{Code, Entry, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};

pub(crate) const SETS: [&str; 6] = [
    "640-AES",
    "640-SHAKE",
    "976-AES",
    "976-SHAKE",
    "1344-AES",
    "1344-SHAKE",
];

pub(crate) fn salted(set: &str) -> String {
    format!("FrodoKEM-{set}")
}

pub(crate) fn unsalted(set: &str) -> String {
    format!("eFrodoKEM-{set}")
}

pub(crate) fn all() -> Vec<String> {
    let forms = [salted, unsalted];
    forms.map(|form| SETS.map(form)).concat()
}

pub(crate) fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_frodokem::plugin());
    builder.build().unwrap()
}

pub(crate) fn entry<'a>(registry: &'a Registry, id: &str) -> &'a Entry {
    let [entry] = registry.entries_of(id) else {
        panic!("one provider of {id}")
    };
    entry
}

pub(crate) fn kem(id: &str) -> (Arc<dyn Kem>, KemSizes) {
    let registry = registry();
    let entry = entry(&registry, id);
    let (Code::Kem(kem), Sizes::Kem(sizes)) = (entry.code(), entry.info().sizes) else {
        panic!("{id} is no KEM")
    };
    (kem.clone(), sizes)
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    let bytes = key.export(SecretKind::Expanded).unwrap();
    bytes.expose().to_vec()
}

pub(crate) fn import(kem: &dyn Kem, dk: &[u8]) -> Box<dyn Decapsulate> {
    kem.import_decapsulation_key(SecretForm::Expanded(dk))
        .unwrap()
}

pub(crate) fn public(kem: &dyn Kem, key: &dyn Decapsulate) -> Box<dyn Encapsulate> {
    kem.import_encapsulation_key(&key.encapsulation_key())
        .unwrap()
}

/// A ciphertext and its secret.
pub(crate) fn encapsulate(
    key: &dyn Encapsulate,
    rng: &mut dyn CryptoRng,
    sizes: &KemSizes,
) -> (Vec<u8>, Vec<u8>) {
    let (mut ciphertext, mut secret) = (vec![0; sizes.ciphertext], vec![0; sizes.shared_secret]);
    key.encapsulate(rng, &mut ciphertext, &mut secret).unwrap();
    (ciphertext, secret)
}

pub(crate) fn decapsulate(key: &dyn Decapsulate, ciphertext: &[u8], sizes: &KemSizes) -> Vec<u8> {
    let mut secret = vec![0; sizes.shared_secret];
    key.decapsulate(ciphertext, &mut secret).unwrap();
    secret
}

/// Gives the bytes it was made of, and no more.
pub(crate) struct Scripted(pub(crate) Vec<u8>);

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("bytes alone are scripted")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("bytes alone are scripted")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let script: Vec<_> = self.0.drain(..bytes.len()).collect();
        bytes.copy_from_slice(&script);
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}
