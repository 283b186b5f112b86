//! What is checked of Falcon's keys, and the forms of its signatures.

use pqfw_framework::signature::SignatureError;
use proptest::prelude::*;

use super::{expanded, import, rng, signature};

/// With the length of a signature that is filled up.
const IDS: [(&str, usize); 2] = [("Falcon-512", 666), ("Falcon-1024", 1280)];

#[test]
fn damage_to_a_private_key_is_found() {
    for (id, _) in IDS {
        let (code, sizes) = signature(id);
        let bytes = expanded(&*code.generate(&mut rng()).unwrap());
        // The head, and f, g and F where they begin and end.
        let f = (sizes.signing_key - 1 - capital_f(sizes.signing_key)) / 2;
        for at in [0, 1, f, f + 1, 2 * f, 2 * f + 1, sizes.signing_key - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let refused = import(&*code, &damaged).err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "{id}: {at}"
            );
        }
    }
}

/// Bytes of F: one a coefficient.
fn capital_f(signing_key: usize) -> usize {
    if signing_key == 1281 { 512 } else { 1024 }
}

#[test]
fn a_public_key_with_another_head_or_an_unreduced_coefficient_is_refused() {
    for (id, _) in IDS {
        let (code, _) = signature(id);
        let public = code.generate(&mut rng()).unwrap().verifying_key();
        assert!(code.import_verifying_key(&public).is_ok(), "{id}");
        let last = public.len() - 1;
        for (at, bytes) in [(0, [0x19, 0]), (1, [0xff, 0xff]), (last - 1, [0xff, 0xff])] {
            let mut damaged = public.clone();
            damaged[at..at + 2].copy_from_slice(&bytes);
            let refused = code.import_verifying_key(&damaged).err();
            assert_eq!(
                refused,
                Some(SignatureError::VerifyingKeyInvalid),
                "{id}: {at}"
            );
        }
    }
}

#[test]
fn signatures_vary_in_length_and_verify_filled_up_to_the_padded_one_alone() {
    for (id, padded) in IDS {
        let (code, sizes) = signature(id);
        let signer = code.generate(&mut rng()).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let made = loop {
            let made = signer.sign(&mut rng(), &[b"m"], b"").unwrap();
            assert!(made.len() <= sizes.signature, "{id}");
            if made.len() < padded - 1 {
                break made;
            }
        };
        let mut filled = made.clone();
        filled.resize(padded - 1, 0);
        let rejected = Err(SignatureError::Rejected);
        assert_eq!(key.verify(&[b"m"], b"", &filled), rejected, "{id}");
        filled.push(0);
        assert_eq!(key.verify(&[b"m"], b"", &filled), Ok(()), "{id}");
        filled[padded - 1] = 1;
        assert_eq!(key.verify(&[b"m"], b"", &filled), rejected, "{id}");
    }
}

#[test]
fn a_key_that_is_no_basis_of_the_lattice_is_refused() {
    for (id, _) in IDS {
        let (code, sizes) = signature(id);
        let mut secret = vec![0; sizes.signing_key];
        // f is 1 and the rest 0: G = g·F/f is short, but f·G − g·F is 0.
        let (head, one) = if id == "Falcon-512" {
            (0x59, 1 << 2)
        } else {
            (0x5a, 1 << 3)
        };
        (secret[0], secret[1]) = (head, one);
        let refused = import(&*code, &secret).err();
        assert_eq!(refused, Some(SignatureError::SigningKeyInvalid), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_of_the_right_length_make_an_import_panic(fill: u8, damage in prop::collection::vec(any::<u8>(), 64)) {
        for (id, _) in IDS {
            let (code, sizes) = signature(id);
            let mut secret = vec![fill; sizes.signing_key];
            secret[1..65].copy_from_slice(&damage);
            let mut public = vec![fill; sizes.verifying_key];
            public[1..65].copy_from_slice(&damage);
            // The head of the degree, so that the rest is read.
            let log_n = if id == "Falcon-512" { 9 } else { 10 };
            (secret[0], public[0]) = (0x50 + log_n, log_n);
            prop_assert!(import(&*code, &secret).is_err());
            if let Ok(key) = code.import_verifying_key(&public) {
                prop_assert_eq!(key.to_bytes(), public);
            }
        }
    }
}
