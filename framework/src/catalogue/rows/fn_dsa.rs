//! FN-DSA, before its standard.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

/// Lengths from the README of the crate fn-dsa 0.4.0: FIPS 206 is not published, not even as a
/// draft. There is no identifier for it either.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    let row = |degree: u16, vk, sk, signature, category, kat| {
        let sizes = SignatureSizes {
            seed: None,
            verifying_key: vk,
            signing_key: sk,
            signature,
            context: true,
            variable_length: false,
        };
        AlgorithmInfo::new(
            &format!("FN-DSA-{degree}"),
            Sizes::Signature(sizes),
            "fn-dsa 0.4.0, in expectation of FIPS 206",
        )
        .not(
            &format!("Falcon-{degree}"),
            "Falcon signs without context and public key, and encodes its keys otherwise",
        )
        .category(category)
        .status(Status::Experimental)
        .claims(&["EUF-CMA"])
        .providers(&["fn-dsa"])
        .known_answers(kat)
    };
    vec![
        row(
            512,
            897,
            1345,
            666,
            1,
            include_str!("../kats/fn-dsa-512.kat"),
        ),
        row(
            1024,
            1793,
            2369,
            1280,
            5,
            include_str!("../kats/fn-dsa-1024.kat"),
        ),
    ]
}
