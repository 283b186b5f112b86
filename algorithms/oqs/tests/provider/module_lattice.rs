//! What is checked of a private key of ML-DSA and Dilithium, whose public key is computed here.

use pqfw_framework::signature::SignatureError;
use proptest::prelude::*;

use super::{expanded, import, rng, signature};

/// With the bytes of tr.
const IDS: [(&str, usize); 6] = [
    ("ML-DSA-44", 64),
    ("ML-DSA-65", 64),
    ("ML-DSA-87", 64),
    ("Dilithium2", 32),
    ("Dilithium3", 32),
    ("Dilithium5", 32),
];
/// Bytes of rho and K, which stand before tr.
const RHO_AND_K: usize = 64;

fn assert_refused(id: &str, at: usize, change: impl Fn(u8) -> u8) {
    let (code, _) = signature(id);
    let mut bytes = expanded(&*code.generate(&mut rng()).unwrap());
    bytes[at] = change(bytes[at]);
    let refused = import(&*code, &bytes).err();
    assert_eq!(
        refused,
        Some(SignatureError::SigningKeyInvalid),
        "{id}: {at}"
    );
}

#[test]
fn damage_to_rho_tr_or_s1_is_found() {
    for (id, tr) in IDS {
        for at in [0, 31, RHO_AND_K, RHO_AND_K + tr - 1] {
            assert_refused(id, at, |byte| byte ^ 1);
        }
        // Coefficients of s1, to others in range.
        assert_refused(id, RHO_AND_K + tr, |byte| if byte == 0 { 0x11 } else { 0 });
    }
}

#[test]
fn a_coefficient_out_of_range_is_refused_and_does_not_panic() {
    for (id, tr) in IDS {
        let (_, sizes) = signature(id);
        // t0 is 13 bits of each coefficient, where the public key has 10.
        let t0 = sizes.signing_key - (sizes.verifying_key - 32) / 10 * 13;
        for at in [RHO_AND_K + tr, t0 - 1] {
            assert_refused(id, at, |_| 0xff);
        }
    }
}

#[test]
fn dilithium_and_ml_dsa_of_a_level_reject_each_other() {
    for (ours, theirs) in [("Dilithium2", "ML-DSA-44"), ("ML-DSA-44", "Dilithium2")] {
        let (code, _) = signature(ours);
        let signer = code.generate(&mut rng()).unwrap();
        let made = signer.sign(&mut rng(), &[b"m"], b"").unwrap();
        let (code, _) = signature(theirs);
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let verdict = key.verify(&[b"m"], b"", &made);
        assert_eq!(verdict, Err(SignatureError::Rejected), "{ours} to {theirs}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_damaged_key_is_refused_or_works_and_never_panics(
        which in 0..IDS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (code, _) = signature(IDS[which].0);
        let mut bytes = expanded(&*code.generate(&mut rng()).unwrap());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(key) = import(&*code, &bytes) {
            prop_assert_eq!(expanded(&*key), bytes);
            prop_assert!(key.sign(&mut rng(), &[b"m"], b"").is_ok());
        }
    }
}
