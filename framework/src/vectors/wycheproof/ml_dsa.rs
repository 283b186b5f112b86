//! Wycheproof for ML-DSA: signing from a seed or an expanded key, and verification.

use super::{Content, named, not_applicable, other_type};
use crate::vectors::case::{CaseKind, PrivateKey};
use crate::vectors::error::VectorError;
use crate::vectors::json::Fields;

/// FIPS 204, Algorithm 2: the deterministic variant signs with rnd = {0}³².
const NO_RND: [u8; 32] = [0; 32];

pub(super) fn read(
    file: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    // The same keys in other clothes.
    group.skip(&["privateKeyPkcs8", "publicKeyDer"]);
    test.skip(&["mu"]);
    let Some(message) = test.optional_hex("msg")? else {
        let reason = not_applicable("an external μ instead of a message");
        return Ok((named(file), reason));
    };
    let context = test.optional_hex("ctx")?.unwrap_or_default();
    let signature = test.hex("sig")?;
    let kind = match group.text("type")? {
        "MlDsaSign" => {
            let seed = group.optional_hex("privateSeed")?;
            let key = match (seed, group.optional_hex("privateKey")?) {
                (Some(seed), None) => PrivateKey::Seed(seed),
                (None, Some(expanded)) => PrivateKey::Expanded(expanded),
                _ => return Err(group.error("privateKey", "must stand there or privateSeed")),
            };
            CaseKind::Sign {
                key,
                vk: group.optional_hex("publicKey")?,
                message,
                context,
                randomness: test.optional_hex("rnd")?.unwrap_or_else(|| NO_RND.to_vec()),
                signature,
            }
        }
        "MlDsaVerify" => CaseKind::Verify {
            vk: group.hex("publicKey")?,
            message,
            context,
            signature,
        },
        _ => other_type(group)?,
    };
    Ok((named(file), kind))
}
