//! What the tests share: code out of the registry, vectors, and generators.

use std::convert::Infallible;
use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::Kat;
use pqfw_framework::kem::Kem;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::signature::Signature;

pub(crate) fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_classical::plugin())
        .build()
        .unwrap()
}

pub(crate) fn kem(id: &str) -> Arc<dyn Kem> {
    match registry().entries_of(id)[0].code() {
        Code::Kem(kem) => kem.clone(),
        _ => panic!("{id} is no KEM"),
    }
}

pub(crate) fn signature(id: &str) -> Arc<dyn Signature> {
    match registry().entries_of(id)[0].code() {
        Code::Signature(code) => code.clone(),
        _ => panic!("{id} is no signature"),
    }
}

/// The known answers in the catalogue.
pub(crate) fn known_answers(id: &str) -> Kat {
    Kat::parse(&registry().find(id).unwrap().known_answers).unwrap()
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let mut kat = Kat::parse(&format!("value = {text}")).unwrap();
    kat.cases.remove(0).value("value").unwrap().to_vec()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Gives the bytes it was made of, over and over.
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
        bytes.copy_from_slice(&self.0[..bytes.len()]);
        self.0.rotate_left(bytes.len());
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}
