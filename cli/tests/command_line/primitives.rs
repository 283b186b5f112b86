//! Keys, ciphertexts and signatures in files.

use std::fs;
use std::path::Path;

use crate::support::{Ran, pqfw};

struct Here(tempfile::TempDir);

impl Here {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Words are parted by spaces.
    fn run(&self, line: &str) -> Ran {
        pqfw(self.0.path(), &line.split(' ').collect::<Vec<_>>()).run()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
}

#[test]
fn kem_keys_cross_providers_in_pem_and_raw() {
    for alg in ["ML-KEM-768", "Kyber-768", "X25519"] {
        for raw in ["", " --raw"] {
            let here = Here::new();
            here.run(&format!(
                "kem keygen --alg {alg} --secret sk --public pk{raw}"
            ))
            .ok();
            here.run(&format!(
                "kem encaps --alg {alg} --public pk --ciphertext ct --shared-secret a{raw}"
            ))
            .ok();
            here.run(&format!(
                "kem decaps --alg {alg} --secret sk --ciphertext ct --shared-secret b{raw}"
            ))
            .ok();
            assert_eq!(here.read("a"), here.read("b"), "{alg}{raw}");
            assert_eq!(here.read("a").len(), 32);
            #[cfg(unix)]
            for secret in ["sk", "a", "b"] {
                assert_eq!(mode(&here.0.path().join(secret)), 0o600, "{secret}");
            }
            let pem = String::from_utf8_lossy(&here.read("sk")).contains("BEGIN PRIVATE KEY");
            assert_eq!(pem, raw.is_empty());
        }
    }
}

#[test]
fn a_seed_gives_the_same_key_by_every_provider() {
    let here = Here::new();
    let seed = "07".repeat(64);
    for provider in ["aws-lc", "rustcrypto"] {
        let alg = format!("ML-KEM-512@{provider}");
        let out = format!("--secret {provider}.sk --public {provider}.pk");
        here.run(&format!("kem keygen --alg {alg} --seed {seed} {out}"))
            .ok();
    }
    assert_eq!(here.read("aws-lc.pk"), here.read("rustcrypto.pk"));
    assert_eq!(here.read("aws-lc.sk"), here.read("rustcrypto.sk"));
    here.run(&format!(
        "kem keygen --alg Kyber-512 --seed {seed} --secret s --public p"
    ))
    .fails(2, "not made from a seed");
    here.run("kem keygen --alg ML-KEM-512 --seed 0g --secret s --public p")
        .fails(2, "--seed");
}

#[test]
fn a_private_key_is_not_replaced_by_accident() {
    let here = Here::new();
    let keygen = "sig keygen --alg Ed25519 --secret sk --public pk";
    here.run(keygen).ok();
    let first = here.read("sk");
    here.run(keygen).fails(1, "--force");
    assert_eq!(here.read("sk"), first);
    here.run(&format!("{keygen} --force")).ok();
    assert_ne!(here.read("sk"), first);
}

#[test]
fn signatures_verify_across_providers_and_a_changed_message_is_3() {
    let algorithms = [
        "ML-DSA-65",
        "Ed25519",
        "SLH-DSA-SHA2-128f",
        "SPHINCS+-SHA2-128f-simple",
    ];
    for alg in algorithms {
        let here = Here::new();
        here.write("m", b"message");
        here.run(&format!("sig keygen --alg {alg} --secret sk --public pk"))
            .ok();
        here.run(&format!(
            "sig sign --alg {alg} --secret sk --in m --signature s"
        ))
        .ok();
        let verify = format!("sig verify --alg {alg} --public pk --in m --signature s");
        here.run(&verify).ok();
        here.write("m", b"messagE");
        here.run(&verify).fails(3, "the signature does not verify");
    }
}

#[test]
fn a_context_needs_a_provider_that_takes_one() {
    let here = Here::new();
    here.write("m", b"message");
    here.run("sig keygen --alg ML-DSA-44 --secret sk --public pk")
        .ok();
    let sign = "--secret sk --in m --signature s --context c0ffee";
    here.run(&format!("sig sign --alg ML-DSA-44@rustcrypto {sign}"))
        .ok();
    here.run(
        "sig verify --alg ML-DSA-44@rustcrypto --public pk --in m --signature s --context c0ffee",
    )
    .ok();
    here.run("sig verify --alg ML-DSA-44 --public pk --in m --signature s")
        .fails(3, "verify");
    here.run(&format!("sig sign --alg ML-DSA-44@aws-lc {sign}"))
        .fails(1, "choose a provider");
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let here = Here::new();
    here.run("kem keygen --alg Kyber-768 --secret sk --public pk")
        .ok();
    here.run("kem encaps --alg ML-KEM-768 --public pk --ciphertext c --shared-secret s")
        .fails(1, "the file holds a key with the identifier");
    here.run("kem decaps --alg ML-KEM-768 --secret sk --ciphertext pk --shared-secret s")
        .fails(1, "identifier");
    here.write("junk", b"junk");
    here.run("kem encaps --alg ML-KEM-768 --public junk --ciphertext c --shared-secret s")
        .fails(1, "not a PEM file");
    here.run("kem encaps --alg ML-KEM-768 --raw --public junk --ciphertext c --shared-secret s")
        .fails(1, "4 bytes, expected 1184");
}

#[test]
fn what_is_sealed_opens_and_what_was_changed_is_3() {
    for alg in ["AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305@rustcrypto"] {
        let here = Here::new();
        here.write("k", &vec![7; if alg == "AES-128-GCM" { 16 } else { 32 }]);
        here.write("m", b"message");
        here.write("aad", b"aad");
        let options = format!("--alg {alg} --key k --nonce 000102030405060708090a0b --aad aad");
        here.run(&format!("aead seal {options} --in m --out sealed"))
            .ok();
        here.run(&format!("aead open {options} --in sealed --out opened"))
            .ok();
        assert_eq!(here.read("opened"), b"message");
        here.write("aad", b"aae");
        here.run(&format!("aead open {options} --in sealed --out again"))
            .fails(3, "authenticate");
        assert!(!here.0.path().join("again").exists());
        here.write("k", b"short");
        here.run(&format!("aead open {options} --in sealed --out again"))
            .fails(2, "5 bytes");
    }
}
