//! Hybrids that have a name and bytes of their own: X-Wing and LAMPS composite ML-DSA.

use crate::catalogue::{AlgorithmInfo, KemSizes, SignatureSizes, Sizes, Status};

/// X-Wing. Its private key is a seed. The category is that of its ML-KEM-768; the draft aims at 1
/// and takes the rest for margin (section 1.2).
pub(super) fn kems() -> Vec<AlgorithmInfo> {
    let sizes = KemSizes {
        seed: Some(32),
        encapsulation_key: 1216,
        decapsulation_key: 32,
        ciphertext: 1120,
        shared_secret: 32,
    };
    vec![
        AlgorithmInfo::new(
            "X-Wing",
            Sizes::Kem(sizes),
            "draft-connolly-cfrg-xwing-kem-10",
        )
        .alias("XWing")
        .not(
            "X25519+ML-KEM-768",
            "this framework's hybrid of the same parts hashes both ciphertexts and public keys",
        )
        .oid("1.3.6.1.4.1.62253.25722")
        .category(3)
        .status(Status::Draft)
        .claims(&["IND-CCA2"])
        .providers(&["rustcrypto"])
        .known_answers(include_str!("../kats/x-wing.kat")),
    ]
}

/// Composite ML-DSA: six of the eighteen algorithms of the draft's section 6, with its object
/// identifiers, which IANA has allocated early. Lengths are sums of its table 1 and of those of
/// section 4; a signature with ECDSA is as long as its DER. The category is ML-DSA's. None is
/// strongly unforgeable (section 9.2.2).
pub(super) fn signatures() -> Vec<AlgorithmInfo> {
    let row = |id: &str, arc: u8, vk, sk, signature, varies, category, kat| {
        let sizes = SignatureSizes {
            seed: None,
            verifying_key: vk,
            signing_key: sk,
            signature,
            context: true,
            variable_length: varies,
        };
        AlgorithmInfo::new(
            id,
            Sizes::Signature(sizes),
            "draft-ietf-lamps-pq-composite-sigs-19",
        )
        .alias(&format!("id-{id}"))
        .oid(&format!("1.3.6.1.5.5.7.6.{arc}"))
        .category(category)
        .status(Status::Draft)
        .claims(&["EUF-CMA"])
        .providers(&["rustcrypto"])
        .known_answers(kat)
    };
    vec![
        row(
            "MLDSA44-Ed25519-SHA512",
            39,
            1312 + 32,
            32 + 32,
            2420 + 64,
            false,
            2,
            include_str!("../kats/mldsa44-ed25519-sha512.kat"),
        )
        .not("Ed25519+ML-DSA-44", OURS),
        row(
            "MLDSA44-ECDSA-P256-SHA256",
            40,
            1312 + 65,
            32 + 51,
            2420 + 72,
            true,
            2,
            include_str!("../kats/mldsa44-ecdsa-p256-sha256.kat"),
        ),
        row(
            "MLDSA65-ECDSA-P256-SHA512",
            45,
            1952 + 65,
            32 + 51,
            3309 + 72,
            true,
            3,
            include_str!("../kats/mldsa65-ecdsa-p256-sha512.kat"),
        ),
        row(
            "MLDSA65-ECDSA-P384-SHA512",
            46,
            1952 + 97,
            32 + 64,
            3309 + 104,
            true,
            3,
            include_str!("../kats/mldsa65-ecdsa-p384-sha512.kat"),
        ),
        row(
            "MLDSA65-Ed25519-SHA512",
            48,
            1952 + 32,
            32 + 32,
            3309 + 64,
            false,
            3,
            include_str!("../kats/mldsa65-ed25519-sha512.kat"),
        )
        .not("Ed25519+ML-DSA-65", OURS),
        row(
            "MLDSA87-ECDSA-P384-SHA512",
            49,
            2592 + 97,
            32 + 64,
            4627 + 104,
            true,
            5,
            include_str!("../kats/mldsa87-ecdsa-p384-sha512.kat"),
        ),
    ]
}

/// What sets this framework's own hybrid of the same parts apart.
const OURS: &str = "this framework's hybrid of the same parts, with other bytes under both";
