//! Wycheproof for ML-KEM.

use super::{Content, named, other_type};
use crate::vectors::case::{CaseKind, PrivateKey};
use crate::vectors::error::VectorError;
use crate::vectors::json::Fields;

pub(super) fn read(
    _: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let subject = named(group.text("parameterSet")?);
    // Cases that must be refused leave out, or leave empty, what does not come to be.
    let secret = || Ok::<_, VectorError>(test.optional_hex("K")?.unwrap_or_default());
    let kind = match group.text("type")? {
        "MLKEMTest" => CaseKind::KemDecapsulate {
            key: PrivateKey::Seed(test.hex("seed")?),
            ek: test.optional_hex("ek")?,
            ciphertext: test.hex("c")?,
            secret: secret()?,
        },
        "MLKEMDecapsValidationTest" => CaseKind::KemDecapsulate {
            key: PrivateKey::Expanded(test.hex("dk")?),
            ek: test.optional_hex("ek")?,
            ciphertext: test.hex("c")?,
            secret: secret()?,
        },
        "MLKEMEncapsTest" => CaseKind::KemEncapsulate {
            ek: test.hex("ek")?,
            randomness: test.hex("m")?,
            ciphertext: test.optional_hex("c")?.unwrap_or_default(),
            secret: secret()?,
            dk: None,
        },
        "MLKEMKeyGen" => CaseKind::KemKeygen {
            seed: test.hex("seed")?,
            ek: test.hex("ek")?,
            dk: test.hex("dk")?,
        },
        _ => other_type(group)?,
    };
    Ok((subject, kind))
}
