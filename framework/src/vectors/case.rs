//! One test case, whatever the format of its file.
//!
//! Everything in a case is public, its private keys included, so plain bytes hold it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::catalogue::{AlgorithmInfo, Kind, OidParameters};

/// What a file of vectors says.
#[derive(Clone, Debug)]
pub struct VectorFile {
    /// Whose format it is.
    pub format: Format,
    /// What the file says of itself: `ML-KEM keyGen FIPS203`, `AES-GCM`.
    pub title: String,
    /// The cases in the order of the file.
    pub cases: Vec<Case>,
}

impl VectorFile {
    /// What the cases are for, in alphabetical order, each with the number of its cases.
    #[must_use]
    pub fn subjects(&self) -> BTreeMap<&Subject, usize> {
        let mut subjects = BTreeMap::new();
        for case in &self.cases {
            *subjects.entry(&case.subject).or_default() += 1;
        }
        subjects
    }
}

/// Whose format a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// NIST's Automated Cryptographic Validation Protocol.
    Acvp,
    /// The C2SP project Wycheproof.
    Wycheproof,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Acvp => "ACVP",
            Self::Wycheproof => "Wycheproof",
        })
    }
}

/// The algorithm that a case is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A row of the catalogue, if there is one of that name.
    Named(String),
    /// Whatever row has keys on a named curve: its identifier says it, not its name.
    Curve {
        /// A KEM or a signature algorithm.
        kind: Kind,
        /// The curve's name: `secp256r1`.
        name: &'static str,
        /// The curve's identifier, dotted.
        oid: &'static str,
    },
}

impl Subject {
    /// Whether a row is what the case is for.
    #[must_use]
    pub fn is(&self, row: &AlgorithmInfo) -> bool {
        match self {
            Self::Named(name) => row.id == *name || row.aliases.contains(name),
            Self::Curve { kind, oid, .. } => {
                let curve = OidParameters::NamedCurve((*oid).into());
                row.kind() == *kind && row.oid_parameters == Some(curve)
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Curve { kind, name, .. } => write!(f, "{kind} on {name}"),
        }
    }
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// `tgId 3 tcId 26`, or `tcId 26` where groups have no number.
    pub id: String,
    /// The algorithm that it is for.
    pub subject: Subject,
    /// What its author says of it.
    pub comment: String,
    /// What it is about: `ModifiedTag`.
    pub flags: Vec<String>,
    /// The plain values of its group.
    pub group: Arc<BTreeMap<String, String>>,
    /// How it must end.
    pub expected: Expected,
    /// What is to be done.
    pub kind: CaseKind,
}

/// How a case must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It works, with the values of the case.
    Valid,
    /// It is refused.
    Invalid,
    /// It works with the values of the case, or is refused: both are sound.
    Acceptable,
}

/// A private key of a case, in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateKey {
    /// The seed.
    Seed(Vec<u8>),
    /// The specification's encoding.
    Expanded(Vec<u8>),
}

/// A public key of a case, as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// The specification's encoding.
    Raw(Vec<u8>),
    /// A DER SubjectPublicKeyInfo around it.
    Spki(Vec<u8>),
}

/// What a case asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseKind {
    /// Generate a KEM's keys.
    KemKeygen {
        /// All random bytes of key generation, in the order of the specification.
        seed: Vec<u8>,
        /// The public key.
        ek: Vec<u8>,
        /// The private key.
        dk: Vec<u8>,
    },
    /// Encapsulate with given randomness.
    KemEncapsulate {
        /// The public key.
        ek: Vec<u8>,
        /// All random bytes of encapsulation.
        randomness: Vec<u8>,
        /// The ciphertext.
        ciphertext: Vec<u8>,
        /// The shared secret.
        secret: Vec<u8>,
        /// The private key, where the file has it.
        dk: Option<Vec<u8>>,
    },
    /// Decapsulate.
    KemDecapsulate {
        /// The private key.
        key: PrivateKey,
        /// Its public key, where the file has it.
        ek: Option<Vec<u8>>,
        /// The ciphertext.
        ciphertext: Vec<u8>,
        /// The shared secret; of an invalid case there is none.
        secret: Vec<u8>,
    },
    /// Check a KEM's public key.
    KemPublicKey {
        /// The key.
        key: PublicKey,
        /// What the file asks beyond the check and the runner cannot do.
        left_out: Option<&'static str>,
    },
    /// Check a KEM's private key.
    KemPrivateKey {
        /// The key, expanded.
        dk: Vec<u8>,
    },
    /// Generate a signature algorithm's keys.
    SignatureKeygen {
        /// All random bytes of key generation, in the order of the specification.
        seed: Vec<u8>,
        /// The public key.
        vk: Vec<u8>,
        /// The private key.
        sk: Vec<u8>,
    },
    /// Sign with given randomness.
    Sign {
        /// The private key.
        key: PrivateKey,
        /// Its public key, where the file has it.
        vk: Option<Vec<u8>>,
        /// The message.
        message: Vec<u8>,
        /// The context.
        context: Vec<u8>,
        /// All random bytes of signing; of the deterministic variant, those that stand for them.
        randomness: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
    },
    /// Verify a signature.
    Verify {
        /// The public key.
        vk: Vec<u8>,
        /// The message.
        message: Vec<u8>,
        /// The context.
        context: Vec<u8>,
        /// The signature.
        signature: Vec<u8>,
    },
    /// Seal and open.
    Aead {
        /// The key.
        key: Vec<u8>,
        /// The nonce.
        nonce: Vec<u8>,
        /// The associated data.
        aad: Vec<u8>,
        /// The plaintext.
        plaintext: Vec<u8>,
        /// The ciphertext.
        ciphertext: Vec<u8>,
        /// The tag.
        tag: Vec<u8>,
    },
    /// Extract and expand.
    Kdf {
        /// The input keying material.
        ikm: Vec<u8>,
        /// The salt.
        salt: Vec<u8>,
        /// The info.
        info: Vec<u8>,
        /// Bytes asked for.
        length: usize,
        /// The output.
        okm: Vec<u8>,
    },
    /// Nothing that can be done here.
    NotApplicable {
        /// Why.
        reason: String,
    },
}
