//! What the tests share.

use std::convert::Infallible;
use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::kem::Kem;
use pqfw_framework::registry::{Code, Plugin, Registry};
use pqfw_framework::signature::Signature;
use serde_json::Value;

const PRIMITIVES: &str = include_str!("../../../../tests/vectors/liboqs-0.13/primitives.json");

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn registry(plugin: Plugin) -> Registry {
    Registry::builder().with(plugin).build().unwrap()
}

pub(crate) fn kem_of(plugin: Plugin, id: &str) -> Arc<dyn Kem> {
    match registry(plugin).entries_of(id)[0].code() {
        Code::Kem(kem) => kem.clone(),
        _ => panic!("{id} is no KEM"),
    }
}

pub(crate) fn kem(id: &str) -> Arc<dyn Kem> {
    kem_of(pqfw_openssl::plugin(), id)
}

pub(crate) fn signature_of(plugin: Plugin, id: &str) -> Arc<dyn Signature> {
    match registry(plugin).entries_of(id)[0].code() {
        Code::Signature(code) => code.clone(),
        _ => panic!("{id} is no signature"),
    }
}

pub(crate) fn signature(id: &str) -> Arc<dyn Signature> {
    signature_of(pqfw_openssl::plugin(), id)
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    let bytes = digits.map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    bytes.collect::<Result<_, _>>().unwrap()
}

/// The values that liboqs 0.13 made for one of its algorithms.
pub(crate) struct Liboqs(Value);

impl Liboqs {
    pub(crate) fn new(kind: &str, algorithm: &str) -> Self {
        let vectors: Value = serde_json::from_str(PRIMITIVES).unwrap();
        Self(vectors[kind][algorithm].clone())
    }

    pub(crate) fn value(&self, field: &str) -> Vec<u8> {
        unhex(self.0[field].as_str().unwrap())
    }
}

/// A generator that gives one byte again and again, so often, and then what ChaCha20 gives.
pub(crate) struct Stuck(pub(crate) u8, pub(crate) usize);

impl TryRng for Stuck {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are drawn")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        match self.1.checked_sub(bytes.len()) {
            Some(rest) => {
                bytes.fill(self.0);
                self.1 = rest;
            }
            None => rng(1).fill_bytes(bytes),
        }
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}
