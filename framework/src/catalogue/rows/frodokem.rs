//! FrodoKEM, salted (the standard form) and unsalted (eFrodoKEM).
//!
//! The unsalted form has the bytes of the NIST round 3 submission, and liboqs 0.13 and PQClean
//! still call it FrodoKEM.

use crate::catalogue::{AlgorithmInfo, KemSizes, Sizes, Status};

/// One size: n and the generator of A, the category, and the identifiers of both forms.
macro_rules! pair {
    ($set:literal, $n:literal, $category:literal, $salted:literal, $unsalted:literal, $kat:literal) => {
        [
            salted(
                $set,
                $n,
                $category,
                $salted,
                include_str!(concat!("../kats/frodokem-", $kat, ".kat")),
            ),
            unsalted(
                $set,
                $n,
                $category,
                $unsalted,
                include_str!(concat!("../kats/efrodokem-", $kat, ".kat")),
            ),
        ]
    };
}

/// draft-longa-cfrg-frodokem, tables 1, 2 and 5.
///
/// Identifiers of n = 976 and 1344 from ISO/IEC 18033-2:2006/Amd 2, clause 14, as Bouncy Castle and
/// wolfSSL have them. n = 640 is not in it: its identifiers are Botan's, of Botan's own arc. Those
/// of liboqs's provider for OpenSSL change from release to release.
#[rustfmt::skip]
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    [
        pair!("640-AES", 640, 1, "1.3.6.1.4.1.25258.1.15.1", "1.3.6.1.4.1.25258.1.17.1", "640-aes"),
        pair!("640-SHAKE", 640, 1, "1.3.6.1.4.1.25258.1.14.1", "1.3.6.1.4.1.25258.1.16.1", "640-shake"),
        pair!("976-AES", 976, 3, "1.0.18033.2.2.7.5", "1.0.18033.2.2.7.7", "976-aes"),
        pair!("976-SHAKE", 976, 3, "1.0.18033.2.2.7.1", "1.0.18033.2.2.7.3", "976-shake"),
        pair!("1344-AES", 1344, 5, "1.0.18033.2.2.7.6", "1.0.18033.2.2.7.8", "1344-aes"),
        pair!("1344-SHAKE", 1344, 5, "1.0.18033.2.2.7.2", "1.0.18033.2.2.7.4", "1344-shake"),
    ]
    .concat()
}

/// Lengths for n and n̂ = 8; the salt has twice the bytes of the shared secret.
fn sizes(n: usize, salted: bool) -> Sizes {
    let (bits_of_q, secret) = match n {
        640 => (15, 16),
        976 => (16, 24),
        _ => (16, 32),
    };
    let encapsulation_key = 16 + bits_of_q * n;
    Sizes::Kem(KemSizes {
        seed: None,
        encapsulation_key,
        decapsulation_key: secret + encapsulation_key + 16 * n + secret,
        ciphertext: bits_of_q * (n + 8) + if salted { 2 * secret } else { 0 },
        shared_secret: secret,
    })
}

fn salted(set: &str, n: usize, category: u8, oid: &str, known_answers: &str) -> AlgorithmInfo {
    let specification = if n == 640 {
        "draft-longa-cfrg-frodokem"
    } else {
        "draft-longa-cfrg-frodokem; ISO/IEC 18033-2:2006/Amd 2"
    };
    AlgorithmInfo::new(&format!("FrodoKEM-{set}"), sizes(n, true), specification)
        .not(
            &format!("eFrodoKEM-{set}"),
            "has no salt against attacks on many ciphertexts at once: same keys, a shorter \
             ciphertext, other secrets; liboqs 0.13 and PQClean call it FrodoKEM",
        )
        .oid(oid)
        .category(category)
        .status(Status::Draft)
        .claims(&["IND-CCA2"])
        .providers(&["rustcrypto"])
        .known_answers(known_answers)
}

fn unsalted(set: &str, n: usize, category: u8, oid: &str, known_answers: &str) -> AlgorithmInfo {
    AlgorithmInfo::new(
        &format!("eFrodoKEM-{set}"),
        sizes(n, false),
        "FrodoKEM, NIST round 3; as eFrodoKEM in draft-longa-cfrg-frodokem, for keys that fewer \
         than 2^8 ciphertexts are made for",
    )
    .not(
        &format!("FrodoKEM-{set}"),
        "salts its ciphertexts against attacks on many of them at once: same keys, a longer \
         ciphertext, other secrets",
    )
    .oid(oid)
    .category(category)
    .status(Status::Legacy)
    .claims(&["IND-CCA2", "single-use-key"])
    // liboqs is three times faster and its authors check it for branches on secrets.
    .providers(&["liboqs", "rustcrypto", "pqclean"])
    .known_answers(known_answers)
}
