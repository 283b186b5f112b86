//! What a file is, without being told: public, private or encrypted; whose; in which form.
//!
//! Identifying compares nothing and proves nothing: it reads what the file says of itself.

use std::sync::Arc;

use pkcs8::der::Decode;
use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef};

use super::pem::Document;
use super::{
    Encryption, Fingerprint, KeyCodecError, KeyLengths, PrivateKeyForm, encrypted, identifier, pem,
    private, public,
};
use crate::catalogue::AlgorithmInfo;
use crate::hash::AdmittedHash;
use crate::registry::Registry;

/// How a key file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Text, RFC 7468.
    Pem,
    /// Bare DER.
    Der,
}

/// What a key file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A SubjectPublicKeyInfo.
    Public {
        /// The public key in its specification's encoding.
        key: Vec<u8>,
    },
    /// A PrivateKeyInfo.
    Private {
        /// Which form; `None` for an algorithm that nobody here knows.
        form: Option<PrivateKeyForm>,
        /// The bytes of the seed, if it is there.
        seed_bytes: Option<usize>,
        /// The bytes of the expanded or only form, if it is there.
        expanded_bytes: Option<usize>,
        /// Whether a public key stands beside it.
        with_public_key: bool,
    },
    /// An EncryptedPrivateKeyInfo, which does not say whose key it holds.
    Encrypted(Encryption),
}

/// What a key file says of itself.
#[derive(Clone, Debug)]
pub struct Identified {
    /// How it is packed.
    pub container: Container,
    /// What it holds.
    pub content: Content,
    /// Its algorithm identifier in words; none when encrypted.
    pub identifier: Option<String>,
    /// The algorithms that have this identifier. id-ecPublicKey serves key agreement and
    /// signatures on the same curve alike, so there can be two; for a foreign key there is none.
    pub candidates: Vec<Arc<AlgorithmInfo>>,
    spki: Option<Vec<u8>>,
}

impl Identified {
    /// The fingerprint of a public key; `None` for a private one, whose public key is found by
    /// importing it.
    #[must_use]
    pub fn fingerprint(&self, sha256: &AdmittedHash) -> Option<Fingerprint> {
        let spki = self.spki.as_ref()?;
        Some(Fingerprint::of_spki(sha256, spki))
    }
}

/// Says what a file is.
///
/// # Errors
/// [`KeyCodecError::Unrecognised`] for what is no key file; [`KeyCodecError::Der`] and its kin for
/// one that is broken inside.
pub fn identify(registry: &Registry, file: &[u8]) -> Result<Identified, KeyCodecError> {
    let unrecognised = |what: String| Err(KeyCodecError::Unrecognised(what));
    let Some(Document { label, der }) = pem::open(file) else {
        return unrecognised("neither PEM nor DER; raw keys do not say what they are".into());
    };
    let Some(label) = label else {
        return by_content(registry, &der);
    };
    match label.as_str() {
        pem::PUBLIC => public_key(registry, Container::Pem, &der),
        pem::PRIVATE => private_key(registry, Container::Pem, &der),
        pem::ENCRYPTED => encrypted_key(Container::Pem, &der),
        _ => unrecognised(format!("PEM with the label {label:?}")),
    }
}

/// The three structures begin differently: only one of them parses.
fn by_content(registry: &Registry, der: &[u8]) -> Result<Identified, KeyCodecError> {
    if SubjectPublicKeyInfoRef::from_der(der).is_ok() {
        public_key(registry, Container::Der, der)
    } else if PrivateKeyInfoRef::from_der(der).is_ok() {
        private_key(registry, Container::Der, der)
    } else if encrypted::is_encrypted(der) {
        encrypted_key(Container::Der, der)
    } else {
        let what = "DER that is no public, private or encrypted private key";
        Err(KeyCodecError::Unrecognised(what.into()))
    }
}

fn public_key(
    registry: &Registry,
    container: Container,
    der: &[u8],
) -> Result<Identified, KeyCodecError> {
    let spki = SubjectPublicKeyInfoRef::from_der(der);
    let spki = spki.map_err(|_| KeyCodecError::Der("SubjectPublicKeyInfo"))?;
    let key = public::bits(&spki)?.to_vec();
    Ok(Identified {
        container,
        content: Content::Public { key },
        identifier: Some(identifier::in_words(&spki.algorithm)),
        candidates: candidates(registry, &spki.algorithm),
        spki: Some(der.to_vec()),
    })
}

fn private_key(
    registry: &Registry,
    container: Container,
    der: &[u8],
) -> Result<Identified, KeyCodecError> {
    let key = private::parse(der)?;
    let candidates = candidates(registry, &key.algorithm);
    // Rows that share an identifier share how their keys are written.
    let content = match candidates.first() {
        None => Content::Private {
            form: None,
            seed_bytes: None,
            expanded_bytes: None,
            with_public_key: key.public_key.is_some(),
        },
        Some(row) => {
            let parts = private::parts(row, &key)?;
            Content::Private {
                form: parts.form(),
                seed_bytes: parts.seed.as_ref().map(|seed| seed.len()),
                expanded_bytes: parts.expanded.as_ref().map(|expanded| expanded.len()),
                with_public_key: parts.public_key.is_some(),
            }
        }
    };
    Ok(Identified {
        container,
        content,
        identifier: Some(identifier::in_words(&key.algorithm)),
        candidates,
        spki: None,
    })
}

fn encrypted_key(container: Container, der: &[u8]) -> Result<Identified, KeyCodecError> {
    Ok(Identified {
        container,
        content: Content::Encrypted(encrypted::describe(der)?),
        identifier: None,
        candidates: Vec::new(),
        spki: None,
    })
}

/// The rows with this identifier. A hybrid need not have a row: its file names it.
fn candidates(registry: &Registry, found: &AlgorithmIdentifierRef<'_>) -> Vec<Arc<AlgorithmInfo>> {
    let rows = registry.rows().filter(|row| identifier::is_of(row, found));
    let mut rows: Vec<_> = rows.cloned().collect();
    if rows.is_empty()
        && let Some(name) = identifier::name_of(found)
        && let Ok(row) = registry.describe(name)
        && identifier::is_of(&row, found)
    {
        rows.push(row);
    }
    rows
}

/// Which half of a key pair bare bytes can be, by their length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The public key.
    Public,
    /// The seed of the private key.
    Seed,
    /// The private key in its specification's encoding.
    Expanded,
}

/// Every algorithm of which `length` bare bytes could be a key: a hint for people, no more.
#[must_use]
pub fn by_length(registry: &Registry, length: usize) -> Vec<(Arc<AlgorithmInfo>, Part)> {
    let mut found = Vec::new();
    for row in registry.rows() {
        let Some(lengths) = KeyLengths::of(row) else {
            continue;
        };
        let parts = [
            (Some(lengths.public), Part::Public),
            (lengths.seed, Part::Seed),
            (Some(lengths.expanded), Part::Expanded),
        ];
        let fitting = parts.into_iter().filter(|(own, _)| *own == Some(length));
        found.extend(fitting.map(|(_, part)| (row.clone(), part)));
    }
    found
}
