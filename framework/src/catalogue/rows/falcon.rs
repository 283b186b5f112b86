//! Falcon, round 3: what FN-DSA will come from.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

/// Falcon, specification 1.2 of 1 October 2020, as submitted to round 3 of the NIST process, with
/// signatures in the compressed form of varying length; the longest is what the reference code
/// makes room for. The identifiers are private ones of the Open Quantum Safe provider for OpenSSL
/// (its ALGORITHMS.md).
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |degree: u16, vk, sk, signature, category, oid, kat| {
        let sizes = SignatureSizes {
            seed: None,
            verifying_key: vk,
            signing_key: sk,
            signature,
            context: false,
            variable_length: true,
        };
        AlgorithmInfo::new(
            &format!("Falcon-{degree}"),
            Sizes::Signature(sizes),
            "Falcon round 3",
        )
        .alias(&format!("falcon{degree}"))
        .not(
            &format!("FN-DSA-{degree}"),
            "the draft standard hashes a context and the public key with the message: neither \
             verifies the other",
        )
        .oid(oid)
        .category(category)
        .status(Status::Experimental)
        .claims(&["EUF-CMA"])
        .providers(&["liboqs"])
        .known_answers(kat)
    };
    vec![
        row(
            512,
            897,
            1281,
            752,
            1,
            "1.3.9999.3.11",
            include_str!("../kats/falcon-512.kat"),
        ),
        row(
            1024,
            1793,
            2305,
            1462,
            5,
            "1.3.9999.3.14",
            include_str!("../kats/falcon-1024.kat"),
        ),
    ]
}
