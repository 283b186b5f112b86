//! SPHINCS+, round 3.1, the simple sets.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

pub(super) fn rows() -> Vec<AlgorithmInfo> {
    vec![sha2_128f()]
}

/// SPHINCS+ submission to round 3.1 of the NIST process, 10 June 2022. The identifier is the
/// private one of the Open Quantum Safe provider for OpenSSL.
fn sha2_128f() -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: None,
        verifying_key: 32,
        signing_key: 64,
        signature: 17_088,
        context: false,
        variable_length: false,
    };
    let specification = "SPHINCS+ round 3.1";
    AlgorithmInfo::new(
        "SPHINCS+-SHA2-128f-simple",
        Sizes::Signature(sizes),
        specification,
    )
    .alias("SPHINCS+-SHA2-128f")
    .alias("sphincssha2128fsimple")
    .not(
        "SLH-DSA-SHA2-128f",
        "FIPS 205 prefixes the message with a context and reads the FORS indices in another \
             bit order: same lengths, neither verifies the other",
    )
    .oid("1.3.9999.6.4.13")
    .category(1)
    .status(Status::Legacy)
    .claims(&["EUF-CMA"])
    .providers(&["pqclean"])
    .known_answers(include_str!("../kats/sphincs+-sha2-128f-simple.kat"))
    .slow()
}
