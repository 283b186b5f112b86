//! Hashes and extendable-output functions.

use crate::catalogue::{AlgorithmInfo, HashSizes, Sizes, Status};

/// FIPS 180-4 and FIPS 202; categories as NIST IR 8547 and SP 800-57 count collisions.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |id: &str, sizes, category, specification: &str, kat: &str| {
        AlgorithmInfo::new(id, Sizes::Hash(sizes), specification)
            .category(category)
            .status(Status::Standard)
            .claims(&["collision-resistant"])
            .providers(&["aws-lc", "rustcrypto"])
            .known_answers(kat)
    };
    let fixed = |digest, block| HashSizes {
        digest,
        block,
        extendable: false,
    };
    let xof = |digest, block| HashSizes {
        digest,
        block,
        extendable: true,
    };
    vec![
        row(
            "SHA-256",
            fixed(32, 64),
            2,
            "FIPS 180-4",
            include_str!("../kats/sha-256.kat"),
        ),
        row(
            "SHA-384",
            fixed(48, 128),
            4,
            "FIPS 180-4",
            include_str!("../kats/sha-384.kat"),
        ),
        row(
            "SHA-512",
            fixed(64, 128),
            5,
            "FIPS 180-4",
            include_str!("../kats/sha-512.kat"),
        ),
        row(
            "SHA3-256",
            fixed(32, 136),
            2,
            "FIPS 202",
            include_str!("../kats/sha3-256.kat"),
        ),
        row(
            "SHA3-384",
            fixed(48, 104),
            4,
            "FIPS 202",
            include_str!("../kats/sha3-384.kat"),
        ),
        row(
            "SHA3-512",
            fixed(64, 72),
            5,
            "FIPS 202",
            include_str!("../kats/sha3-512.kat"),
        ),
        row(
            "SHAKE128",
            xof(32, 168),
            2,
            "FIPS 202",
            include_str!("../kats/shake128.kat"),
        ),
        row(
            "SHAKE256",
            xof(64, 136),
            5,
            "FIPS 202",
            include_str!("../kats/shake256.kat"),
        ),
    ]
}
