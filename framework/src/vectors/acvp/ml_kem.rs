//! ACVP for ML-KEM (draft-celi-acvp-ml-kem).

use super::{Content, not_applicable, shared, verdict};
use crate::vectors::case::{CaseKind, Expected, PrivateKey, PublicKey};
use crate::vectors::error::VectorError;
use crate::vectors::json::Fields;

/// FIPS 203, Algorithm 19: d and z are 32 bytes each.
const HALF_SEED: usize = 32;

/// Mode `keyGen`: d, z, ek, dk.
pub(super) fn keygen(_: &Fields<'_, '_>, test: &Fields<'_, '_>) -> Result<Content, VectorError> {
    let kind = CaseKind::KemKeygen {
        seed: seed(test)?,
        ek: test.hex("ek")?,
        dk: test.hex("dk")?,
    };
    Ok((kind, Expected::Valid))
}

/// d ‖ z.
fn seed(fields: &Fields<'_, '_>) -> Result<Vec<u8>, VectorError> {
    let mut seed = Vec::with_capacity(2 * HALF_SEED);
    for name in ["d", "z"] {
        let half = fields.hex(name)?;
        if half.len() != HALF_SEED {
            return Err(fields.error(name, "is not 32 bytes"));
        }
        seed.extend(half);
    }
    Ok(seed)
}

/// Mode `encapDecap`: its four functions.
pub(super) fn encap_decap(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let function = group.text("function")?;
    let format = group.optional_text("keyFormat")?.unwrap_or("expanded");
    let kind = match function {
        "encapsulation" => {
            test.skip(&["d", "z"]);
            CaseKind::KemEncapsulate {
                ek: test.hex("ek")?,
                randomness: test.hex("m")?,
                ciphertext: test.hex("c")?,
                secret: test.hex("k")?,
                dk: test.optional_hex("dk")?,
            }
        }
        "decapsulation" => {
            let ek = shared(group, test, "ek")?;
            let dk = shared(group, test, "dk")?;
            let key = match format {
                "seed" if test.has("d") => PrivateKey::Seed(seed(test)?),
                "seed" => PrivateKey::Seed(seed(group)?),
                "expanded" | "none" => {
                    PrivateKey::Expanded(dk.ok_or_else(|| test.error("dk", "is missing"))?)
                }
                _ => {
                    return Ok(not_applicable(&format!(
                        "private keys in the form {format}"
                    )));
                }
            };
            test.skip(&["d", "z", "m"]);
            group.skip(&["d", "z"]);
            CaseKind::KemDecapsulate {
                key,
                ek,
                ciphertext: test.hex("c")?,
                secret: test.hex("k")?,
            }
        }
        "encapsulationKeyCheck" => {
            test.skip(&["dk", "d", "z"]);
            test.flag("testPassed")?;
            CaseKind::KemPublicKey {
                key: PublicKey::Raw(test.hex("ek")?),
                left_out: None,
            }
        }
        "decapsulationKeyCheck" => {
            test.skip(&["ek", "d", "z"]);
            test.flag("testPassed")?;
            let Some(dk) = test.optional_hex("dk")? else {
                return Ok(not_applicable("the file holds no private key to check"));
            };
            CaseKind::KemPrivateKey { dk }
        }
        _ => return Ok(not_applicable(&format!("the function {function}"))),
    };
    Ok((kind, verdict(test)?))
}
