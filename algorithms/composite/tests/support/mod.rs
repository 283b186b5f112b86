//! The sets of composite ML-DSA with the lengths of their ML-DSA halves.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{SignatureSizes, Sizes};
use pqfw_framework::registry::{Code, Entry, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};

/// One composite algorithm.
pub(crate) struct Set<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) code: &'a dyn Signature,
    pub(crate) sizes: SignatureSizes,
    /// Bytes of ML-DSA's share of a signature.
    pub(crate) ml_dsa: usize,
    /// Bytes of ML-DSA's share of a public key.
    pub(crate) ml_dsa_key: usize,
}

/// Runs `check` on every set.
pub(crate) fn every_set(check: impl Fn(&Set<'_>)) {
    let builder = Registry::builder().with(pqfw_composite::plugin());
    let registry = builder.build().unwrap();
    let mut sets = 0;
    for entry in registry.entries() {
        let (Code::Signature(code), Sizes::Signature(sizes)) = (entry.code(), entry.info().sizes)
        else {
            continue;
        };
        let (ml_dsa_key, ml_dsa) = match &entry.info().id[..7] {
            "MLDSA44" => (1312, 2420),
            "MLDSA65" => (1952, 3309),
            _ => (2592, 4627),
        };
        check(&Set {
            entry,
            code: &**code,
            sizes,
            ml_dsa,
            ml_dsa_key,
        });
        sets += 1;
    }
    assert_eq!(sets, 6);
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

pub(crate) fn import(set: &Set<'_>, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    set.code.import_signing_key(SecretForm::Expanded(bytes))
}
