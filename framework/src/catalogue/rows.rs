//! The built-in rows. Numbers are the specifications'; the order of providers is measured
//! (`docs/benchmarks.md`), and never prefers speed to a stronger constant-time claim.

use super::{
    AeadLimits, AeadSizes, AlgorithmInfo, HashSizes, KdfSizes, KemSizes, PrivateKeyEncoding,
    SignatureSizes, Sizes, Status,
};

/// Every row that the framework brings.
#[must_use]
pub fn builtin() -> Vec<AlgorithmInfo> {
    let mut rows = Vec::new();
    rows.extend(ml_kem());
    rows.extend(kyber());
    rows.push(x25519());
    rows.extend(ml_dsa());
    rows.push(slh_dsa_sha2_128f());
    rows.push(sphincs_plus_sha2_128f_simple());
    rows.push(ed25519());
    rows.extend(aeads());
    rows.extend(kdfs());
    rows.extend(hashes());
    rows
}

/// FIPS 203 table 3; identifiers from RFC 9935; groups from the IANA TLS registry.
fn ml_kem() -> [AlgorithmInfo; 3] {
    let row = |level: u16, k: usize, ciphertext, category, oid, tls, kat| {
        let sizes = KemSizes {
            seed: Some(64),
            encapsulation_key: 384 * k + 32,
            decapsulation_key: 768 * k + 96,
            ciphertext,
            shared_secret: 32,
        };
        AlgorithmInfo::new(&format!("ML-KEM-{level}"), Sizes::Kem(sizes), "FIPS 203")
            .alias(&format!("MLKEM{level}"))
            .not(
                &format!("Kyber-{level}"),
                "round 3 hashes the ciphertext into the secret: same lengths, other secrets",
            )
            .oid(oid)
            .private_key_encoding(PrivateKeyEncoding::SeedOrExpanded)
            .tls(tls)
            .category(category)
            .status(Status::Standard)
            .claims(&["IND-CCA2", "C2PRI"])
            .providers(&["aws-lc", "rustcrypto"])
            .known_answers(kat)
    };
    [
        row(
            512,
            2,
            768,
            1,
            "2.16.840.1.101.3.4.4.1",
            0x0200,
            include_str!("kats/ml-kem-512.kat"),
        ),
        row(
            768,
            3,
            1088,
            3,
            "2.16.840.1.101.3.4.4.2",
            0x0201,
            include_str!("kats/ml-kem-768.kat"),
        ),
        row(
            1024,
            4,
            1568,
            5,
            "2.16.840.1.101.3.4.4.3",
            0x0202,
            include_str!("kats/ml-kem-1024.kat"),
        ),
    ]
}

/// CRYSTALS-Kyber, submission to round 3 of the NIST process, 4 August 2021. The identifiers are
/// private ones, as the Open Quantum Safe provider for OpenSSL uses them.
fn kyber() -> [AlgorithmInfo; 3] {
    let row = |level: u16, k: usize, ciphertext, category, oid, kat| {
        let sizes = KemSizes {
            seed: None,
            encapsulation_key: 384 * k + 32,
            decapsulation_key: 768 * k + 96,
            ciphertext,
            shared_secret: 32,
        };
        AlgorithmInfo::new(
            &format!("Kyber-{level}"),
            Sizes::Kem(sizes),
            "CRYSTALS-Kyber round 3",
        )
        .alias(&format!("Kyber{level}"))
        .alias(&format!("Kyber-{level}-r3"))
        .not(
            &format!("ML-KEM-{level}"),
            "FIPS 203 dropped the hash of the ciphertext: same lengths, other secrets",
        )
        .oid(oid)
        .category(category)
        .status(Status::Legacy)
        .claims(&["IND-CCA2"])
        .providers(&["aws-lc", "rustcrypto"])
        .known_answers(kat)
    };
    [
        row(
            512,
            2,
            768,
            1,
            "1.3.6.1.4.1.22554.5.6.1",
            include_str!("kats/kyber-512.kat"),
        ),
        row(
            768,
            3,
            1088,
            3,
            "1.3.6.1.4.1.22554.5.6.2",
            include_str!("kats/kyber-768.kat"),
        ),
        row(
            1024,
            4,
            1568,
            5,
            "1.3.6.1.4.1.22554.5.6.3",
            include_str!("kats/kyber-1024.kat"),
        ),
    ]
}

/// DHKEM(X25519, HKDF-SHA256) of RFC 9180 section 4.1; keys of RFC 8410.
fn x25519() -> AlgorithmInfo {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: 32,
        decapsulation_key: 32,
        ciphertext: 32,
        shared_secret: 32,
    };
    AlgorithmInfo::new(
        "X25519",
        Sizes::Kem(sizes),
        "RFC 9180 DHKEM(X25519, HKDF-SHA256)",
    )
    .alias("DHKEM-X25519-HKDF-SHA256")
    .oid("1.3.101.110")
    .private_key_encoding(PrivateKeyEncoding::CurvePrivateKey)
    .status(Status::Standard)
    .claims(&["IND-CCA2"])
    .providers(&["aws-lc", "dalek"])
    .known_answers(include_str!("kats/x25519.kat"))
}

/// FIPS 204 table 2; identifiers from RFC 9881; schemes from the IANA TLS registry.
fn ml_dsa() -> [AlgorithmInfo; 3] {
    let row = |level: u8, vk, sk, signature, category, oid, tls, kat| {
        let sizes = SignatureSizes {
            seed: Some(32),
            verifying_key: vk,
            signing_key: sk,
            signature,
            context: true,
        };
        let dilithium = match level {
            44 => "Dilithium2",
            65 => "Dilithium3",
            _ => "Dilithium5",
        };
        AlgorithmInfo::new(
            &format!("ML-DSA-{level}"),
            Sizes::Signature(sizes),
            "FIPS 204",
        )
        .alias(&format!("MLDSA{level}"))
        .not(
            dilithium,
            "round 3 signs without a context prefix: neither verifies the other",
        )
        .oid(oid)
        .private_key_encoding(PrivateKeyEncoding::SeedOrExpanded)
        .tls(tls)
        .category(category)
        .status(Status::Standard)
        .claims(&["SUF-CMA"])
        .providers(&["aws-lc", "rustcrypto"])
        .known_answers(kat)
    };
    [
        row(
            44,
            1312,
            2560,
            2420,
            2,
            "2.16.840.1.101.3.4.3.17",
            0x0904,
            include_str!("kats/ml-dsa-44.kat"),
        ),
        row(
            65,
            1952,
            4032,
            3309,
            3,
            "2.16.840.1.101.3.4.3.18",
            0x0905,
            include_str!("kats/ml-dsa-65.kat"),
        ),
        row(
            87,
            2592,
            4896,
            4627,
            5,
            "2.16.840.1.101.3.4.3.19",
            0x0906,
            include_str!("kats/ml-dsa-87.kat"),
        ),
    ]
}

/// FIPS 205 table 2; identifier from RFC 9909.
fn slh_dsa_sha2_128f() -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: None,
        verifying_key: 32,
        signing_key: 64,
        signature: 17_088,
        context: true,
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
        .known_answers(include_str!("kats/slh-dsa-sha2-128f.kat"))
        .slow()
}

/// SPHINCS+ submission to round 3.1 of the NIST process, 10 June 2022. The identifier is the
/// private one of the Open Quantum Safe provider for OpenSSL.
fn sphincs_plus_sha2_128f_simple() -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: None,
        verifying_key: 32,
        signing_key: 64,
        signature: 17_088,
        context: false,
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
    .known_answers(include_str!("kats/sphincs+-sha2-128f-simple.kat"))
    .slow()
}

/// RFC 8032 section 5.1; keys of RFC 8410.
fn ed25519() -> AlgorithmInfo {
    let sizes = SignatureSizes {
        seed: Some(32),
        verifying_key: 32,
        signing_key: 32,
        signature: 64,
        context: false,
    };
    AlgorithmInfo::new("Ed25519", Sizes::Signature(sizes), "RFC 8032")
        .oid("1.3.101.112")
        .private_key_encoding(PrivateKeyEncoding::CurvePrivateKey)
        .tls(0x0807)
        .status(Status::Standard)
        .claims(&["SUF-CMA"])
        .providers(&["aws-lc", "dalek"])
        .known_answers(include_str!("kats/ed25519.kat"))
}

/// SP 800-38D sections 5.2.1.1 and 8.3; RFC 8439 section 2.8; RFC 9001 section 6.6.
fn aeads() -> [AlgorithmInfo; 3] {
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
    [
        row(
            "AES-128-GCM",
            gcm(16),
            "SP 800-38D",
            "A128GCM",
            include_str!("kats/aes-128-gcm.kat"),
        )
        .category(1),
        row(
            "AES-256-GCM",
            gcm(32),
            "SP 800-38D",
            "A256GCM",
            include_str!("kats/aes-256-gcm.kat"),
        )
        .category(5),
        row(
            "ChaCha20-Poly1305",
            chacha,
            "RFC 8439",
            "C20P",
            include_str!("kats/chacha20-poly1305.kat"),
        )
        .category(5),
    ]
}

/// RFC 5869.
fn kdfs() -> [AlgorithmInfo; 3] {
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
    [
        row("SHA256", 32, 5, include_str!("kats/hkdf-sha256.kat")),
        row("SHA384", 48, 5, include_str!("kats/hkdf-sha384.kat")),
        row("SHA512", 64, 5, include_str!("kats/hkdf-sha512.kat")),
    ]
}

/// FIPS 180-4 and FIPS 202; categories as NIST IR 8547 and SP 800-57 count collisions.
fn hashes() -> [AlgorithmInfo; 8] {
    let row = |id: &str, sizes, category, specification: &str, kat: &str| {
        AlgorithmInfo::new(id, Sizes::Hash(sizes), specification)
            .category(category)
            .status(Status::Standard)
            .claims(&["collision-resistant"])
            .providers(&["rustcrypto", "aws-lc"])
            .known_answers(kat)
    };
    let fixed = |digest, block| HashSizes {
        digest,
        block,
        extendable: false,
    };
    let xof = |digest, block| HashSizes {
        digest,
        block,
        extendable: true,
    };
    [
        row(
            "SHA-256",
            fixed(32, 64),
            2,
            "FIPS 180-4",
            include_str!("kats/sha-256.kat"),
        ),
        row(
            "SHA-384",
            fixed(48, 128),
            4,
            "FIPS 180-4",
            include_str!("kats/sha-384.kat"),
        ),
        row(
            "SHA-512",
            fixed(64, 128),
            5,
            "FIPS 180-4",
            include_str!("kats/sha-512.kat"),
        ),
        row(
            "SHA3-256",
            fixed(32, 136),
            2,
            "FIPS 202",
            include_str!("kats/sha3-256.kat"),
        ),
        row(
            "SHA3-384",
            fixed(48, 104),
            4,
            "FIPS 202",
            include_str!("kats/sha3-384.kat"),
        ),
        row(
            "SHA3-512",
            fixed(64, 72),
            5,
            "FIPS 202",
            include_str!("kats/sha3-512.kat"),
        ),
        row(
            "SHAKE128",
            xof(32, 168),
            2,
            "FIPS 202",
            include_str!("kats/shake128.kat"),
        ),
        row(
            "SHAKE256",
            xof(64, 136),
            5,
            "FIPS 202",
            include_str!("kats/shake256.kat"),
        ),
    ]
}
