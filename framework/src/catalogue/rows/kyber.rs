//! Kyber, round 3.

use crate::catalogue::{AlgorithmInfo, KemSizes, Sizes, Status};

/// CRYSTALS-Kyber, submission to round 3 of the NIST process, 4 August 2021. The identifiers are
/// private ones, as the Open Quantum Safe provider for OpenSSL uses them.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |level: u16, k: usize, ciphertext, category, oid, kat| {
        let sizes = KemSizes {
            seed: None,
            encapsulation_key: 384 * k + 32,
            decapsulation_key: 768 * k + 96,
            ciphertext,
            shared_secret: 32,
        };
        AlgorithmInfo::new(
            &format!("Kyber-{level}"),
            Sizes::Kem(sizes),
            "CRYSTALS-Kyber round 3",
        )
        .alias(&format!("Kyber{level}"))
        .alias(&format!("Kyber-{level}-r3"))
        .not(
            &format!("ML-KEM-{level}"),
            "FIPS 203 dropped the hash of the ciphertext: same lengths, other secrets",
        )
        .oid(oid)
        .category(category)
        .status(Status::Legacy)
        .claims(&["IND-CCA2"])
        // As ML-KEM, over which all but liboqs make it.
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
            "1.3.6.1.4.1.22554.5.6.1",
            include_str!("../kats/kyber-512.kat"),
        ),
        row(
            768,
            3,
            1088,
            3,
            "1.3.6.1.4.1.22554.5.6.2",
            include_str!("../kats/kyber-768.kat"),
        ),
        row(
            1024,
            4,
            1568,
            5,
            "1.3.6.1.4.1.22554.5.6.3",
            include_str!("../kats/kyber-1024.kat"),
        ),
    ]
}
