//! Private keys as PrivateKeyInfo, which RFC 5958 calls OneAsymmetricKey.
//!
//! Version 1 is written. Version 2, with a public key beside the private one, is read as well.

use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::referenced::OwnedToRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::{KeyCodecError, PrivateKeyForm, PrivateKeyParts, encrypted, identifier, pem, value};
use crate::catalogue::AlgorithmInfo;
use crate::secret::SecretBytes;

const KIND: &str = "PrivateKeyInfo";

/// Writes a private key as DER: in `form`, or else the seed where there is one.
///
/// # Errors
/// [`KeyCodecError::NoIdentifier`]; [`KeyCodecError::FormUnavailable`]; [`KeyCodecError::Empty`].
pub fn private_to_der(
    info: &AlgorithmInfo,
    parts: &PrivateKeyParts,
    form: Option<PrivateKeyForm>,
) -> Result<SecretBytes, KeyCodecError> {
    let not_der = |_| KeyCodecError::Der(KIND);
    let identifier = identifier::of(info)?;
    let value = value::encode(info, parts, form)?;
    let key = OctetStringRef::new(value.expose()).map_err(not_der)?;
    let key = PrivateKeyInfoRef::new(identifier.owned_to_ref(), key);
    key.to_der().map(SecretBytes::own).map_err(not_der)
}

/// Writes a private key as PEM: the seed where there is one, else the other form.
///
/// # Errors
/// As [`private_to_der`].
pub fn private_to_pem(
    info: &AlgorithmInfo,
    parts: &PrivateKeyParts,
) -> Result<Zeroizing<String>, KeyCodecError> {
    private_der_to_pem(private_to_der(info, parts, None)?.expose())
}

/// Puts what [`private_to_der`] wrote into PEM.
///
/// # Errors
/// [`KeyCodecError::Pem`] for what no file holds.
pub fn private_der_to_pem(der: &[u8]) -> Result<Zeroizing<String>, KeyCodecError> {
    pem::write(pem::PRIVATE, der)
}

/// Takes a plain private key out of PEM.
///
/// # Errors
/// [`KeyCodecError::Pem`].
pub fn private_pem_to_der(file: &[u8]) -> Result<SecretBytes, KeyCodecError> {
    let der = pem::open_labelled(file, pem::PRIVATE)?;
    Ok(SecretBytes::copy_of(&der))
}

/// Reads a private key from PEM or DER and checks that it is one of `info`. What was read has not
/// been compared: [`AdmittedKem::import_private_key`](crate::kem::AdmittedKem::import_private_key)
/// does that.
///
/// # Errors
/// [`KeyCodecError`].
pub fn private_from_file(
    info: &AlgorithmInfo,
    file: &[u8],
) -> Result<PrivateKeyParts, KeyCodecError> {
    let der = pem::open_labelled(file, pem::PRIVATE)?;
    let key = parse(&der)?;
    identifier::check(info, &key.algorithm)?;
    parts(info, &key)
}

/// Reads the outer structure.
pub(super) fn parse(der: &[u8]) -> Result<PrivateKeyInfoRef<'_>, KeyCodecError> {
    PrivateKeyInfoRef::from_der(der).map_err(|_| {
        if encrypted::is_encrypted(der) {
            KeyCodecError::Encrypted
        } else {
            KeyCodecError::Der(KIND)
        }
    })
}

/// Reads the key within, of a row that its identifier belongs to.
pub(super) fn parts(
    info: &AlgorithmInfo,
    key: &PrivateKeyInfoRef<'_>,
) -> Result<PrivateKeyParts, KeyCodecError> {
    let curve: Option<ObjectIdentifier> = identifier::curve_of(&key.algorithm);
    let mut parts = value::decode(info, curve, key.private_key.as_bytes())?;
    if let Some(bits) = &key.public_key {
        let outer = bits.as_bytes().ok_or(KeyCodecError::Der(KIND))?;
        if parts
            .public_key
            .as_ref()
            .is_some_and(|inner| inner != outer)
        {
            return Err(KeyCodecError::PublicKeysDiffer);
        }
        parts.public_key = Some(outer.to_vec());
    }
    Ok(parts)
}
