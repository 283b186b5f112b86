//! ECDSA: the answers of RFC 6979, and what is refused.

use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Signature, SignatureError};

use crate::support::{rng, signature, unhex};

const REJECTED: Result<(), SignatureError> = Err(SignatureError::Rejected);

/// RFC 6979, Appendices A.2.5 and A.2.6, message "sample" with SHA-256 and SHA-384: x, Ux, Uy, r
/// and s.
const RFC_6979: [(&str, [&str; 5]); 2] = [
    (
        "ECDSA-P256",
        [
            "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        ],
    ),
    (
        "ECDSA-P384",
        [
            "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d8\
             96d5724e4c70a825f872c9ea60d2edf5",
            "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64\
             def8f0ea9055866064a254515480bc13",
            "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1\
             288b231c3ae0d4fe7344fd2533264720",
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c\
             81a648152e44acf96e36dd1e80fabe46",
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f\
             a329c145786e679e7b82c71a38628ac8",
        ],
    ),
];

fn every_curve(check: impl Fn(&dyn Signature, [Vec<u8>; 5])) {
    for (id, values) in RFC_6979 {
        check(&*signature(id), values.map(unhex));
    }
}

/// `INTEGER` of a number whose highest bit is set.
fn integer(number: &[u8]) -> Vec<u8> {
    let length = u8::try_from(number.len() + 1).unwrap();
    [&[2, length, 0], number].concat()
}

/// `SEQUENCE { r, s }`, with the length in the shortest form or in the next.
fn sequence(r: &[u8], s: &[u8], long: bool) -> Vec<u8> {
    let body = [r, s].concat();
    let length = u8::try_from(body.len()).unwrap();
    let header = if long {
        vec![0x30, 0x81, length]
    } else {
        vec![0x30, length]
    };
    [header, body].concat()
}

#[test]
fn it_gives_the_deterministic_signatures_of_rfc_6979() {
    every_curve(|code, [x, ux, uy, r, s]| {
        let key = code.import_signing_key(SecretForm::Expanded(&x)).unwrap();
        assert_eq!(key.verifying_key(), [&[4], &ux[..], &uy].concat());
        let signature = key.sign(&mut rng(1), &[b"sam", b"", b"ple"], b"").unwrap();
        assert_eq!(signature, sequence(&integer(&r), &integer(&s), false));
        let verifier = code.import_verifying_key(&key.verifying_key()).unwrap();
        assert_eq!(verifier.to_bytes(), key.verifying_key());
        assert_eq!(verifier.verify(&[b"sample"], b"", &signature), Ok(()));
        assert_eq!(verifier.verify(&[b"samplE"], b"", &signature), REJECTED);
        assert_eq!(key.export(SecretKind::Expanded).unwrap().expose(), x);
    });
}

#[test]
fn only_the_der_of_a_signature_is_accepted() {
    every_curve(|code, [_, ux, uy, r, s]| {
        let key = code
            .import_verifying_key(&[&[4], &ux[..], &uy].concat())
            .unwrap();
        let (r_der, s_der) = (integer(&r), integer(&s));
        let good = sequence(&r_der, &s_der, false);
        assert_eq!(key.verify(&[b"sample"], b"", &good), Ok(()));
        let long_length = sequence(&r_der, &s_der, true);
        let negative = sequence(&[&[2, r_der[1] - 1], &r[..]].concat(), &s_der, false);
        let padded = sequence(&[&[2, r_der[1] + 1, 0, 0], &r[..]].concat(), &s_der, false);
        let trailing = [&good[..], &[0]].concat();
        let zero = sequence(&[2, 1, 0], &[2, 1, 0], false);
        let swapped = sequence(&s_der, &r_der, false);
        for bad in [
            &b""[..],
            &good[1..],
            &good[..good.len() - 1],
            &[&r[..], &s].concat(),
            &long_length,
            &negative,
            &padded,
            &trailing,
            &zero,
            &swapped,
        ] {
            assert_eq!(key.verify(&[b"sample"], b"", bad), REJECTED);
        }
    });
}

#[test]
fn keys_that_are_none_are_refused() {
    every_curve(|code, [x, ux, uy, _, _]| {
        let length = x.len();
        for bad in [vec![0; length], vec![0xff; length], x[1..].to_vec(), vec![]] {
            let refused = code.import_signing_key(SecretForm::Expanded(&bad)).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        let refused = code.import_signing_key(SecretForm::Seed(&x)).err();
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(refused, Some(unsupported.clone()));
        let key = code.generate(&mut rng(1)).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), Some(unsupported));
        let compressed = [&[2 + (uy[length - 1] & 1)], &ux[..]].concat();
        let off_curve = [&[4], &ux[..], &ux].concat();
        for bad in [compressed, off_curve, vec![0], vec![]] {
            let refused = code.import_verifying_key(&bad).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    });
}

#[test]
fn there_is_no_context() {
    every_curve(|code, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        assert_eq!(key.verify(&[b"m"], b"", &signature), Ok(()));
        let unsupported = SignatureError::ContextUnsupported;
        let refused = signer.sign(&mut rng(2), &[b"m"], b"c");
        assert_eq!(refused, Err(unsupported.clone()));
        assert_eq!(key.verify(&[b"m"], b"c", &signature), Err(unsupported));
    });
}
