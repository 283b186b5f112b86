//! AlgorithmIdentifiers: an OID and, where an algorithm's keys need some, its parameters.
//!
//! RFC 9881, RFC 9935, RFC 9909 and RFC 8410 forbid parameters, NULL included; RFC 5480 puts the
//! named curve there; hybrids, which have no OID of their own, put their name there.

use pkcs8::der::Encode;
use pkcs8::der::asn1::{Any, Utf8StringRef};
use pkcs8::der::referenced::OwnedToRef;
use pkcs8::spki::AlgorithmIdentifierOwned;
use pkcs8::{AlgorithmIdentifierRef, ObjectIdentifier};

use super::KeyCodecError;
use crate::catalogue::{AlgorithmInfo, OidParameters};

/// The identifier of the row's keys.
pub(super) fn of(info: &AlgorithmInfo) -> Result<AlgorithmIdentifierOwned, KeyCodecError> {
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

/// Writes the AlgorithmIdentifier of the row's keys as DER, without the tag and length around it:
/// what X.509 libraries compare.
///
/// # Errors
/// [`KeyCodecError::NoIdentifier`].
pub fn identifier_content(info: &AlgorithmInfo) -> Result<Vec<u8>, KeyCodecError> {
    let missing = |_| KeyCodecError::NoIdentifier(info.id.clone());
    let identifier = of(info)?;
    let mut content = identifier.oid.to_der().map_err(missing)?;
    if let Some(parameters) = &identifier.parameters {
        content.extend(parameters.to_der().map_err(missing)?);
    }
    Ok(content)
}

/// Checks that a file's identifier is the row's, parameters and all.
pub(super) fn check(
    info: &AlgorithmInfo,
    found: &AlgorithmIdentifierRef<'_>,
) -> Result<(), KeyCodecError> {
    let expected = of(info)?;
    if *found == expected.owned_to_ref() {
        return Ok(());
    }
    Err(KeyCodecError::WrongAlgorithm {
        got: in_words(found),
        expected: info.id.clone(),
        identifier: in_words(&expected.owned_to_ref()),
    })
}

/// Whether a file's identifier is the row's.
pub(super) fn is_of(info: &AlgorithmInfo, found: &AlgorithmIdentifierRef<'_>) -> bool {
    of(info).is_ok_and(|own| *found == own.owned_to_ref())
}

/// The name in the parameters, where a hybrid has its name.
pub(super) fn name_of<'a>(found: &AlgorithmIdentifierRef<'a>) -> Option<&'a str> {
    let name = found.parameters?.decode_as::<Utf8StringRef<'a>>();
    name.ok().map(|name| name.as_str())
}

/// The named curve in the parameters, where RFC 5480 has it.
pub(super) fn curve_of(found: &AlgorithmIdentifierRef<'_>) -> Option<ObjectIdentifier> {
    found.parameters?.decode_as().ok()
}

/// An identifier as people read it: the OID, and what stands beside it.
pub(super) fn in_words(identifier: &AlgorithmIdentifierRef<'_>) -> String {
    let oid = identifier.oid;
    if identifier.parameters.is_none() {
        return oid.to_string();
    }
    if let Some(curve) = curve_of(identifier) {
        return format!("{oid} with curve {curve}");
    }
    match name_of(identifier) {
        Some(name) => format!("{oid} with name {name:?}"),
        None => format!("{oid} with parameters"),
    }
}
