//! Classical algorithms: Diffie-Hellman as a KEM, and signatures.

use crate::catalogue::{
    AlgorithmInfo, KemSizes, PrivateKeyEncoding, SignatureSizes, Sizes, Status,
};

/// Diffie-Hellman as a KEM.
pub(super) fn kems() -> Vec<AlgorithmInfo> {
    vec![x25519()]
}

/// Signatures.
pub(super) fn signatures() -> Vec<AlgorithmInfo> {
    vec![ed25519()]
}

/// DHKEM(X25519, HKDF-SHA256) of RFC 9180 section 4.1; keys of RFC 8410.
fn x25519() -> AlgorithmInfo {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: 32,
        decapsulation_key: 32,
        ciphertext: 32,
        shared_secret: 32,
    };
    AlgorithmInfo::new(
        "X25519",
        Sizes::Kem(sizes),
        "RFC 9180 DHKEM(X25519, HKDF-SHA256)",
    )
    .alias("DHKEM-X25519-HKDF-SHA256")
    .oid("1.3.101.110")
    .private_key_encoding(PrivateKeyEncoding::CurvePrivateKey)
    .status(Status::Standard)
    .claims(&["IND-CCA2"])
    .providers(&["aws-lc", "rustcrypto"])
    .known_answers(include_str!("../kats/x25519.kat"))
}

/// RFC 8032 section 5.1; keys of RFC 8410.
fn ed25519() -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: Some(32),
        verifying_key: 32,
        signing_key: 32,
        signature: 64,
        context: false,
        variable_length: false,
    };
    AlgorithmInfo::new("Ed25519", Sizes::Signature(sizes), "RFC 8032")
        .oid("1.3.101.112")
        .private_key_encoding(PrivateKeyEncoding::CurvePrivateKey)
        .tls(0x0807)
        .status(Status::Standard)
        .claims(&["SUF-CMA"])
        .providers(&["aws-lc", "rustcrypto"])
        .known_answers(include_str!("../kats/ed25519.kat"))
}
