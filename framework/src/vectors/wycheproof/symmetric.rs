//! Wycheproof for authenticated encryption and HKDF.

use super::{Content, named, other_type};
use crate::vectors::case::CaseKind;
use crate::vectors::error::VectorError;
use crate::vectors::json::Fields;

/// Any AEAD; the group's key size is a part of the name of some.
pub(super) fn aead(
    file: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let bits = group.number("keySize")?;
    let subject = match file {
        "AES-GCM" => format!("AES-{bits}-GCM"),
        "AES-GCM-SIV" => format!("AES-{bits}-GCM-SIV"),
        "CHACHA20-POLY1305" => "ChaCha20-Poly1305".into(),
        "ASCON-AEAD128" => "Ascon-AEAD128".into(),
        other => other.into(),
    };
    // The lengths of what stands in the tests.
    group.skip(&["ivSize", "tagSize"]);
    let kind = match group.text("type")? {
        "AeadTest" => CaseKind::Aead {
            key: test.hex("key")?,
            nonce: test.hex("iv")?,
            aad: test.hex("aad")?,
            plaintext: test.hex("msg")?,
            ciphertext: test.hex("ct")?,
            tag: test.hex("tag")?,
        },
        _ => other_type(group)?,
    };
    Ok((named(&subject), kind))
}

/// HKDF, extract and expand.
pub(super) fn hkdf(
    file: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let subject = named(&file.replace("SHA-", "SHA"));
    group.skip(&["keySize"]);
    let kind = match group.text("type")? {
        "HkdfTest" => {
            let length = usize::try_from(test.number("size")?);
            CaseKind::Kdf {
                ikm: test.hex("ikm")?,
                salt: test.hex("salt")?,
                info: test.hex("info")?,
                length: length.map_err(|_| test.error("size", "is too large"))?,
                okm: test.hex("okm")?,
            }
        }
        _ => other_type(group)?,
    };
    Ok((subject, kind))
}
