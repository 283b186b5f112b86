//! Hash functions that some checks and mutants need, from providers in a registry.
//!
//! The framework has no algorithm's code. Where a standard fixes the secret of a rejected
//! ciphertext, or the check value in a private key, the kit computes it with the registry's own
//! SHAKE256 and SHA3-256, once they passed the admission gate. Without them those checks do not
//! apply, and say so.

use std::sync::Arc;

use rand_core::CryptoRng;

use crate::hash::Hash;
use crate::registry::{Code, Registry};

/// The hash functions at hand.
#[derive(Clone, Default)]
pub struct Tools {
    shake256: Option<Arc<dyn Hash>>,
    sha3_256: Option<Arc<dyn Hash>>,
}

impl Tools {
    /// Takes the first admitted provider of each from `registry`.
    #[must_use]
    pub fn of(registry: &Registry, rng: &mut dyn CryptoRng) -> Self {
        let mut admitted = |id: &str| {
            let mut entries = registry.entries_of(id).iter();
            let entry = entries.find(|entry| registry.admit(entry, rng).is_ok())?;
            match entry.code() {
                Code::Hash(hash) => Some(hash.clone()),
                _ => None,
            }
        };
        Self {
            shake256: admitted("SHAKE256"),
            sha3_256: admitted("SHA3-256"),
        }
    }

    /// SHAKE256 of the concatenation of `parts`, 32 bytes.
    pub(super) fn shake256(&self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        self.shake256.as_deref().map(|hash| digest(hash, parts))
    }

    /// SHA3-256 of the concatenation of `parts`.
    pub(super) fn sha3_256(&self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        self.sha3_256.as_deref().map(|hash| digest(hash, parts))
    }
}

fn digest(hash: &dyn Hash, parts: &[&[u8]]) -> Vec<u8> {
    let mut state = hash.start();
    parts.iter().for_each(|part| state.update(part));
    let mut output = vec![0; 32];
    state.finish(&mut output);
    output
}
