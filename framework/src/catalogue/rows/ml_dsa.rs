//! ML-DSA, FIPS 204.

use crate::catalogue::{AlgorithmInfo, PrivateKeyEncoding, SignatureSizes, Sizes, Status};

/// FIPS 204 table 2; identifiers from RFC 9881; schemes from the IANA TLS registry.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |level: u8, vk, sk, signature, category, oid, tls, kat| {
        let sizes = SignatureSizes {
            seed: Some(32),
            verifying_key: vk,
            signing_key: sk,
            signature,
            context: true,
            variable_length: false,
        };
        let dilithium = match level {
            44 => "Dilithium2",
            65 => "Dilithium3",
            _ => "Dilithium5",
        };
        AlgorithmInfo::new(
            &format!("ML-DSA-{level}"),
            Sizes::Signature(sizes),
            "FIPS 204",
        )
        .alias(&format!("MLDSA{level}"))
        .not(
            dilithium,
            "round 3 signs without a context prefix: neither verifies the other",
        )
        .oid(oid)
        .private_key_encoding(PrivateKeyEncoding::SeedOrExpanded)
        .tls(tls)
        .category(category)
        .status(Status::Standard)
        .claims(&["SUF-CMA"])
        .providers(&[
            "aws-lc",
            "libcrux",
            "rustcrypto",
            "liboqs",
            "pqclean",
            "openssl",
        ])
        .known_answers(kat)
    };
    vec![
        row(
            44,
            1312,
            2560,
            2420,
            2,
            "2.16.840.1.101.3.4.3.17",
            0x0904,
            include_str!("../kats/ml-dsa-44.kat"),
        ),
        row(
            65,
            1952,
            4032,
            3309,
            3,
            "2.16.840.1.101.3.4.3.18",
            0x0905,
            include_str!("../kats/ml-dsa-65.kat"),
        ),
        row(
            87,
            2592,
            4896,
            4627,
            5,
            "2.16.840.1.101.3.4.3.19",
            0x0906,
            include_str!("../kats/ml-dsa-87.kat"),
        ),
    ]
}
