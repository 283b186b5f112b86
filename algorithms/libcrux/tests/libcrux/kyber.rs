//! Kyber over the ML-KEM of libcrux, and why libcrux's own is not offered.

use libcrux_ml_kem::{kyber512, kyber768, kyber1024};
use pqfw_framework::registry::Registry;
use sha3::digest::ExtendableOutput;
use sha3::{Digest, Sha3_256, Shake256};

use crate::support::{Liboqs, rng};

#[test]
fn kyber_over_libcrux_passes_the_admission_gate() {
    let builder = Registry::builder().with(pqfw_libcrux::plugin());
    let registry = builder.with(pqfw_kyber::plugin()).build().unwrap();
    for level in [512, 768, 1024] {
        let [entry] = registry.entries_of(&format!("Kyber-{level}")) else {
            panic!("one provider")
        };
        assert_eq!(entry.provider().name, "libcrux");
        let outcome = registry.admit(entry, &mut rng(1));
        assert_eq!(outcome, Ok(()), "{}", entry.full_name());
    }
}

/// What libcrux's own Kyber gives for liboqs's ciphertext, and for it with its first bit flipped,
/// beside what liboqs gives, the flipped ciphertext, and z.
macro_rules! secrets {
    ($module:ident, $name:literal) => {{
        let liboqs = Liboqs::new("kem", $name);
        let sk = liboqs.value("sk");
        let key = sk.as_slice().try_into().unwrap();
        let mut ciphertext = liboqs.value("ct");
        let accepted = $module::decapsulate(&key, &ciphertext.as_slice().try_into().unwrap());
        ciphertext[0] ^= 1;
        let rejected = $module::decapsulate(&key, &ciphertext.as_slice().try_into().unwrap());
        assert_eq!(accepted.as_slice(), liboqs.value("ss"));
        let expected = liboqs.value("ct_tampered_first_byte_xor_1_ss");
        (rejected, expected, ciphertext, sk[sk.len() - 32..].to_vec())
    }};
}

fn shake256(input: &[u8]) -> [u8; 32] {
    let mut output = [0; 32];
    Shake256::digest_xof(input, &mut output);
    output
}

#[test]
fn the_kyber_of_libcrux_rejects_with_another_secret_than_round_3() {
    // Should this ever fail, libcrux's own Kyber can be offered.
    for (rejected, expected, ciphertext, z) in [
        secrets!(kyber512, "Kyber512"),
        secrets!(kyber768, "Kyber768"),
        secrets!(kyber1024, "Kyber1024"),
    ] {
        let hash = Sha3_256::digest(&ciphertext);
        assert_eq!(shake256(&[&z[..], &hash].concat()).as_slice(), expected);
        let inner = shake256(&[z, ciphertext].concat());
        assert_eq!(rejected, shake256(&[&inner[..], &hash].concat()));
        assert_ne!(rejected.as_slice(), expected);
    }
}
