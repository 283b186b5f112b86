//! Key derivation.

use crate::catalogue::{AlgorithmInfo, KdfSizes, Sizes, Status};

/// RFC 5869.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |hash: &str, prk: usize, category, kat: &str| {
        let sizes = KdfSizes {
            prk,
            max_output: 255 * prk,
        };
        AlgorithmInfo::new(&format!("HKDF-{hash}"), Sizes::Kdf(sizes), "RFC 5869")
            .category(category)
            .status(Status::Standard)
            .claims(&["PRF"])
            .providers(&["rustcrypto", "aws-lc"])
            .known_answers(kat)
    };
    vec![
        row("SHA256", 32, 5, include_str!("../kats/hkdf-sha256.kat")),
        row("SHA384", 48, 5, include_str!("../kats/hkdf-sha384.kat")),
        row("SHA512", 64, 5, include_str!("../kats/hkdf-sha512.kat")),
    ]
}
