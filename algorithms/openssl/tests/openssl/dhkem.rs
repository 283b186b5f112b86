//! DHKEM: what is drawn, and what is refused.

use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::secret::{SecretForm, SecretKind};
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::{Stuck, kem, kem_of, rng, unhex};

/// The curves, with the bytes of a scalar and the order of each.
const CURVES: [(&str, usize, &str); 3] = [
    (
        "P-256",
        32,
        "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    ),
    (
        "P-384",
        48,
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
         581a0db248b0a77aecec196accc52973",
    ),
    (
        "brainpoolP512r1",
        64,
        "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870\
         553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069",
    ),
];

fn every_curve(check: impl Fn(&dyn Kem, usize, &[u8])) {
    for (id, length, order) in CURVES {
        check(&*kem(id), length, &unhex(order));
    }
}

fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(kem: &dyn Kem, bytes: &[u8]) -> Result<Box<dyn Decapsulate>, KemError> {
    kem.import_decapsulation_key(SecretForm::Expanded(bytes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn both_sides_agree_and_the_caller_decides_on_what(seed in any::<u64>()) {
        every_curve(|kem, length, _| {
            let run = |seed| {
                let mut random = rng(seed);
                let key = kem.generate(&mut random).unwrap();
                let ek = kem.import_encapsulation_key(&key.encapsulation_key()).unwrap();
                assert_eq!(ek.to_bytes(), key.encapsulation_key());
                let mut ciphertext = vec![0; 1 + 2 * length];
                let (mut sent, mut opened) = (vec![0; length], vec![0; length]);
                ek.encapsulate(&mut random, &mut ciphertext, &mut sent).unwrap();
                let again = import(kem, &expanded(&*key)).unwrap();
                for key in [key, again] {
                    key.decapsulate(&ciphertext, &mut opened).unwrap();
                    assert_eq!(opened, sent);
                }
                (ciphertext, sent)
            };
            assert_eq!(run(seed), run(seed));
            assert_ne!(run(seed), run(seed.wrapping_add(1)));
        });
    }
}

#[test]
fn a_private_key_is_a_scalar_between_zero_and_the_order() {
    every_curve(|kem, length, order| {
        let mut one = vec![0; length];
        one[length - 1] = 1;
        let mut largest = order.to_vec();
        largest[length - 1] -= 1;
        for good in [&one, &largest] {
            assert_eq!(expanded(&*import(kem, good).unwrap()), *good);
        }
        let mut above = order.to_vec();
        above[length - 1] += 1;
        let (zero, ones) = (vec![0; length], vec![0xff; length]);
        for bad in [&zero, order, &above, &ones, &one[1..], &[0, 1]] {
            let refused = import(kem, bad).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        // The points of 1 and of -1 differ in the sign of y alone.
        let [one, minus_one] = [&one, &largest].map(|key| import(kem, key).unwrap());
        let (g, minus_g) = (one.encapsulation_key(), minus_one.encapsulation_key());
        assert_eq!(g[..=length], minus_g[..=length]);
        assert_ne!(g, minus_g);
    });
}

#[test]
fn candidates_out_of_range_are_drawn_again_and_not_for_ever() {
    every_curve(|kem, length, _| {
        let expected = kem.generate(&mut Stuck(0, 0)).unwrap();
        for byte in [0x00, 0xff] {
            let key = kem.generate(&mut Stuck(byte, 3 * length)).unwrap();
            assert_eq!(expanded(&*key), expanded(&*expected));
            let broken = kem.generate(&mut Stuck(byte, usize::MAX)).err();
            assert_eq!(broken, Some(KemError::ProviderFailed));
        }
    });
}

#[test]
fn a_point_that_is_none_is_refused() {
    every_curve(|kem, length, _| {
        let key = kem.generate(&mut rng(1)).unwrap();
        let good = kem.generate(&mut rng(2)).unwrap().encapsulation_key();
        let compressed = [&[2 + (good[2 * length] & 1)], &good[1..=length]].concat();
        let mut hybrid = good.clone();
        hybrid[0] = 6 + (good[2 * length] & 1);
        let mut off_curve = good.clone();
        off_curve[2 * length] ^= 1;
        let mut unreduced = vec![0xff; 1 + 2 * length];
        unreduced[0] = 4;
        let mut origin = vec![0; 1 + 2 * length];
        origin[0] = 4;
        let long = [&good[..], &[0]].concat();
        for bad in [
            &[0][..],
            &[],
            &compressed,
            &hybrid,
            &off_curve,
            &unreduced,
            &origin,
            &good[..2 * length],
            &long,
        ] {
            let refused = kem.import_encapsulation_key(bad).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
            let mut secret = vec![7; length];
            let refused = key.decapsulate(bad, &mut secret);
            assert_eq!(refused, Err(KemError::CiphertextInvalid));
            assert_eq!(secret, vec![7; length], "a refusal writes nothing");
        }
    });
}

#[test]
fn there_is_no_seed_form() {
    for (id, length) in [
        ("X25519", 32),
        ("P-256", 32),
        ("P-384", 48),
        ("brainpoolP512r1", 64),
    ] {
        let kem = kem(id);
        let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
        let seed = vec![1; length];
        let refused = kem.import_decapsulation_key(SecretForm::Seed(&seed)).err();
        assert_eq!(refused, unsupported);
        let key = kem.generate(&mut rng(1)).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
    }
}

#[test]
fn x25519_takes_the_same_random_bytes_to_the_same_place_as_dalek() {
    let dalek = kem_of(pqfw_classical::plugin(), "X25519");
    let run = |kem: &dyn Kem, key: &dyn Decapsulate| {
        let public = kem.import_encapsulation_key(&key.encapsulation_key());
        let (mut ciphertext, mut secret, mut opened) = ([0; 32], [0; 32], [0; 32]);
        public
            .unwrap()
            .encapsulate(&mut rng(2), &mut ciphertext, &mut secret)
            .unwrap();
        key.decapsulate(&ciphertext, &mut opened).unwrap();
        assert_eq!(secret, opened);
        (ciphertext, secret)
    };
    let ours = kem("X25519");
    // A scalar that is not clamped.
    let bytes = [0xbf; 32];
    let [our_key, their_key] = [&ours, &dalek].map(|kem| import(&**kem, &bytes).unwrap());
    assert_eq!(run(&*ours, &*our_key), run(&*dalek, &*their_key));
    assert_eq!(expanded(&*our_key), bytes);
}

#[test]
fn x25519_refuses_points_of_small_order() {
    let kem = kem("X25519");
    let key = kem.generate(&mut rng(1)).unwrap();
    // u = 0, 1, p - 1, p and p + 1 (RFC 7748 section 6.1).
    for (first, others) in [(0, 0), (1, 0), (0xec, 0xff), (0xed, 0xff), (0xee, 0xff)] {
        let mut point = [others; 32];
        (point[0], point[31]) = (first, others & 0x7f);
        let public = kem.import_encapsulation_key(&point).unwrap();
        let refused = public.encapsulate(&mut rng(2), &mut [0; 32], &mut [0; 32]);
        assert_eq!(refused, Err(KemError::EncapsulationKeyInvalid));
        let mut secret = [7; 32];
        let refused = key.decapsulate(&point, &mut secret);
        assert_eq!(refused, Err(KemError::CiphertextInvalid));
        assert_eq!(secret, [7; 32], "a refusal writes nothing");
    }
}

#[test]
fn a_value_of_x25519_of_the_wrong_length_is_an_error_and_no_panic() {
    let kem = kem("X25519");
    let key = kem.generate(&mut rng(1)).unwrap();
    for length in [0, 31, 33] {
        let bytes = vec![1; length];
        let refused = import(&*kem, &bytes).err();
        assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        let refused = kem.import_encapsulation_key(&bytes).err();
        assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
        let refused = key.decapsulate(&bytes, &mut [0; 32]);
        assert_eq!(refused, Err(KemError::CiphertextInvalid));
    }
}
