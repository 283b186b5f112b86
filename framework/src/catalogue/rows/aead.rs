//! Authenticated encryption.

use crate::catalogue::{AeadLimits, AeadSizes, AlgorithmInfo, Sizes, Status};

/// SP 800-38D sections 5.2.1.1 and 8.3; RFC 8439 section 2.8; RFC 9001 section 6.6.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
    [common(), misuse_resistant(), vec![ascon()]].concat()
}

/// AES-GCM and ChaCha20-Poly1305.
fn common() -> Vec<AlgorithmInfo> {
    let gcm = |key| AeadSizes {
        key,
        nonce: 12,
        tag: 16,
        limits: AeadLimits {
            sealed_messages: 1 << 32,
            failed_opens: 1 << 52,
            message_bytes: (1 << 36) - 32,
            source: "SP 800-38D sections 5.2.1.1 and 8.3; RFC 9001 section 6.6",
        },
    };
    let chacha = AeadSizes {
        key: 32,
        nonce: 12,
        tag: 16,
        limits: AeadLimits {
            // 96-bit random nonces meet with probability 2^-32 after 2^32 messages.
            sealed_messages: 1 << 32,
            failed_opens: 1 << 36,
            message_bytes: (1 << 38) - 64,
            source: "RFC 8439 section 2.8; RFC 9001 section 6.6",
        },
    };
    let row = |id: &str, sizes, specification: &str, alias: &str, kat: &str| {
        AlgorithmInfo::new(id, Sizes::Aead(sizes), specification)
            .alias(alias)
            .status(Status::Standard)
            .claims(&["IND-CCA2", "INT-CTXT"])
            .providers(&["aws-lc", "rustcrypto"])
            .known_answers(kat)
    };
    vec![
        row(
            "AES-128-GCM",
            gcm(16),
            "SP 800-38D",
            "A128GCM",
            include_str!("../kats/aes-128-gcm.kat"),
        )
        .category(1),
        row(
            "AES-256-GCM",
            gcm(32),
            "SP 800-38D",
            "A256GCM",
            include_str!("../kats/aes-256-gcm.kat"),
        )
        .category(5),
        row(
            "ChaCha20-Poly1305",
            chacha,
            "RFC 8439",
            "C20P",
            include_str!("../kats/chacha20-poly1305.kat"),
        )
        .category(5),
    ]
}

/// RFC 8452. Section 6 bounds what one key may do by key and message counts; the limit on messages
/// here is the one of random nonces and stricter than its tables.
fn misuse_resistant() -> Vec<AlgorithmInfo> {
    let row = |bits: u16, category, kat| {
        let sizes = AeadSizes {
            key: usize::from(bits / 8),
            nonce: 12,
            tag: 16,
            limits: AeadLimits {
                sealed_messages: 1 << 32,
                failed_opens: 1 << 36,
                message_bytes: 1 << 36,
                source: "RFC 8452 sections 4 and 6",
            },
        };
        AlgorithmInfo::new(
            &format!("AES-{bits}-GCM-SIV"),
            Sizes::Aead(sizes),
            "RFC 8452",
        )
        .not(
            &format!("AES-{bits}-GCM"),
            "derives its keys from the nonce and survives a repeated one: other ciphertexts",
        )
        .category(category)
        .status(Status::Standard)
        .claims(&["IND-CCA2", "INT-CTXT", "nonce-misuse resistant"])
        .providers(&["aws-lc", "rustcrypto"])
        .known_answers(kat)
    };
    vec![
        row(128, 1, include_str!("../kats/aes-128-gcm-siv.kat")),
        row(256, 5, include_str!("../kats/aes-256-gcm-siv.kat")),
    ]
}

/// SP 800-232 section 4. One key may process 2^54 bytes in all, so the limits below, taken
/// together, stay under that: 2^30 messages sealed and as many refused, of 2^23 bytes each.
fn ascon() -> AlgorithmInfo {
    let sizes = AeadSizes {
        key: 16,
        nonce: 16,
        tag: 16,
        limits: AeadLimits {
            sealed_messages: 1 << 30,
            failed_opens: 1 << 30,
            message_bytes: 1 << 23,
            source: "SP 800-232 section 4.2",
        },
    };
    AlgorithmInfo::new("Ascon-AEAD128", Sizes::Aead(sizes), "SP 800-232")
        .not(
            "Ascon-128a",
            "the submission to the NIST process, with another initial value and byte order",
        )
        .category(1)
        .status(Status::Standard)
        .claims(&["IND-CCA2", "INT-CTXT"])
        .providers(&["rustcrypto"])
        .known_answers(include_str!("../kats/ascon-aead128.kat"))
}
