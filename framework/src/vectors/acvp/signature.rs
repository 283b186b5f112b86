//! ACVP for ML-DSA and SLH-DSA (draft-celi-acvp-ml-dsa, draft-celi-acvp-slh-dsa).
//!
//! The framework signs messages with a context, which ACVP calls the external interface without
//! pre-hashing. The internal interface, an external μ and the pre-hash variants are other functions.

use super::{Content, not_applicable, shared, verdict};
use crate::vectors::case::{CaseKind, Expected, PrivateKey};
use crate::vectors::error::VectorError;
use crate::vectors::json::Fields;

/// FIPS 204, Algorithm 2: the deterministic variant signs with rnd = {0}³².
const NO_RND: [u8; 32] = [0; 32];

/// ML-DSA, mode `keyGen`: seed, pk, sk.
pub(super) fn ml_dsa_keygen(
    _: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let kind = CaseKind::SignatureKeygen {
        seed: test.hex("seed")?,
        vk: test.hex("pk")?,
        sk: test.hex("sk")?,
    };
    Ok((kind, Expected::Valid))
}

/// SLH-DSA, mode `keyGen`: FIPS 205, Algorithm 21, draws SK.seed, SK.prf and PK.seed.
pub(super) fn slh_dsa_keygen(
    _: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let parts = [test.hex("skSeed")?, test.hex("skPrf")?, test.hex("pkSeed")?];
    let kind = CaseKind::SignatureKeygen {
        seed: parts.concat(),
        vk: test.hex("pk")?,
        sk: test.hex("sk")?,
    };
    Ok((kind, Expected::Valid))
}

/// ML-DSA, mode `sigGen`.
pub(super) fn ml_dsa_sign(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    if let Some(reason) = other_function(group, test)? {
        return Ok(not_applicable(&reason));
    }
    let key = match group.optional_text("keyFormat")?.unwrap_or("expanded") {
        "expanded" => PrivateKey::Expanded(test.hex("sk")?),
        "seed" => PrivateKey::Seed(test.hex("seed")?),
        format => {
            return Ok(not_applicable(&format!(
                "private keys in the form {format}"
            )));
        }
    };
    test.skip(&["sk", "seed"]);
    let randomness = if group.flag("deterministic")? {
        test.skip(&["rnd"]);
        NO_RND.to_vec()
    } else {
        test.hex("rnd")?
    };
    sign(group, test, key, randomness)
}

/// SLH-DSA, mode `sigGen`.
pub(super) fn slh_dsa_sign(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    if let Some(reason) = other_function(group, test)? {
        return Ok(not_applicable(&reason));
    }
    let sk = test.hex("sk")?;
    let randomness = if group.flag("deterministic")? {
        test.skip(&["additionalRandomness"]);
        // FIPS 205, Algorithm 19: the deterministic variant signs with opt_rand = PK.seed, which
        // is the third quarter of the private key (section 9.1).
        let quarter = sk.len() / 4;
        let public_seed = sk.get(2 * quarter..3 * quarter);
        public_seed.unwrap_or_default().to_vec()
    } else {
        test.hex("additionalRandomness")?
    };
    sign(group, test, PrivateKey::Expanded(sk), randomness)
}

fn sign(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
    key: PrivateKey,
    randomness: Vec<u8>,
) -> Result<Content, VectorError> {
    // How the messages were chosen.
    group.skip(&["cornerCase"]);
    let kind = CaseKind::Sign {
        key,
        vk: shared(group, test, "pk")?,
        message: test.hex("message")?,
        context: test.optional_hex("context")?.unwrap_or_default(),
        randomness,
        signature: test.hex("signature")?,
    };
    Ok((kind, Expected::Valid))
}

/// ML-DSA, mode `sigVer`.
pub(super) fn ml_dsa_verify(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    test.skip(&["rnd", "seed"]);
    verify(group, test)
}

/// SLH-DSA, mode `sigVer`.
pub(super) fn slh_dsa_verify(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    test.skip(&["additionalRandomness"]);
    verify(group, test)
}

fn verify(group: &Fields<'_, '_>, test: &Fields<'_, '_>) -> Result<Content, VectorError> {
    if let Some(reason) = other_function(group, test)? {
        return Ok(not_applicable(&reason));
    }
    let vk = shared(group, test, "pk")?;
    test.skip(&["sk"]);
    group.skip(&["sk", "keyFormat", "deterministic"]);
    test.flag("testPassed")?;
    let kind = CaseKind::Verify {
        vk: vk.ok_or_else(|| test.error("pk", "is missing"))?,
        message: test.hex("message")?,
        context: test.optional_hex("context")?.unwrap_or_default(),
        signature: test.hex("signature")?,
    };
    Ok((kind, verdict(test)?))
}

/// Why a test is of another function than signing a message, if it is.
fn other_function(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Option<String>, VectorError> {
    let external_mu = group.optional_flag("externalMu")?.unwrap_or(false);
    let reason = match group.optional_text("signatureInterface")? {
        _ if external_mu => "an external μ instead of a message",
        Some("external") => match group.optional_text("preHash")? {
            Some("pure") => {
                let bits = test.optional_number("messageLength")?;
                let bytes = test.optional_text("message")?.map(|hex| hex.len() / 2);
                let whole = bits
                    .is_none_or(|bits| bits % 8 == 0 && usize::try_from(bits / 8).ok() == bytes);
                if !whole {
                    return Ok(Some("a message that does not end with a byte".into()));
                }
                return Ok(match test.optional_text("hashAlg")? {
                    None | Some("none") => None,
                    Some(hash) => Some(format!("pure signing that names the hash {hash}")),
                });
            }
            _ => "pre-hash signing: another algorithm",
        },
        Some("internal") => "the internal interface: a message without its context",
        // The first files of NIST had no such value and meant the internal interface.
        None => "no signatureInterface: an early file, of the internal interface",
        Some(other) => return Ok(Some(format!("the signature interface {other}"))),
    };
    Ok(Some(reason.into()))
}
