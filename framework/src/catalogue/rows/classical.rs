//! Classical algorithms: Diffie-Hellman as a KEM, and signatures.

use crate::catalogue::{
    AlgorithmInfo, KemSizes, PrivateKeyEncoding, SignatureSizes, Sizes, Status,
};

const NIST_P_256: &str = "1.2.840.10045.3.1.7";
const NIST_P_384: &str = "1.3.132.0.34";
const BRAINPOOL_P512R1: &str = "1.3.36.3.3.2.8.1.1.13";

/// Without brainpoolP512r1, which others do not have.
const PROVIDERS: [&str; 3] = ["aws-lc", "rustcrypto", "openssl"];

/// Diffie-Hellman as a KEM.
pub(super) fn kems() -> Vec<AlgorithmInfo> {
    vec![x25519(), p_256(), p_384(), brainpool_p512r1()]
}

/// Signatures.
pub(super) fn signatures() -> Vec<AlgorithmInfo> {
    vec![ed25519(), ecdsa_p256(), ecdsa_p384()]
}

/// RFC 9180 section 7.1, table 2; keys are derived from seeds of Nsk bytes (section 7.1.3).
fn dhkem(public_key: usize, private_key: usize, secret: usize) -> Sizes {
    Sizes::Kem(KemSizes {
        seed: Some(private_key),
        encapsulation_key: public_key,
        decapsulation_key: private_key,
        ciphertext: public_key,
        shared_secret: secret,
    })
}

/// KEM identifier 0x0020; keys of RFC 8410.
fn x25519() -> AlgorithmInfo {
    AlgorithmInfo::new(
        "X25519",
        dhkem(32, 32, 32),
        "RFC 9180 DHKEM(X25519, HKDF-SHA256)",
    )
    .alias("DHKEM-X25519-HKDF-SHA256")
    .oid("1.3.101.110")
    .private_key_encoding(PrivateKeyEncoding::CurvePrivateKey)
    .status(Status::Standard)
    .claims(&["IND-CCA2"])
    .providers(&PROVIDERS)
    .known_answers(include_str!("../kats/x25519.kat"))
}

/// KEM identifier 0x0010; the curve of SP 800-186 section 3.2.1.3, keys of RFC 5480.
fn p_256() -> AlgorithmInfo {
    AlgorithmInfo::new(
        "P-256",
        dhkem(65, 32, 32),
        "RFC 9180 DHKEM(P-256, HKDF-SHA256)",
    )
    .alias("DHKEM-P256-HKDF-SHA256")
    .alias("secp256r1")
    .not(
        "ECDSA-P256",
        "signs; its key files look the same, and one key must not do both",
    )
    .named_curve(NIST_P_256)
    .status(Status::Standard)
    .claims(&["IND-CCA2"])
    .providers(&PROVIDERS)
    .known_answers(include_str!("../kats/p-256.kat"))
}

/// KEM identifier 0x0011; the curve of SP 800-186 section 3.2.1.4, keys of RFC 5480.
fn p_384() -> AlgorithmInfo {
    AlgorithmInfo::new(
        "P-384",
        dhkem(97, 48, 48),
        "RFC 9180 DHKEM(P-384, HKDF-SHA384)",
    )
    .alias("DHKEM-P384-HKDF-SHA384")
    .alias("secp384r1")
    .not(
        "ECDSA-P384",
        "signs; its key files look the same, and one key must not do both",
    )
    .named_curve(NIST_P_384)
    .status(Status::Standard)
    .claims(&["IND-CCA2"])
    .providers(&PROVIDERS)
    .known_answers(include_str!("../kats/p-384.kat"))
}

/// The private KEM identifier 0xFE12: RFC 9180 registers none for this curve, so although both the
/// curve and DHKEM are published, their combination is not, and may get other bytes one day.
fn brainpool_p512r1() -> AlgorithmInfo {
    AlgorithmInfo::new(
        "brainpoolP512r1",
        dhkem(129, 64, 64),
        "RFC 9180 DHKEM over RFC 5639 brainpoolP512r1 with HKDF-SHA512, private KEM id 0xFE12",
    )
    .alias("DHKEM-brainpoolP512r1-HKDF-SHA512")
    .named_curve(BRAINPOOL_P512R1)
    .status(Status::Draft)
    .claims(&["IND-CCA2"])
    .providers(&["pqfw", "openssl"])
    .known_answers(include_str!("../kats/brainpoolp512r1.kat"))
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
        .providers(&PROVIDERS)
        .known_answers(include_str!("../kats/ed25519.kat"))
}

/// Signatures are the DER of ECDSA-Sig-Value (RFC 3279 section 2.2.3): 2 bytes of header, and for
/// each number 2 of header and at most one more than the scalar has.
fn ecdsa(scalar: usize) -> Sizes {
    Sizes::Signature(SignatureSizes {
        seed: None,
        verifying_key: 1 + 2 * scalar,
        signing_key: scalar,
        signature: 2 + 2 * (2 + 1 + scalar),
        context: false,
        variable_length: true,
    })
}

/// TLS: RFC 8446 section 4.2.3.
fn ecdsa_p256() -> AlgorithmInfo {
    AlgorithmInfo::new("ECDSA-P256", ecdsa(32), "FIPS 186-5")
        .alias("ECDSA-P256-SHA256")
        .not(
            "P-256",
            "agrees on secrets; its key files look the same, and one key must not do both",
        )
        .named_curve(NIST_P_256)
        .tls(0x0403)
        .status(Status::Standard)
        .claims(&["EUF-CMA"])
        .providers(&PROVIDERS)
        .known_answers(include_str!("../kats/ecdsa-p256.kat"))
}

/// TLS: RFC 8446 section 4.2.3.
fn ecdsa_p384() -> AlgorithmInfo {
    AlgorithmInfo::new("ECDSA-P384", ecdsa(48), "FIPS 186-5")
        .alias("ECDSA-P384-SHA384")
        .not(
            "P-384",
            "agrees on secrets; its key files look the same, and one key must not do both",
        )
        .named_curve(NIST_P_384)
        .tls(0x0503)
        .status(Status::Standard)
        .claims(&["EUF-CMA"])
        .providers(&PROVIDERS)
        .known_answers(include_str!("../kats/ecdsa-p384.kat"))
}
