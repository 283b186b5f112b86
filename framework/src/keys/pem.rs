//! PEM, RFC 7468: its labels, and the DER within.

use pkcs8::der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use super::KeyCodecError;

/// RFC 7468 section 13.
pub(super) const PUBLIC: &str = "PUBLIC KEY";
/// RFC 7468 section 10.
pub(super) const PRIVATE: &str = "PRIVATE KEY";
/// RFC 7468 section 11.
pub(super) const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// The first byte of every DER file that is read here.
const SEQUENCE_TAG: u8 = 0x30;

/// A file's DER, and the label that it stood under.
pub(super) struct Document {
    /// `None` for a file that is DER itself.
    pub(super) label: Option<String>,
    /// What the file holds; wiped, since it may be a private key.
    pub(super) der: Zeroizing<Vec<u8>>,
}

/// Gives the DER inside PEM, or the file itself when it is DER; `None` when it is neither.
pub(super) fn open(file: &[u8]) -> Option<Document> {
    if file.first() == Some(&SEQUENCE_TAG) {
        let der = Zeroizing::new(file.to_vec());
        return Some(Document { label: None, der });
    }
    let (label, der) = pem::decode_vec(file.trim_ascii_start()).ok()?;
    Some(Document {
        label: Some(label.to_owned()),
        der: Zeroizing::new(der),
    })
}

/// Gives the DER of a file that is DER or has the one label.
pub(super) fn open_labelled(
    file: &[u8],
    label: &'static str,
) -> Result<Zeroizing<Vec<u8>>, KeyCodecError> {
    match open(file) {
        Some(Document { label: None, der }) => Ok(der),
        Some(Document {
            label: Some(found),
            der,
        }) if found == label => Ok(der),
        Some(Document {
            label: Some(found), ..
        }) if found == ENCRYPTED && label == PRIVATE => Err(KeyCodecError::Encrypted),
        Some(Document {
            label: Some(found), ..
        }) if found == PRIVATE && label == ENCRYPTED => Err(KeyCodecError::NotEncrypted),
        _ => Err(KeyCodecError::Pem(label)),
    }
}

/// Writes PEM.
pub(super) fn write(label: &'static str, der: &[u8]) -> Result<Zeroizing<String>, KeyCodecError> {
    pem::encode_string(label, LineEnding::LF, der)
        .map(Zeroizing::new)
        .map_err(|_| KeyCodecError::Pem(label))
}
