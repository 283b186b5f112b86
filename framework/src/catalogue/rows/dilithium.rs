//! Dilithium, round 3.1.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

/// CRYSTALS-Dilithium, algorithm specification version 3.1 of 8 February 2021. The identifiers are
/// private ones, as the Open Quantum Safe provider for OpenSSL used them.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |level: u8, vk, sk, signature, category, oid, standard: &str, kat| {
        let sizes = SignatureSizes {
            seed: None,
            verifying_key: vk,
            signing_key: sk,
            signature,
            context: false,
            variable_length: false,
        };
        AlgorithmInfo::new(
            &format!("Dilithium{level}"),
            Sizes::Signature(sizes),
            "CRYSTALS-Dilithium round 3.1",
        )
        .alias(&format!("Dilithium{level}-r3"))
        .not(
            standard,
            "FIPS 204 signs with a context prefix and lengthened hashes: neither verifies the other",
        )
        .oid(oid)
        .category(category)
        .status(Status::Legacy)
        .claims(&["SUF-CMA"])
        .providers(&["rustcrypto", "liboqs"])
        .known_answers(kat)
    };
    vec![
        row(
            2,
            1312,
            2528,
            2420,
            2,
            "1.3.6.1.4.1.2.267.7.4.4",
            "ML-DSA-44",
            include_str!("../kats/dilithium2.kat"),
        ),
        row(
            3,
            1952,
            4000,
            3293,
            3,
            "1.3.6.1.4.1.2.267.7.6.5",
            "ML-DSA-65",
            include_str!("../kats/dilithium3.kat"),
        ),
        row(
            5,
            2592,
            4864,
            4595,
            5,
            "1.3.6.1.4.1.2.267.7.8.7",
            "ML-DSA-87",
            include_str!("../kats/dilithium5.kat"),
        ),
    ]
}
