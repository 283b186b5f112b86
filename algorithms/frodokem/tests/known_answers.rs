//! FrodoKEM against the gate, the official test vectors and liboqs.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use pqfw_framework::catalogue::Kat;
use pqfw_framework::provider::{ConstantTime, Randomness};
use serde_json::Value;
use support::{
    Scripted, all, decapsulate, encapsulate, entry, expanded, import, kem, public, registry, rng,
    unsalted,
};

#[test]
fn every_algorithm_passes_the_admission_gate() {
    let registry = registry();
    assert_eq!(registry.entries().count(), 12);
    for id in all() {
        let entry = entry(&registry, &id);
        assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()), "{id}");
        assert_eq!(entry.provider().name, "rustcrypto");
        assert_eq!(entry.provider().randomness, Randomness::Injected);
        assert_eq!(entry.provider().constant_time, ConstantTime::Unclaimed);
    }
}

#[test]
fn what_the_official_vectors_draw_gives_their_keys_ciphertexts_and_secrets() {
    let registry = registry();
    for id in all() {
        let answers = Kat::parse(&entry(&registry, &id).info().known_answers).unwrap();
        let [case] = &answers.cases[..] else {
            panic!("{id} has one case")
        };
        let value = |name| case.value(name).unwrap();
        let (kem, sizes) = kem(&id);
        let mut coins = Scripted(value("keygen_coins").to_vec());
        let key = kem.generate(&mut coins).unwrap();
        assert!(coins.0.is_empty(), "{id}");
        assert!(expanded(&*key) == value("dk"), "{id}");
        let mut coins = Scripted(value("encaps_coins").to_vec());
        let made = encapsulate(&*public(&*kem, &*key), &mut coins, &sizes);
        assert!(coins.0.is_empty(), "{id}");
        assert!(made == (value("ct").to_vec(), value("ss").to_vec()), "{id}");
    }
}

#[test]
fn what_liboqs_encapsulated_is_opened_and_what_it_rejects_is_rejected_alike() {
    let vectors: Value = serde_json::from_str(include_str!(
        "../../../tests/vectors/liboqs-0.13/primitives.json"
    ))
    .unwrap();
    for set in ["640-AES", "640-SHAKE", "976-AES", "1344-AES"] {
        let case = &vectors["kem"][format!("FrodoKEM-{set}")];
        let value = |name: &str| hex(case[name].as_str().unwrap());
        let (kem, sizes) = kem(&unsalted(set));
        let key = import(&*kem, &value("sk"));
        assert!(key.encapsulation_key() == value("pk"), "{set}");
        let mut ciphertext = value("ct");
        assert_eq!(
            decapsulate(&*key, &ciphertext, &sizes),
            value("ss"),
            "{set}"
        );
        ciphertext[0] ^= 1;
        let rejected = value("ct_tampered_first_byte_xor_1_ss");
        assert_eq!(decapsulate(&*key, &ciphertext, &sizes), rejected, "{set}");
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
