//! Wycheproof for elliptic curves: signatures, and Diffie-Hellman as far as it is a KEM's.
//!
//! The framework has Diffie-Hellman as DHKEM (RFC 9180), which hashes its value, so that the value
//! itself cannot be compared. What can be shown is which public keys are refused.

use super::{Content, named, not_applicable, other_type};
use crate::catalogue::Kind;
use crate::vectors::case::{CaseKind, PublicKey, Subject};
use crate::vectors::error::VectorError;
use crate::vectors::json::Fields;

/// Names of Wycheproof, identifiers of RFC 5480 section 2.1.1.1 and RFC 5639 section 4.1.
const CURVES: [(&str, &str); 6] = [
    ("secp256r1", "1.2.840.10045.3.1.7"),
    ("secp384r1", "1.3.132.0.34"),
    ("secp521r1", "1.3.132.0.35"),
    ("brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7"),
    ("brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11"),
    ("brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13"),
];

/// The hash that a row of ECDSA on a curve has: of the curve's length (FIPS 186-5).
const HASHES: [(&str, &str); 6] = [
    ("secp256r1", "SHA-256"),
    ("secp384r1", "SHA-384"),
    ("secp521r1", "SHA-512"),
    ("brainpoolP256r1", "SHA-256"),
    ("brainpoolP384r1", "SHA-384"),
    ("brainpoolP512r1", "SHA-512"),
];

const RAW_VALUE: &str = "the raw Diffie-Hellman value, which DHKEM (RFC 9180) hashes";

/// EdDSA on either curve.
pub(super) fn eddsa(
    _: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    group.skip(&["publicKeyDer", "publicKeyJwk", "publicKeyPem"]);
    let key = public_key(group)?;
    let subject = match key.text("curve")? {
        "edwards25519" => named("Ed25519"),
        "edwards448" => named("Ed448"),
        other => named(&format!("EdDSA on {other}")),
    };
    let kind = match group.text("type")? {
        "EddsaVerify" => CaseKind::Verify {
            vk: key.hex("pk")?,
            message: test.hex("msg")?,
            context: Vec::new(),
            signature: test.hex("sig")?,
        },
        _ => other_type(group)?,
    };
    Ok((subject, kind))
}

/// ECDSA with signatures in DER.
pub(super) fn ecdsa(
    _: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    group.skip(&["publicKeyDer", "publicKeyJwk", "publicKeyPem"]);
    let key = public_key(group)?;
    let (curve, hash) = (key.text("curve")?, group.text("sha")?);
    let subject = if HASHES.contains(&(curve, hash)) {
        on_curve(Kind::Signature, curve)
    } else {
        named(&format!("ECDSA on {curve} with {hash}"))
    };
    let kind = match group.text("type")? {
        "EcdsaVerify" => CaseKind::Verify {
            vk: key.hex("uncompressed")?,
            message: test.hex("msg")?,
            context: Vec::new(),
            signature: test.hex("sig")?,
        },
        "EcdsaP1363Verify" => not_applicable("signatures of fixed length (IEEE P1363), not DER"),
        _ => other_type(group)?,
    };
    Ok((subject, kind))
}

/// Diffie-Hellman on Weierstrass curves: the public key, as a point or in SubjectPublicKeyInfo.
pub(super) fn ecdh(
    _: &str,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let subject = on_curve(Kind::Kem, group.text("curve")?);
    let shared = test.optional_hex("shared")?.unwrap_or_default();
    let left_out = (!shared.is_empty()).then_some(RAW_VALUE);
    test.skip(&["private"]);
    let key = match (group.text("type")?, group.text("encoding")?) {
        ("EcdhTest", "asn") => PublicKey::Spki(test.hex("public")?),
        ("EcdhEcpointTest", "ecpoint") => PublicKey::Raw(test.hex("public")?),
        (_, encoding) => {
            let reason = not_applicable(&format!("public keys in the encoding {encoding}"));
            return Ok((subject, reason));
        }
    };
    Ok((subject, CaseKind::KemPublicKey { key, left_out }))
}

/// X25519 and X448: every string of the right length is a public key, so nothing is left to show.
pub(super) fn xdh(
    _: &str,
    group: &Fields<'_, '_>,
    _: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    let subject = match group.text("curve")? {
        "curve25519" => named("X25519"),
        "curve448" => named("X448"),
        other => named(&format!("Diffie-Hellman on {other}")),
    };
    Ok((subject, not_applicable(RAW_VALUE)))
}

fn public_key<'n, 'a>(group: &Fields<'n, 'a>) -> Result<Fields<'n, 'a>, VectorError> {
    let key = group.object("publicKey")?;
    key.ok_or_else(|| group.error("publicKey", "is missing"))
}

fn on_curve(kind: Kind, curve: &str) -> Subject {
    let known = CURVES.iter().find(|(name, _)| *name == curve);
    known.map_or_else(
        || named(&format!("{kind} on {curve}")),
        |(name, oid)| Subject::Curve { kind, name, oid },
    )
}
