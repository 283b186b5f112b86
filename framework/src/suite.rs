//! A suite: everything of cryptography that a profile holds.
//!
//! Protocols ask their suite for a KEM, never for ML-KEM. What the names were stays in TOML.

use crate::aead::AdmittedAead;
use crate::hash::AdmittedHash;
use crate::kdf::AdmittedKdf;
use crate::kem::AdmittedKem;
use crate::registry::{ResolveError, Resolver};
use crate::signature::AdmittedSignature;

/// The algorithms of one role, resolved through registry and policy.
#[derive(Clone)]
pub struct Suite {
    /// Key encapsulation.
    pub kem: AdmittedKem,
    /// Signatures.
    pub signature: AdmittedSignature,
    /// Authenticated encryption.
    pub aead: AdmittedAead,
    /// Key derivation.
    pub kdf: AdmittedKdf,
    /// The hash that the KDF is made of, for transcripts.
    pub hash: AdmittedHash,
    /// SHA-256, fixed by the definitions of fingerprints and of replay records.
    pub digest: AdmittedHash,
    /// SHA3-256, fixed by the definition of `did:pqaid` and of what its owners sign.
    pub did_digest: AdmittedHash,
}

/// The names of a suite: each an ordered list of alternatives, `id` or `id@provider`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteNames {
    /// Key encapsulation.
    pub kem: Vec<String>,
    /// Signatures.
    pub signature: Vec<String>,
    /// Authenticated encryption.
    pub aead: Vec<String>,
    /// Key derivation.
    pub kdf: Vec<String>,
}

impl Suite {
    /// Resolves every part.
    ///
    /// # Errors
    /// The [`ResolveError`] of the first part that cannot be had.
    pub fn resolve(names: &SuiteNames, resolver: &mut Resolver<'_>) -> Result<Self, ResolveError> {
        let kem = resolver.first(&names.kem, Resolver::kem)?;
        let signature = resolver.first(&names.signature, Resolver::signature)?;
        let aead = resolver.first(&names.aead, Resolver::aead)?;
        let kdf = resolver.first(&names.kdf, Resolver::kdf)?;
        Ok(Self {
            kem,
            signature,
            aead,
            hash: resolver.hash(kdf.sizes().hash)?,
            kdf,
            digest: resolver.hash("SHA-256")?,
            did_digest: resolver.hash("SHA3-256")?,
        })
    }

    /// `KEM / signature / AEAD / KDF`, for banners.
    #[must_use]
    pub fn describe(&self) -> String {
        self.ids().join(" / ")
    }

    /// `KEM/SIGNATURE/AEAD/KDF`, the suite's name in a channel (`docs/protocols/channel.md`).
    #[must_use]
    pub fn channel_name(&self) -> String {
        self.ids().join("/")
    }

    fn ids(&self) -> [&str; 4] {
        let rows = [
            self.kem.info(),
            self.signature.info(),
            self.aead.info(),
            self.kdf.info(),
        ];
        rows.map(|info| info.id.as_str())
    }
}
