//! The curve against RFC 5639 and RFC 7027, and the laws of a group.

use elliptic_curve::group::Group as _;
use elliptic_curve::ops::MulVartime as _;
use elliptic_curve::{Generate as _, PrimeField};
use primeorder::{AffinePoint, PrimeCurveParams, ProjectivePoint};

use super::scalar::Scalar;
use super::*;
use crate::dhkem::Group;
use crate::weierstrass::Weierstrass;

type BrainpoolP512 = Weierstrass<BrainpoolP512t1>;
type Point = ProjectivePoint<BrainpoolP512t1>;

fn element(hex: &str) -> FieldElement {
    FieldElement::from_hex_vartime(hex)
}

/// RFC 5639 section 3.7, brainpoolP512r1: A, B, and the generator.
const A: &str = "7830a3318b603b89e2327145ac234cc594cbdd8d3df91610a83441caea9863bc\
                 2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a72bf2c7b9e7c1ac4d77fc94ca";
const B: &str = "3df91610a83441caea9863bc2ded5d5aa8253aa10a2ef1c98b9ac8b57f1117a7\
                 2bf2c7b9e7c1ac4d77fc94cadc083e67984050b75ebae5dd2809bd638016f723";
const X: &str = "81aee4bdd82ed9645a21322e9c4c6a9385ed9f70b5d916c1b43b62eef4d0098e\
                 ff3b1f78e2d0d48d50d1687b93b97d5f7c6d5047406a5e688b352209bcb9f822";
const Y: &str = "7dde385d566332ecc0eabfa9cf7822fdf209f70024a57b1aa000c55b881f8111\
                 b2dcde494a5f485e5bca4bd88a2763aed1ca2b2fa8f0540678cd1e0f3ad80892";

/// RFC 7027, Appendix A.3: dA, x_qA, y_qA, then B's, then x_Z.
const RFC_7027: [&str; 7] = [
    "16302ff0dbbb5a8d733dab7141c1b45acbc8715939677f6a56850a38bd87bd59\
     b09e80279609ff333eb9d4c061231fb26f92eeb04982a5f1d1764cad57665422",
    "0a420517e406aac0acdce90fcd71487718d3b953efd7fbec5f7f27e28c614999\
     9397e91e029e06457db2d3e640668b392c2a7e737a7f0bf04436d11640fd09fd",
    "72e6882e8db28aad36237cd25d580db23783961c8dc52dfa2ec138ad472a0fce\
     f3887cf62b623b2a87de5c588301ea3e5fc269b373b60724f5e82a6ad147fde7",
    "230e18e1bcc88a362fa54e4ea3902009292f7f8033624fd471b5d8ace49d12cf\
     abbc19963dab8e2f1eba00bffb29e4d72d13f2224562f405cb80503666b25429",
    "9d45f66de5d67e2e6db6e93a59ce0bb48106097ff78a081de781cdb31fce8ccb\
     aaea8dd4320c4119f1e9cd437a2eab3731fa9668ab268d871deda55a5473199f",
    "2fdc313095bcdd5fb3a91636f07a959c8e86b5636a1e930e8396049cb481961d\
     365cc11453a06c719835475b12cb52fc3c383bce35e27ef194512b71876285fa",
    "a7927098655f1f9976fa50a9d566865dc530331846381c87256baf3226244b76\
     d36403c024d7bbf0aa0803eaff405d3d24f11a9b5c0bef679fe1454b21c4cd1f",
];

#[test]
fn z_takes_one_curve_of_rfc_5639_to_the_other() {
    let power = |exponent: u32| (0..exponent).fold(FieldElement::ONE, |z, _| z * Z);
    assert_eq!(element(A) * power(4), BrainpoolP512t1::EQUATION_A);
    assert_eq!(element(B) * power(6), BrainpoolP512t1::EQUATION_B);
    let image = (element(X) * Z2, element(Y) * Z3);
    assert_eq!(image, BrainpoolP512t1::GENERATOR);
    assert_eq!(Z2 * Z2_INVERSE, FieldElement::ONE);
    assert_eq!(Z3 * Z3_INVERSE, FieldElement::ONE);
}

#[test]
fn the_key_agreement_of_rfc_7027() {
    let [d_a, x_a, y_a, d_b, x_b, y_b, x_z] = RFC_7027.map(|hex| {
        // All of them are less than p.
        element(hex).to_bytes()
    });
    let party = |d: &[u8], x: &[u8], y: &[u8]| {
        let private = BrainpoolP512::read_private(d).unwrap();
        let public = BrainpoolP512::public(&private);
        let encoded = [&[4], x, y].concat();
        assert_eq!(BrainpoolP512::write_public(&public), encoded);
        assert!(BrainpoolP512::read_public(&encoded).unwrap() == public);
        (private, public)
    };
    let (a, b) = (party(&d_a, &x_a, &y_a), party(&d_b, &x_b, &y_b));
    for (private, public) in [(&a.0, &b.1), (&b.0, &a.1)] {
        let shared = BrainpoolP512::diffie_hellman(private, public).unwrap();
        assert_eq!(shared.expose(), x_z.as_slice());
    }
}

#[test]
fn the_generator_has_the_order_of_the_curve() {
    assert!(bool::from(
        (Point::GENERATOR * (-Scalar::ONE) + Point::GENERATOR).is_identity()
    ));
    assert!(!bool::from(Point::GENERATOR.is_identity()));
    let generator = AffinePoint::<BrainpoolP512t1>::GENERATOR;
    assert!(Point::from(generator) == Point::GENERATOR);
}

#[test]
fn the_table_of_the_generator_multiplies_as_the_general_code_does() {
    let mut random = <chacha20::ChaCha20Rng as chacha20::rand_core::SeedableRng>::seed_from_u64(1);
    let edges = [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::TWO_INV];
    let others = (0..20).map(|_| Scalar::generate_from_rng(&mut random));
    for scalar in edges.into_iter().chain(others) {
        let by_table = Point::mul_by_generator(&scalar);
        assert_eq!(by_table, Point::GENERATOR * scalar);
        assert_eq!(by_table, Point::GENERATOR.mul_vartime(&scalar));
    }
}
