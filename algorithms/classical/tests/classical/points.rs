//! Private keys and points of P-256, P-384 and brainpoolP512r1 at the limits of what is allowed,
//! for DHKEM and for ECDSA.

use pqfw_framework::kem::KemError;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;

use crate::support::{Scripted, hex, kem, rng, signature};

struct Curve {
    kem: &'static str,
    signature: Option<&'static str>,
    /// SP 800-186 section 3.2.1, RFC 5639 section 3.7.
    order: &'static str,
    p: &'static str,
    /// The point with the smallest x, and of its two y the smaller; found with Python's integers.
    x: u8,
    y: &'static str,
}

const CURVES: [Curve; 3] = [
    Curve {
        kem: "P-256",
        signature: Some("ECDSA-P256"),
        order: "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        p: "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        x: 0,
        y: "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
    },
    Curve {
        kem: "P-384",
        signature: Some("ECDSA-P384"),
        order: "ffffffffffffffffffffffffffffffffffffffffffffffff\
                c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        p: "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
            ffffffff0000000000000000ffffffff",
        x: 0,
        y: "3cf99ef04f51a5ea630ba3f9f960dd593a14c9be39fd2bd215d3b4b08aaaf86b\
            bf927f2c46e52ab06fb742b8850e521e",
    },
    Curve {
        kem: "brainpoolP512r1",
        signature: None,
        order: "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870\
                553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
        p: "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871\
            7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
        x: 3,
        y: "45dd3ad1b6a380eff32bccd947957f3acd60d5a6df18ed9a4d676c1924123576\
            c959ae8473de224ca262d456e8d51f6da36eaae8e3dfc0e914afdb1bc552796",
    },
];

/// The sum of two big-endian numbers of one length; `None` when it needs more bytes.
fn sum(left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut bytes: Vec<u8> = left
        .iter()
        .zip(right)
        .rev()
        .map(|(a, b)| {
            carry += u16::from(*a) + u16::from(*b);
            let [high, low] = carry.to_be_bytes();
            carry = u16::from(high);
            low
        })
        .collect();
    bytes.reverse();
    (carry == 0).then_some(bytes)
}

/// `value` less `less`, which the last byte alone is large enough for.
fn less(value: &[u8], less: u8) -> Vec<u8> {
    let mut value = value.to_vec();
    *value.last_mut().unwrap() -= less;
    value
}

impl Curve {
    fn length(&self) -> usize {
        hex(self.order).len()
    }

    /// The point with the small x: x, then y.
    fn point(&self) -> (Vec<u8>, Vec<u8>) {
        let mut x = vec![0; self.length()];
        *x.last_mut().unwrap() = self.x;
        let digits = 2 * self.length();
        (x, hex(&format!("{:0>digits$}", self.y)))
    }

    /// Every refusal of a public key gives that of its place.
    fn refuses(&self, point: &[u8], why: &str) {
        let kem = kem(self.kem);
        let refused = kem.import_encapsulation_key(point).err();
        assert_eq!(
            refused,
            Some(KemError::EncapsulationKeyInvalid),
            "{}: {why}",
            self.kem
        );
        let key = kem.generate(&mut rng(1)).unwrap();
        let mut secret = vec![7; self.length()];
        let refused = key.decapsulate(point, &mut secret);
        assert_eq!(
            refused,
            Err(KemError::CiphertextInvalid),
            "{}: {why}",
            self.kem
        );
        assert_eq!(secret, vec![7; self.length()], "a refusal writes nothing");
        if let Some(id) = self.signature {
            let refused = signature(id).import_verifying_key(point).err();
            assert_eq!(
                refused,
                Some(SignatureError::VerifyingKeyInvalid),
                "{id}: {why}"
            );
        }
    }
}

fn uncompressed(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

#[test]
fn a_point_is_accepted_in_its_one_encoding() {
    for curve in CURVES {
        let (x, y) = curve.point();
        let point = uncompressed(&x, &y);
        let key = kem(curve.kem).import_encapsulation_key(&point).unwrap();
        assert_eq!(key.to_bytes(), point);
        if let Some(id) = curve.signature {
            let key = signature(id).import_verifying_key(&point).unwrap();
            assert_eq!(key.to_bytes(), point);
        }
        for form in [0, 2, 3, 5, 6, 7, 255] {
            let mut other = point.clone();
            other[0] = form;
            curve.refuses(&other, "uncompressed under another first byte");
        }
        let parity = 2 + (y.last().unwrap() & 1);
        curve.refuses(&[&[parity], &x[..]].concat(), "compressed");
        curve.refuses(&[&[5], &x[..]].concat(), "compact");
        curve.refuses(&[&x[..], &y].concat(), "without the first byte");
        curve.refuses(&[0], "the neutral point");
    }
}

#[test]
fn a_point_off_the_curve_is_refused() {
    for curve in CURVES {
        let (x, y) = curve.point();
        for (what, x, y) in [
            ("another x", less(&hex(curve.p), 1), y.clone()),
            ("another y", x.clone(), less(&y, 1)),
            ("zeros", vec![0; x.len()], vec![0; x.len()]),
            ("x for y", y.clone(), x.clone()),
        ] {
            curve.refuses(&uncompressed(&x, &y), what);
        }
    }
}

#[test]
fn a_ciphertext_with_any_bit_flipped_is_refused() {
    for curve in CURVES {
        let kem = kem(curve.kem);
        let key = kem.generate(&mut rng(1)).unwrap();
        let (x, y) = curve.point();
        let ciphertext = uncompressed(&x, &y);
        let mut secret = vec![0; curve.length()];
        assert_eq!(key.decapsulate(&ciphertext, &mut secret), Ok(()));
        for bit in 0..8 * ciphertext.len() {
            let mut damaged = ciphertext.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let refused = key.decapsulate(&damaged, &mut secret);
            assert_eq!(
                refused,
                Err(KemError::CiphertextInvalid),
                "{}: bit {bit}",
                curve.kem
            );
        }
    }
}

#[test]
fn a_coordinate_of_p_or_more_is_refused() {
    for curve in CURVES {
        let ((x, y), p) = (curve.point(), hex(curve.p));
        let more = sum(&x, &p).unwrap();
        curve.refuses(&uncompressed(&more, &y), "x + p");
        let all = vec![255; x.len()];
        curve.refuses(&uncompressed(&all, &y), "x of all ones");
        curve.refuses(&uncompressed(&x, &all), "y of all ones");
        curve.refuses(&uncompressed(&x, &p), "y = p");
        if let Some(more) = sum(&y, &p) {
            curve.refuses(&uncompressed(&x, &more), "y + p");
        }
    }
    let brainpool = &CURVES[2];
    let fits = sum(&brainpool.point().1, &hex(brainpool.p)).is_some();
    assert!(fits, "one y at least was tried in two encodings");
}

#[test]
fn private_keys_are_the_numbers_from_one_to_the_order_less_one() {
    for curve in CURVES {
        let (length, order) = (curve.length(), hex(curve.order));
        let mut one = vec![0; length];
        one[length - 1] = 1;
        let largest = less(&order, 1);
        for key in [&one, &largest] {
            let form = SecretForm::Expanded(key);
            let imported = kem(curve.kem).import_decapsulation_key(form).unwrap();
            let exported = imported.export(SecretKind::Expanded).unwrap();
            assert_eq!(exported.expose(), key);
            if let Some(id) = curve.signature {
                let imported = signature(id).import_signing_key(form).unwrap();
                let exported = imported.export(SecretKind::Expanded).unwrap();
                assert_eq!(exported.expose(), key);
            }
        }
        let above = sum(&order, &one).unwrap();
        for key in [vec![0; length], order, above, vec![255; length]] {
            let form = SecretForm::Expanded(&key);
            let refused = kem(curve.kem).import_decapsulation_key(form).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
            if let Some(id) = curve.signature {
                let refused = signature(id).import_signing_key(form).err();
                assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
            }
        }
    }
}

#[test]
fn one_and_the_order_less_one_have_opposite_public_keys() {
    for curve in CURVES {
        let mut one = vec![0; curve.length()];
        *one.last_mut().unwrap() = 1;
        let public = |key: &[u8]| {
            let form = SecretForm::Expanded(key);
            let key = kem(curve.kem).import_decapsulation_key(form).unwrap();
            key.encapsulation_key()
        };
        let (plus, minus) = (public(&one), public(&less(&hex(curve.order), 1)));
        let (x, y) = plus.split_at(1 + curve.length());
        assert_eq!(x, &minus[..1 + curve.length()]);
        assert_eq!(
            sum(y, &minus[1 + curve.length()..]),
            Some(hex(curve.p)),
            "{}",
            curve.kem
        );
    }
}

#[test]
fn random_bytes_that_are_no_key_are_drawn_again() {
    for curve in CURVES {
        let mut one = vec![0; curve.length()];
        *one.last_mut().unwrap() = 1;
        let draws = [vec![0; curve.length()], hex(curve.order), one.clone()].concat();
        let key = kem(curve.kem)
            .generate(&mut Scripted(draws.clone()))
            .unwrap();
        assert_eq!(key.export(SecretKind::Expanded).unwrap().expose(), one);
        if let Some(id) = curve.signature {
            let key = signature(id).generate(&mut Scripted(draws)).unwrap();
            assert_eq!(key.export(SecretKind::Expanded).unwrap().expose(), one);
        }
    }
}

#[test]
fn a_generator_that_is_broken_is_an_error_and_no_endless_loop() {
    for curve in CURVES {
        let mut zeros = Scripted(vec![0; curve.length()]);
        let kem = kem(curve.kem);
        let failed = Some(KemError::ProviderFailed);
        assert_eq!(kem.generate(&mut zeros).err(), failed);
        let (x, y) = curve.point();
        let key = kem.import_encapsulation_key(&uncompressed(&x, &y)).unwrap();
        let (mut ciphertext, mut secret) =
            (vec![0; 1 + 2 * curve.length()], vec![0; curve.length()]);
        let outcome = key.encapsulate(&mut zeros, &mut ciphertext, &mut secret);
        assert_eq!(outcome.err(), failed);
        if let Some(id) = curve.signature {
            let outcome = signature(id).generate(&mut zeros).err();
            assert_eq!(outcome, Some(SignatureError::ProviderFailed));
        }
    }
}
