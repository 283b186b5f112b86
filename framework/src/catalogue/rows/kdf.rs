//! Key derivation.

use crate::catalogue::{AlgorithmInfo, KdfSizes, Sizes, Status};

/// RFC 5869.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |id: &str, hash, prk: usize, category, kat: &str| {
        let sizes = KdfSizes {
            prk,
            max_output: 255 * prk,
            hash,
        };
        AlgorithmInfo::new(id, Sizes::Kdf(sizes), "RFC 5869")
            .category(category)
            .status(Status::Standard)
            .claims(&["PRF"])
            .providers(&["rustcrypto", "aws-lc"])
            .known_answers(kat)
    };
    vec![
        row(
            "HKDF-SHA256",
            "SHA-256",
            32,
            5,
            include_str!("../kats/hkdf-sha256.kat"),
        ),
        row(
            "HKDF-SHA384",
            "SHA-384",
            48,
            5,
            include_str!("../kats/hkdf-sha384.kat"),
        ),
        row(
            "HKDF-SHA512",
            "SHA-512",
            64,
            5,
            include_str!("../kats/hkdf-sha512.kat"),
        ),
    ]
}
