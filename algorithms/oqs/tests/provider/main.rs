//! The provider `liboqs`, seen as the registry sees it.
#![cfg(feature = "liboqs")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod admission;
mod falcon;
mod kems;
mod module_lattice;
mod signatures;
mod vectors;

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{SignatureSizes, Sizes};
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};

fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_oqs::plugin());
    builder.build().unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// The code of a signature algorithm and its lengths.
fn signature(id: &str) -> (Arc<dyn Signature>, SignatureSizes) {
    let registry = registry();
    let entry = &registry.entries_of(id)[0];
    match (entry.code(), entry.info().sizes) {
        (Code::Signature(code), Sizes::Signature(sizes)) => (code.clone(), sizes),
        _ => panic!("{id} is no signature"),
    }
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Signature, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    code.import_signing_key(SecretForm::Expanded(bytes))
}
