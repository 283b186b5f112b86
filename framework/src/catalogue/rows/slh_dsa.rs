//! SLH-DSA, FIPS 205.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

/// One row: the part of the name after `SLH-DSA-`, n, the signature's length, the category, and
/// the last arc of the identifier.
macro_rules! row {
    ($set:literal, $n:literal, $signature:literal, $category:literal, $oid:literal, $kat:literal) => {
        row(
            $set,
            $n,
            $signature,
            $category,
            $oid,
            include_str!(concat!("../kats/slh-dsa-", $kat, ".kat")),
        )
    };
}

/// FIPS 205 table 2, in the order of the identifiers of RFC 9909 section 3.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    vec![
        row!("SHA2-128s", 16, 7856, 1, 20, "sha2-128s"),
        row!("SHA2-128f", 16, 17_088, 1, 21, "sha2-128f"),
        row!("SHA2-192s", 24, 16_224, 3, 22, "sha2-192s"),
        row!("SHA2-192f", 24, 35_664, 3, 23, "sha2-192f"),
        row!("SHA2-256s", 32, 29_792, 5, 24, "sha2-256s"),
        row!("SHA2-256f", 32, 49_856, 5, 25, "sha2-256f"),
        row!("SHAKE-128s", 16, 7856, 1, 26, "shake-128s"),
        row!("SHAKE-128f", 16, 17_088, 1, 27, "shake-128f"),
        row!("SHAKE-192s", 24, 16_224, 3, 28, "shake-192s"),
        row!("SHAKE-192f", 24, 35_664, 3, 29, "shake-192f"),
        row!("SHAKE-256s", 32, 29_792, 5, 30, "shake-256s"),
        row!("SHAKE-256f", 32, 49_856, 5, 31, "shake-256f"),
    ]
}

fn row(
    set: &str,
    n: usize,
    signature: usize,
    category: u8,
    oid: u8,
    known_answers: &str,
) -> AlgorithmInfo {
    let sizes = SignatureSizes {
        // FIPS 205, Algorithm 18: SK.seed ‖ SK.prf ‖ PK.seed.
        seed: Some(3 * n),
        verifying_key: 2 * n,
        signing_key: 4 * n,
        signature,
        context: true,
        variable_length: false,
    };
    AlgorithmInfo::new(
        &format!("SLH-DSA-{set}"),
        Sizes::Signature(sizes),
        "FIPS 205",
    )
    .not(
        &format!("SPHINCS+-{set}-simple"),
        "round 3.1 signs without a context prefix and reads the FORS indices in another bit \
         order: same lengths, neither verifies the other",
    )
    .oid(&format!("2.16.840.1.101.3.4.3.{oid}"))
    .category(category)
    .status(Status::Standard)
    .claims(&["SUF-CMA"])
    // fips205 is 1.6 times slower than slh-dsa for SHA-2 and makes the stronger claim.
    .providers(&["fips205", "rustcrypto", "openssl"])
    .known_answers(known_answers)
    .slow()
}
