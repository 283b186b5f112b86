//! Hybrids: any two or more KEMs make a KEM, any two or more signatures make a signature.
//!
//! A hybrid is as strong as its strongest part. Its bytes are fixed by `docs/protocols/hybrid.md`:
//! names in the catalogue's order, keys and ciphertexts concatenated, secrets joined by the
//! universal combiner of the CFRG hybrid-KEM draft. There is no shortcut for parts that claim to
//! need less, so a part may come from a plugin that nobody trusts.
//!
//! Users meet hybrids as names: [`Resolver::kem`](crate::registry::Resolver::kem) of
//! `X25519+ML-KEM-768` gives an [`AdmittedKem`](crate::kem::AdmittedKem) like any other. Standard
//! hybrids with bytes of their own (`X-Wing`, LAMPS composites) are rows of the catalogue and none
//! of this.

mod kem;
mod name;
mod signature;

use std::sync::Arc;

use crate::catalogue::{
    AlgorithmInfo, KemSizes, Kind, OidParameters, PrivateKeyEncoding, SignatureSizes, Sizes, Status,
};
use crate::hash::AdmittedHash;
use crate::provider::{ProviderInfo, Randomness};
use crate::secret::SecretBytes;

pub(crate) use kem::HybridKem;
use name::label;
pub(crate) use name::{canonical, is_hybrid, parts, shadowed};
pub(crate) use signature::HybridSignature;

/// The identifier of every hybrid's keys, beside its name. Nobody assigned it: docs/decisions/0007.
const OID: &str = "1.3.9999.112.113.102.119.1";
/// The seed of a hybrid's private key, from which each part's is expanded.
const SEED_BYTES: usize = 32;
/// What the combiner gives: one SHA3-256.
const SHARED_SECRET_BYTES: usize = 32;
/// What stands before a part whose length varies.
const LENGTH_BYTES: usize = 4;

/// The row of the hybrid `name` of `parts`, which are in the catalogue's order.
pub(crate) fn row(name: &str, parts: &[Arc<AlgorithmInfo>], sizes: Sizes) -> AlgorithmInfo {
    let carrying = carrying(parts);
    let seed = sizes
        .table()
        .first()
        .is_some_and(|(what, _)| *what == "seed");
    let claim = match &sizes {
        Sizes::Kem(_) => "IND-CCA2",
        _ => "EUF-CMA",
    };
    let mut row = AlgorithmInfo::new(name, sizes, "docs/protocols/hybrid.md")
        .oid(OID)
        .private_key_encoding(if seed {
            PrivateKeyEncoding::SeedOrExpanded
        } else {
            PrivateKeyEncoding::Raw
        })
        .category(carrying.map_or(0, |part| part.category))
        .status(carrying.map_or(Status::Experimental, |part| part.status))
        .claims(&[claim]);
    row.oid_parameters = Some(OidParameters::Name(name.into()));
    row.slow = parts.iter().any(|part| part.slow);
    row
}

/// The lengths of a hybrid: sums, with four bytes before each signature whose length varies. There
/// is a seed when every part can be made from one.
pub(crate) fn sizes(parts: &[Arc<AlgorithmInfo>]) -> Sizes {
    let mut kem = KemSizes {
        seed: Some(SEED_BYTES),
        encapsulation_key: 0,
        decapsulation_key: 0,
        ciphertext: 0,
        shared_secret: SHARED_SECRET_BYTES,
    };
    let mut signature = SignatureSizes {
        seed: Some(SEED_BYTES),
        verifying_key: 0,
        signing_key: 0,
        signature: 0,
        variable_length: false,
        context: false,
    };
    for part in parts {
        match &part.sizes {
            Sizes::Kem(sizes) => {
                kem.seed = kem.seed.filter(|_| sizes.seed.is_some());
                kem.encapsulation_key += sizes.encapsulation_key;
                kem.decapsulation_key += sizes.decapsulation_key;
                kem.ciphertext += sizes.ciphertext;
            }
            Sizes::Signature(sizes) => {
                signature.seed = signature.seed.filter(|_| sizes.seed.is_some());
                signature.verifying_key += sizes.verifying_key;
                signature.signing_key += sizes.signing_key;
                signature.signature += sizes.signature;
                if sizes.variable_length {
                    signature.signature += LENGTH_BYTES;
                    signature.variable_length = true;
                }
            }
            Sizes::Aead(_) | Sizes::Kdf(_) | Sizes::Hash(_) => {}
        }
    }
    match parts.first().map(|part| part.kind()) {
        Some(Kind::Signature) => Sizes::Signature(signature),
        _ => Sizes::Kem(kem),
    }
}

/// The part on which a hybrid's standing rests: the most settled one with a post-quantum claim,
/// the highest category among equals.
fn carrying(parts: &[Arc<AlgorithmInfo>]) -> Option<&Arc<AlgorithmInfo>> {
    parts
        .iter()
        .max_by_key(|part| (part.category > 0, part.status, part.category))
}

/// What can be claimed for the parts together: the least that any of them claims.
pub(crate) fn provider(parts: &[&ProviderInfo]) -> ProviderInfo {
    let join = |what: fn(&ProviderInfo) -> &str| {
        let texts: Vec<_> = parts.iter().map(|part| what(part)).collect();
        texts.join(" + ")
    };
    let weakest = parts.iter().min_by_key(|part| part.constant_time);
    let mut provider = ProviderInfo::new(
        &join(|part| &part.name).replace(' ', ""),
        &join(|part| &part.version),
    );
    if let Some(weakest) = weakest {
        let source = format!("its weakest part, {}", weakest.version);
        provider = provider.constant_time(weakest.constant_time, &source);
    }
    provider.validated = parts.iter().all(|part| part.validated);
    if parts
        .iter()
        .any(|part| part.randomness == Randomness::Provider)
    {
        provider = provider.own_randomness();
    }
    provider
}

/// SHAKE256(seed ‖ part's name): the seed of one part.
fn expand_seed(shake256: &AdmittedHash, seed: &[u8], part: &str, length: usize) -> SecretBytes {
    let mut own = SecretBytes::zeroed(length);
    let mut state = shake256.start();
    state.update(seed);
    state.update(part.as_bytes());
    state.finish(own.expose_mut());
    own
}

/// Private keys one after the other.
fn concatenated(parts: &[SecretBytes]) -> SecretBytes {
    let parts: Vec<_> = parts.iter().map(SecretBytes::expose).collect();
    SecretBytes::own(parts.concat())
}
