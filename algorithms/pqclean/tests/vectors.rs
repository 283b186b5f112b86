//! Agreement with liboqs 0.13, both ways: `tests/vectors/liboqs-0.13/primitives.json`.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::SecretForm;
use pqfw_framework::signature::SignatureError;
use serde_json::Value;

const PRIMITIVES: &str = include_str!("../../../tests/vectors/liboqs-0.13/primitives.json");

/// The names of liboqs, which has FrodoKEM in the unsalted form.
#[cfg(feature = "pqclean")]
const KEMS: [(&str, &str); 7] = [
    ("ML-KEM-512", "ML-KEM-512"),
    ("ML-KEM-768", "ML-KEM-768"),
    ("ML-KEM-1024", "ML-KEM-1024"),
    ("FrodoKEM-640-AES", "eFrodoKEM-640-AES"),
    ("FrodoKEM-640-SHAKE", "eFrodoKEM-640-SHAKE"),
    ("FrodoKEM-976-AES", "eFrodoKEM-976-AES"),
    ("FrodoKEM-1344-AES", "eFrodoKEM-1344-AES"),
];

fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_pqclean::plugin());
    builder.build().unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn vectors() -> Value {
    serde_json::from_str(PRIMITIVES).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let (pairs, _) = value.as_str().unwrap().as_bytes().as_chunks::<2>();
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.iter().map(|pair| byte(pair)).collect()
}

#[cfg(feature = "pqclean")]
#[test]
fn kems_open_what_liboqs_sealed_reject_as_it_does_and_seal_to_its_keys() {
    let (registry, vectors) = (registry(), vectors());
    for (theirs, ours) in KEMS {
        let value = |name: &str| hex(&vectors["kem"][theirs][name]);
        let Code::Kem(kem) = registry.entries_of(ours)[0].code() else {
            panic!("no KEM")
        };
        let sk = value("sk");
        let key = kem
            .import_decapsulation_key(SecretForm::Expanded(&sk))
            .unwrap();
        assert_eq!(key.encapsulation_key(), value("pk"), "{ours}");
        let mut ciphertext = value("ct");
        let mut secret = value("ss");
        secret.fill(0);
        key.decapsulate(&ciphertext, &mut secret).unwrap();
        assert_eq!(secret, value("ss"), "{ours}");
        ciphertext[0] ^= 1;
        key.decapsulate(&ciphertext, &mut secret).unwrap();
        assert_eq!(secret, value("ct_tampered_first_byte_xor_1_ss"), "{ours}");
        let public = kem.import_encapsulation_key(&value("pk")).unwrap();
        let mut opened = secret.clone();
        public
            .encapsulate(&mut rng(), &mut ciphertext, &mut secret)
            .unwrap();
        key.decapsulate(&ciphertext, &mut opened).unwrap();
        assert_eq!(opened, secret, "{ours}");
    }
}

#[test]
fn signatures_of_liboqs_verify_and_its_keys_sign() {
    let (registry, vectors) = (registry(), vectors());
    let mut seen = 0;
    for (id, _) in vectors["sig"].as_object().unwrap() {
        let value = |name: &str| hex(&vectors["sig"][id][name]);
        let Some(entry) = registry.entries().find(|entry| entry.info().id == *id) else {
            continue;
        };
        let Code::Signature(code) = entry.code() else {
            panic!("no signature")
        };
        let key = code.import_verifying_key(&value("pk")).unwrap();
        let (message, signature) = (value("msg"), value("sig"));
        assert_eq!(key.verify(&[&message], b"", &signature), Ok(()), "{id}");
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut damaged = signature.clone();
            damaged[at] ^= 1;
            let verdict = key.verify(&[&message], b"", &damaged);
            assert_eq!(verdict, Err(SignatureError::Rejected), "{id}: {at}");
        }
        let sk = value("sk");
        let signer = code.import_signing_key(SecretForm::Expanded(&sk)).unwrap();
        assert_eq!(signer.verifying_key(), value("pk"), "{id}");
        let signature = signer.sign(&mut rng(), &[b"ours"], b"").unwrap();
        assert_eq!(key.verify(&[b"ours"], b"", &signature), Ok(()), "{id}");
        seen += 1;
    }
    // Four sets of SPHINCS+, and with the feature three levels of ML-DSA; never Dilithium.
    assert_eq!(seen, if cfg!(feature = "pqclean") { 7 } else { 4 });
}
