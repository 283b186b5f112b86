//! What liboqs 0.13 recorded at another time: `tests/vectors/liboqs-0.13/primitives.json`.

use pqfw_framework::registry::Code;
use pqfw_framework::secret::SecretForm;
use pqfw_framework::signature::SignatureError;
use serde_json::Value;

use super::{registry, rng};

const PRIMITIVES: &str = include_str!("../../../../tests/vectors/liboqs-0.13/primitives.json");

fn vectors() -> Value {
    serde_json::from_str(PRIMITIVES).unwrap()
}

fn hex(value: &Value) -> Vec<u8> {
    let (pairs, _) = value.as_str().unwrap().as_bytes().as_chunks::<2>();
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.iter().map(|pair| byte(pair)).collect()
}

/// liboqs 0.13 says FrodoKEM to the unsalted form, and writes Kyber without a hyphen.
fn ours(theirs: &str) -> String {
    theirs
        .replace("FrodoKEM", "eFrodoKEM")
        .replace("Kyber", "Kyber-")
}

#[test]
fn every_kem_opens_rejects_and_seals_as_recorded() {
    let (registry, vectors) = (registry(), vectors());
    let kems = vectors["kem"].as_object().unwrap();
    assert_eq!(kems.len(), 10);
    for (theirs, values) in kems {
        let id = ours(theirs);
        let value = |name: &str| hex(&values[name]);
        let Code::Kem(kem) = registry.entries_of(&id)[0].code() else {
            panic!("{id} is no KEM")
        };
        let sk = value("sk");
        let key = kem
            .import_decapsulation_key(SecretForm::Expanded(&sk))
            .unwrap();
        assert_eq!(key.encapsulation_key(), value("pk"), "{id}");
        let (mut ciphertext, mut secret) = (value("ct"), vec![0; value("ss").len()]);
        key.decapsulate(&ciphertext, &mut secret).unwrap();
        assert_eq!(secret, value("ss"), "{id}");
        ciphertext[0] ^= 1;
        key.decapsulate(&ciphertext, &mut secret).unwrap();
        assert_eq!(secret, value("ct_tampered_first_byte_xor_1_ss"), "{id}");
        let public = kem.import_encapsulation_key(&value("pk")).unwrap();
        let mut opened = secret.clone();
        public
            .encapsulate(&mut rng(), &mut ciphertext, &mut secret)
            .unwrap();
        key.decapsulate(&ciphertext, &mut opened).unwrap();
        assert_eq!(opened, secret, "{id}");
    }
}

#[test]
fn every_signature_verifies_as_recorded_and_the_keys_sign() {
    let (registry, vectors) = (registry(), vectors());
    let signatures = vectors["sig"].as_object().unwrap();
    assert_eq!(signatures.len(), 10);
    for (id, values) in signatures {
        let value = |name: &str| hex(&values[name]);
        let Code::Signature(code) = registry.entries_of(id)[0].code() else {
            panic!("{id} is no signature")
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
    }
}
