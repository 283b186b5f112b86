//! A private key as a file holds it: one form or both, and perhaps its public key.

use std::fmt;

use crate::catalogue::{AlgorithmInfo, Sizes};
use crate::secret::SecretBytes;

/// The forms in which a key file can hold a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyForm {
    /// The seed alone: the shortest, and every provider's expanded form follows from it.
    Seed,
    /// The specification's own encoding alone.
    Expanded,
    /// Both, which a reader must compare: RFC 9935 section 6, RFC 9881 section 6.
    Both,
}

impl fmt::Display for PrivateKeyForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seed => "seed",
            Self::Expanded => "expanded",
            Self::Both => "both",
        })
    }
}

/// A private key as a file holds it: not yet imported, hence not yet checked.
#[derive(Default)]
pub struct PrivateKeyParts {
    /// The seed, if the file has one.
    pub seed: Option<SecretBytes>,
    /// The expanded or only form, if the file has one.
    pub expanded: Option<SecretBytes>,
    /// The public key beside it, if the file has one (RFC 5958 section 2, RFC 5915 section 3).
    pub public_key: Option<Vec<u8>>,
}

impl PrivateKeyParts {
    /// A seed alone.
    #[must_use]
    pub fn of_seed(seed: &[u8]) -> Self {
        Self {
            seed: Some(SecretBytes::copy_of(seed)),
            ..Self::default()
        }
    }

    /// The specification's own encoding alone.
    #[must_use]
    pub fn of_expanded(expanded: &[u8]) -> Self {
        Self {
            expanded: Some(SecretBytes::copy_of(expanded)),
            ..Self::default()
        }
    }

    /// Bare bytes, whose length tells a seed. Where the specification's own encoding has the same
    /// length, they are that: it is what bare files hold.
    #[must_use]
    pub fn of_raw(info: &AlgorithmInfo, bytes: &[u8]) -> Self {
        let lengths = KeyLengths::of(info);
        let is_seed = lengths.is_some_and(|lengths| {
            lengths.seed == Some(bytes.len()) && lengths.expanded != bytes.len()
        });
        if is_seed {
            Self::of_seed(bytes)
        } else {
            Self::of_expanded(bytes)
        }
    }

    /// The form; `None` when there is no private key at all.
    #[must_use]
    pub fn form(&self) -> Option<PrivateKeyForm> {
        match (&self.seed, &self.expanded) {
            (Some(_), Some(_)) => Some(PrivateKeyForm::Both),
            (Some(_), None) => Some(PrivateKeyForm::Seed),
            (None, Some(_)) => Some(PrivateKeyForm::Expanded),
            (None, None) => None,
        }
    }
}

/// The lengths of an algorithm's keys, in bytes, whether it is a KEM or a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLengths {
    /// The seed, where there is one.
    pub seed: Option<usize>,
    /// The private key in its specification's encoding.
    pub expanded: usize,
    /// The public key.
    pub public: usize,
}

impl KeyLengths {
    /// The lengths of the row's keys; `None` for what has no key pair.
    #[must_use]
    pub fn of(info: &AlgorithmInfo) -> Option<Self> {
        match info.sizes {
            Sizes::Kem(sizes) => Some(Self {
                seed: sizes.seed,
                expanded: sizes.decapsulation_key,
                public: sizes.encapsulation_key,
            }),
            Sizes::Signature(sizes) => Some(Self {
                seed: sizes.seed,
                expanded: sizes.signing_key,
                public: sizes.verifying_key,
            }),
            Sizes::Aead(_) | Sizes::Kdf(_) | Sizes::Hash(_) => None,
        }
    }
}
