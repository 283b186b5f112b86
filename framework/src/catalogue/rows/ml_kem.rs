//! ML-KEM, FIPS 203.

use crate::catalogue::{AlgorithmInfo, KemSizes, PrivateKeyEncoding, Sizes, Status};

/// FIPS 203 table 3; identifiers from RFC 9935; groups from the IANA TLS registry.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |level: u16, k: usize, ciphertext, category, oid, tls, kat| {
        let sizes = KemSizes {
            seed: Some(64),
            encapsulation_key: 384 * k + 32,
            decapsulation_key: 768 * k + 96,
            ciphertext,
            shared_secret: 32,
        };
        AlgorithmInfo::new(&format!("ML-KEM-{level}"), Sizes::Kem(sizes), "FIPS 203")
            .alias(&format!("MLKEM{level}"))
            .not(
                &format!("Kyber-{level}"),
                "round 3 hashes the ciphertext into the secret: same lengths, other secrets",
            )
            .oid(oid)
            .private_key_encoding(PrivateKeyEncoding::SeedOrExpanded)
            .tls(tls)
            .category(category)
            .status(Status::Standard)
            .claims(&["IND-CCA2", "C2PRI"])
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
            512,
            2,
            768,
            1,
            "2.16.840.1.101.3.4.4.1",
            0x0200,
            include_str!("../kats/ml-kem-512.kat"),
        ),
        row(
            768,
            3,
            1088,
            3,
            "2.16.840.1.101.3.4.4.2",
            0x0201,
            include_str!("../kats/ml-kem-768.kat"),
        ),
        row(
            1024,
            4,
            1568,
            5,
            "2.16.840.1.101.3.4.4.3",
            0x0202,
            include_str!("../kats/ml-kem-1024.kat"),
        ),
    ]
}
