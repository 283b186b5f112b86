//! Public keys as SubjectPublicKeyInfo, RFC 5280 section 4.1.

use pkcs8::der::asn1::BitStringRef;
use pkcs8::der::referenced::OwnedToRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::{KeyCodecError, identifier, pem};
use crate::catalogue::AlgorithmInfo;

const KIND: &str = "SubjectPublicKeyInfo";

/// Writes a public key as DER SubjectPublicKeyInfo.
///
/// # Errors
/// [`KeyCodecError::NoIdentifier`].
pub fn public_to_der(info: &AlgorithmInfo, public_key: &[u8]) -> Result<Vec<u8>, KeyCodecError> {
    let not_der = |_| KeyCodecError::Der(KIND);
    let identifier = identifier::of(info)?;
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
    pem::write(pem::PUBLIC, &der).map(|mut text| std::mem::take(&mut *text))
}

/// Reads a public key from PEM or DER and checks that it is one of `info`.
///
/// # Errors
/// [`KeyCodecError`].
pub fn public_from_file(info: &AlgorithmInfo, file: &[u8]) -> Result<Vec<u8>, KeyCodecError> {
    let der = pem::open_labelled(file, pem::PUBLIC)?;
    let spki = SubjectPublicKeyInfoRef::from_der(&der).map_err(|_| KeyCodecError::Der(KIND))?;
    identifier::check(info, &spki.algorithm)?;
    bits(&spki).map(<[u8]>::to_vec)
}

/// The key of a SubjectPublicKeyInfo, which is a whole number of bytes.
pub(super) fn bits<'a>(spki: &SubjectPublicKeyInfoRef<'a>) -> Result<&'a [u8], KeyCodecError> {
    let bits = spki.subject_public_key.as_bytes();
    bits.ok_or(KeyCodecError::Der(KIND))
}
