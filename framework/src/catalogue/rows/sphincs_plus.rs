//! SPHINCS+, round 3.1, the simple sets.

use crate::catalogue::{AlgorithmInfo, SignatureSizes, Sizes, Status};

/// One row: the hash and the parameter set, n, the signature's length, the category, the end of
/// the identifier, and the known answers.
macro_rules! row {
    ($hash:literal, $set:literal, $n:literal, $signature:literal, $category:literal, $oid:literal, $kat:literal) => {
        row(
            ($hash, $set),
            $n,
            $signature,
            $category,
            $oid,
            include_str!(concat!("../kats/sphincs+-", $kat, "-simple.kat")),
        )
    };
}

/// SPHINCS+ submission to round 3.1 of the NIST process, 10 June 2022, table 3. The identifiers
/// are private ones of the Open Quantum Safe provider for OpenSSL (its ALGORITHMS.md).
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    vec![
        row!("SHA2", "128s", 16, 7856, 1, "4.16", "sha2-128s"),
        row!("SHA2", "128f", 16, 17_088, 1, "4.13", "sha2-128f"),
        row!("SHA2", "192s", 24, 16_224, 3, "5.12", "sha2-192s"),
        row!("SHA2", "192f", 24, 35_664, 3, "5.10", "sha2-192f"),
        row!("SHA2", "256s", 32, 29_792, 5, "6.12", "sha2-256s"),
        row!("SHA2", "256f", 32, 49_856, 5, "6.10", "sha2-256f"),
        row!("SHAKE", "128s", 16, 7856, 1, "7.16", "shake-128s"),
        row!("SHAKE", "128f", 16, 17_088, 1, "7.13", "shake-128f"),
        row!("SHAKE", "192s", 24, 16_224, 3, "8.12", "shake-192s"),
        row!("SHAKE", "192f", 24, 35_664, 3, "8.10", "shake-192f"),
        row!("SHAKE", "256s", 32, 29_792, 5, "9.12", "shake-256s"),
        row!("SHAKE", "256f", 32, 49_856, 5, "9.10", "shake-256f"),
    ]
}

fn row(
    (hash, set): (&str, &str),
    n: usize,
    signature: usize,
    category: u8,
    oid: &str,
    known_answers: &str,
) -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: None,
        verifying_key: 2 * n,
        signing_key: 4 * n,
        signature,
        context: false,
        variable_length: false,
    };
    let row = AlgorithmInfo::new(
        &format!("SPHINCS+-{hash}-{set}-simple"),
        Sizes::Signature(sizes),
        "SPHINCS+ round 3.1",
    )
    .alias(&format!("SPHINCS+-{hash}-{set}"))
    .alias(&format!("sphincs{}{set}simple", hash.to_lowercase()))
    .not(
        &format!("SLH-DSA-{hash}-{set}"),
        "FIPS 205 prefixes the message with a context and reads the FORS indices in another \
         bit order: same lengths, neither verifies the other",
    )
    .oid(&format!("1.3.9999.6.{oid}"))
    .category(category)
    .status(Status::Legacy)
    .claims(&["EUF-CMA"])
    // One code, and equally fast; the second takes more to build.
    .providers(&["pqclean", "liboqs"])
    .known_answers(known_answers);
    // The small sets take over 100 ms for a signature, the fast ones under 50, with AVX2.
    if set.ends_with('s') { row.slow() } else { row }
}
