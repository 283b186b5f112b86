//! SLH-DSA, FIPS 205.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

pub(super) fn rows() -> Vec<AlgorithmInfo> {
    vec![sha2_128f()]
}

/// FIPS 205 table 2; identifier from RFC 9909.
fn sha2_128f() -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: None,
        verifying_key: 32,
        signing_key: 64,
        signature: 17_088,
        context: true,
        variable_length: false,
    };
    AlgorithmInfo::new("SLH-DSA-SHA2-128f", Sizes::Signature(sizes), "FIPS 205")
        .not(
            "SPHINCS+-SHA2-128f-simple",
            "round 3.1 signs without a context prefix and reads the FORS indices in another bit \
             order: same lengths, neither verifies the other",
        )
        .oid("2.16.840.1.101.3.4.3.21")
        .category(1)
        .status(Status::Standard)
        .claims(&["SUF-CMA"])
        .providers(&["rustcrypto"])
        .known_answers(include_str!("../kats/slh-dsa-sha2-128f.kat"))
        .slow()
}
