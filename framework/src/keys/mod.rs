//! Key files: SubjectPublicKeyInfo and PKCS#8, in DER and PEM, and fingerprints.
//!
//! Follows RFC 5280 (SPKI), RFC 5958 (PKCS#8 as OneAsymmetricKey), RFC 7468 (PEM), and for the
//! private keys RFC 9935 (ML-KEM), RFC 9881 (ML-DSA), RFC 9909 (SLH-DSA) and RFC 8410 (X25519,
//! Ed25519). Seeds are written where there is a seed; `both` is read and its halves are given to
//! the caller, who must check that they agree.

use std::fmt;

use pkcs8::der::asn1::{Any, BitStringRef, OctetStringRef, Utf8StringRef};
use pkcs8::der::pem::{self, LineEnding};
use pkcs8::der::referenced::OwnedToRef;
use pkcs8::der::{Decode, Encode, Error, Reader, SliceReader};
use pkcs8::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef};
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::catalogue::{AlgorithmInfo, OidParameters, PrivateKeyEncoding};
use crate::hash::AdmittedHash;
use crate::secret::SecretBytes;

const PUBLIC_LABEL: &str = "PUBLIC KEY";
const PRIVATE_LABEL: &str = "PRIVATE KEY";
/// The implicit tag `[0]` of the seed in the CHOICE of RFC 9935 and RFC 9881.
const SEED_TAG: u8 = 0x80;
const OCTET_STRING_TAG: u8 = 0x04;
const SEQUENCE_TAG: u8 = 0x30;

/// A key file that cannot be read or written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyCodecError {
    /// The caller's fault: the algorithm has no object identifier, so no key file can name it.
    #[error("{0} has no object identifier; use the raw form")]
    NoIdentifier(String),
    /// The file's fault: it is not PEM with the expected label.
    #[error("not a PEM file with the label `{0}`")]
    Pem(&'static str),
    /// The file's fault: its DER is not what the format asks for.
    #[error("the DER inside is not a {0}")]
    Der(&'static str),
    /// The file's or caller's fault: a key of another algorithm.
    #[error("the file holds a key with the identifier {got}; {expected} is {identifier}")]
    WrongAlgorithm {
        /// The identifier in the file.
        got: String,
        /// The algorithm that was asked for.
        expected: String,
        /// Its identifier.
        identifier: String,
    },
}

/// A private key as a file holds it.
pub struct PrivateKeyParts {
    /// The seed, if the file has one.
    pub seed: Option<SecretBytes>,
    /// The expanded or only form, if the file has one.
    pub expanded: Option<SecretBytes>,
}

/// `sha256:` and 64 lower-case hexadecimal digits over the DER SubjectPublicKeyInfo.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a public key in its specification's encoding.
    ///
    /// # Errors
    /// [`KeyCodecError::NoIdentifier`].
    pub fn of(
        sha256: &AdmittedHash,
        info: &AlgorithmInfo,
        public_key: &[u8],
    ) -> Result<Self, KeyCodecError> {
        let spki = public_to_der(info, public_key)?;
        let digest = sha256.digest(&[&spki]);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("sha256:{hex}")))
    }

    /// Reads a fingerprint; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let well_formed = hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes a public key as DER SubjectPublicKeyInfo.
///
/// # Errors
/// [`KeyCodecError::NoIdentifier`].
pub fn public_to_der(info: &AlgorithmInfo, public_key: &[u8]) -> Result<Vec<u8>, KeyCodecError> {
    let not_der = |_| KeyCodecError::Der("SubjectPublicKeyInfo");
    let identifier = identifier(info)?;
    let spki = SubjectPublicKeyInfoRef {
        algorithm: identifier.owned_to_ref(),
        subject_public_key: BitStringRef::from_bytes(public_key).map_err(not_der)?,
    };
    spki.to_der().map_err(not_der)
}

/// Writes a public key as PEM.
///
/// # Errors
/// [`KeyCodecError::NoIdentifier`].
pub fn public_to_pem(info: &AlgorithmInfo, public_key: &[u8]) -> Result<String, KeyCodecError> {
    let der = public_to_der(info, public_key)?;
    pem::encode_string(PUBLIC_LABEL, LineEnding::LF, &der)
        .map_err(|_| KeyCodecError::Pem(PUBLIC_LABEL))
}

/// Reads a public key from PEM or DER and checks that it is one of `info`.
///
/// # Errors
/// [`KeyCodecError`].
pub fn public_from_file(info: &AlgorithmInfo, file: &[u8]) -> Result<Vec<u8>, KeyCodecError> {
    let der = unwrap_pem(file, PUBLIC_LABEL)?;
    let not_der = |_| KeyCodecError::Der("SubjectPublicKeyInfo");
    let spki = SubjectPublicKeyInfoRef::from_der(&der).map_err(not_der)?;
    check_identifier(info, &spki.algorithm)?;
    let bits = spki.subject_public_key.as_bytes();
    bits.map(<[u8]>::to_vec)
        .ok_or(KeyCodecError::Der("SubjectPublicKeyInfo"))
}

/// Writes a private key as PEM: the seed where there is one, else the other form.
///
/// # Errors
/// [`KeyCodecError::NoIdentifier`]; [`KeyCodecError::Der`] when `parts` is empty.
pub fn private_to_pem(
    info: &AlgorithmInfo,
    parts: &PrivateKeyParts,
) -> Result<Zeroizing<String>, KeyCodecError> {
    const KIND: &str = "PrivateKeyInfo";
    let not_der = |_| KeyCodecError::Der(KIND);
    let inner = match (info.private_key_encoding, &parts.seed, &parts.expanded) {
        (PrivateKeyEncoding::SeedOrExpanded, Some(seed), _) => tagged(SEED_TAG, seed)?,
        (PrivateKeyEncoding::SeedOrExpanded, None, Some(expanded)) => {
            let string = OctetStringRef::new(expanded.expose()).map_err(not_der)?;
            SecretBytes::own(string.to_der().map_err(not_der)?)
        }
        (PrivateKeyEncoding::CurvePrivateKey, seed, expanded) => {
            let key = expanded
                .as_ref()
                .or(seed.as_ref())
                .ok_or(KeyCodecError::Der(KIND))?;
            let string = OctetStringRef::new(key.expose()).map_err(not_der)?;
            SecretBytes::own(string.to_der().map_err(not_der)?)
        }
        (PrivateKeyEncoding::EcPrivateKey, _, expanded) => {
            let key = expanded.as_ref().ok_or(KeyCodecError::Der(KIND))?;
            // The curve stands in the AlgorithmIdentifier, so RFC 5915 lets it be absent here.
            let key = sec1::EcPrivateKey {
                private_key: key.expose(),
                parameters: None,
                public_key: None,
            };
            SecretBytes::own(key.to_der().map_err(not_der)?)
        }
        (PrivateKeyEncoding::Raw, seed, expanded) => {
            let key = expanded
                .as_ref()
                .or(seed.as_ref())
                .ok_or(KeyCodecError::Der(KIND))?;
            SecretBytes::copy_of(key.expose())
        }
        (PrivateKeyEncoding::SeedOrExpanded, None, None) => return Err(KeyCodecError::Der(KIND)),
    };
    let key = OctetStringRef::new(inner.expose()).map_err(not_der)?;
    let identifier = identifier(info)?;
    let der = PrivateKeyInfoRef::new(identifier.owned_to_ref(), key);
    let der = Zeroizing::new(der.to_der().map_err(not_der)?);
    pem::encode_string(PRIVATE_LABEL, LineEnding::LF, &der)
        .map(Zeroizing::new)
        .map_err(|_| KeyCodecError::Pem(PRIVATE_LABEL))
}

/// Reads a private key from PEM or DER and checks that it is one of `info`.
///
/// # Errors
/// [`KeyCodecError`].
pub fn private_from_file(
    info: &AlgorithmInfo,
    file: &[u8],
) -> Result<PrivateKeyParts, KeyCodecError> {
    const KIND: &str = "PrivateKeyInfo";
    let not_der = |_| KeyCodecError::Der(KIND);
    let der = unwrap_pem(file, PRIVATE_LABEL)?;
    let key = PrivateKeyInfoRef::from_der(&der).map_err(not_der)?;
    check_identifier(info, &key.algorithm)?;
    let inner = key.private_key.as_bytes();
    let octets = |der| <&OctetStringRef>::from_der(der).map(OctetStringRef::as_bytes);
    let only = |bytes: &[u8]| SecretBytes::copy_of(bytes);
    match info.private_key_encoding {
        PrivateKeyEncoding::Raw => Ok(PrivateKeyParts {
            seed: None,
            expanded: Some(only(inner)),
        }),
        PrivateKeyEncoding::CurvePrivateKey => {
            let bytes = octets(inner).map_err(not_der)?;
            Ok(PrivateKeyParts {
                seed: None,
                expanded: Some(only(bytes)),
            })
        }
        PrivateKeyEncoding::EcPrivateKey => {
            let key = sec1::EcPrivateKey::from_der(inner).map_err(not_der)?;
            Ok(PrivateKeyParts {
                seed: None,
                expanded: Some(only(key.private_key)),
            })
        }
        PrivateKeyEncoding::SeedOrExpanded => match inner.first() {
            Some(&SEED_TAG) => {
                // Read as the OCTET STRING that the implicit tag stands for.
                let mut retagged = Zeroizing::new(inner.to_vec());
                if let Some(tag) = retagged.first_mut() {
                    *tag = OCTET_STRING_TAG;
                }
                let seed = only(octets(&retagged).map_err(not_der)?);
                Ok(PrivateKeyParts {
                    seed: Some(seed),
                    expanded: None,
                })
            }
            Some(&SEQUENCE_TAG) => {
                let mut reader = SliceReader::new(inner).map_err(not_der)?;
                let octets = <&OctetStringRef>::decode;
                let both = reader.sequence(|both| Ok::<_, Error>((octets(both)?, octets(both)?)));
                let (seed, expanded) = both.map_err(not_der)?;
                reader.finish().map_err(not_der)?;
                Ok(PrivateKeyParts {
                    seed: Some(only(seed.as_bytes())),
                    expanded: Some(only(expanded.as_bytes())),
                })
            }
            _ => {
                let bytes = octets(inner).map_err(not_der)?;
                Ok(PrivateKeyParts {
                    seed: None,
                    expanded: Some(only(bytes)),
                })
            }
        },
    }
}

/// The AlgorithmIdentifier of the row's keys: its OID and, where there are some, its parameters.
fn identifier(info: &AlgorithmInfo) -> Result<AlgorithmIdentifierOwned, KeyCodecError> {
    let missing = |_| KeyCodecError::NoIdentifier(info.id.clone());
    let oid = info.oid.as_deref().unwrap_or_default();
    let oid = ObjectIdentifier::new(oid).map_err(|_| missing(()))?;
    let parameters = match &info.oid_parameters {
        None => None,
        Some(OidParameters::NamedCurve(curve)) => {
            let curve = ObjectIdentifier::new(curve).map_err(|_| missing(()))?;
            Some(Any::encode_from(&curve).map_err(|_| missing(()))?)
        }
        Some(OidParameters::Name(name)) => Some(Any::encode_from(name).map_err(|_| missing(()))?),
    };
    Ok(AlgorithmIdentifierOwned { oid, parameters })
}

fn check_identifier(
    info: &AlgorithmInfo,
    found: &AlgorithmIdentifierRef<'_>,
) -> Result<(), KeyCodecError> {
    let expected = identifier(info)?;
    if *found == expected.owned_to_ref() {
        return Ok(());
    }
    Err(KeyCodecError::WrongAlgorithm {
        got: in_words(found),
        expected: info.id.clone(),
        identifier: in_words(&expected.owned_to_ref()),
    })
}

/// An identifier as people read it: the OID, and what stands beside it.
fn in_words(identifier: &AlgorithmIdentifierRef<'_>) -> String {
    let oid = identifier.oid;
    let Some(parameters) = identifier.parameters else {
        return oid.to_string();
    };
    if let Ok(curve) = parameters.decode_as::<ObjectIdentifier>() {
        return format!("{oid} with curve {curve}");
    }
    match parameters.decode_as::<Utf8StringRef<'_>>() {
        Ok(name) => format!("{oid} with name {name:?}", name = name.as_str()),
        Err(_) => format!("{oid} with parameters"),
    }
}

/// Gives the DER inside PEM, or the file itself when it is DER.
fn unwrap_pem(file: &[u8], label: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyCodecError> {
    if file.first() == Some(&SEQUENCE_TAG) {
        return Ok(Zeroizing::new(file.to_vec()));
    }
    let start = file
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .unwrap_or(0);
    let trimmed = file.get(start..).unwrap_or_default();
    match pem::decode_vec(trimmed) {
        Ok((found, der)) if found == label => Ok(Zeroizing::new(der)),
        Ok((_, der)) => {
            drop(Zeroizing::new(der));
            Err(KeyCodecError::Pem(label))
        }
        Err(_) => Err(KeyCodecError::Pem(label)),
    }
}

/// An OCTET STRING under an implicit tag.
fn tagged(tag: u8, secret: &SecretBytes) -> Result<SecretBytes, KeyCodecError> {
    let not_der = |_| KeyCodecError::Der("PrivateKeyInfo");
    let string = OctetStringRef::new(secret.expose()).map_err(not_der)?;
    let mut der = SecretBytes::own(string.to_der().map_err(not_der)?);
    if let Some(first) = der.expose_mut().first_mut() {
        *first = tag;
    }
    Ok(der)
}
