//! Authenticated encryption.

use crate::catalogue::{AeadLimits, AeadSizes, AlgorithmInfo, Sizes, Status};

/// SP 800-38D sections 5.2.1.1 and 8.3; RFC 8439 section 2.8; RFC 9001 section 6.6.
pub(super) fn rows() -> Vec<AlgorithmInfo> {
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
