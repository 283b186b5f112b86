//! The curve brainpoolP512t1 of RFC 5639 section 3.7, for the formulas of `primeorder`.

use elliptic_curve::bigint::{Odd, U512};
use elliptic_curve::consts::U64;
use elliptic_curve::hazmat::FieldArithmetic;
use elliptic_curve::{Curve, CurveArithmetic, PrimeCurve, PrimeCurveArithmetic};
use primeorder::mul_backend::PrecomputedTables;
use primeorder::point_arithmetic::EquationAIsMinusThree;
use primeorder::{BasepointTable, PrimeCurveParams, PrimeCurveWithBasepointTable};

use super::field::FieldElement;
use super::scalar::Scalar;

/// q, the number of points of both curves.
pub(super) const ORDER: &str = "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330870\
                                553e5c414ca92619418661197fac10471db1d381085ddaddb58796829ca90069";

/// brainpoolP512t1.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct BrainpoolP512t1;

impl Curve for BrainpoolP512t1 {
    type FieldBytesSize = U64;
    type Uint = U512;
    const ORDER: Odd<U512> = Odd::<U512>::from_be_hex(ORDER);
}

impl PrimeCurve for BrainpoolP512t1 {}

type AffinePoint = primeorder::AffinePoint<BrainpoolP512t1>;
type ProjectivePoint = primeorder::ProjectivePoint<BrainpoolP512t1>;

impl CurveArithmetic for BrainpoolP512t1 {
    type AffinePoint = AffinePoint;
    type ProjectivePoint = ProjectivePoint;
    type Scalar = Scalar;
}

impl PrimeCurveArithmetic for BrainpoolP512t1 {
    type CurveGroup = ProjectivePoint;
}

impl FieldArithmetic for BrainpoolP512t1 {
    type FieldElement = FieldElement;
}

impl PrimeCurveParams for BrainpoolP512t1 {
    type PointArithmetic = EquationAIsMinusThree;
    type Backend = PrecomputedTables<TABLES>;

    const EQUATION_A: FieldElement = FieldElement::from_u64(3).neg();

    const EQUATION_B: FieldElement = FieldElement::from_hex_vartime(
        "7cbbbcf9441cfab76e1890e46884eae321f70c0bcb4981527897504bec3e36a6\
         2bcdfa2304976540f6450085f2dae145c22553b465763689180ea2571867423e",
    );

    const GENERATOR: (FieldElement, FieldElement) = (
        FieldElement::from_hex_vartime(
            "640ece5c12788717b9c1ba06cbc2a6feba85842458c56dde9db1758d39c0313d\
             82ba51735cdb3ea499aa77a7d6943a64f7a3f25fe26f06b51baa2696fa9035da",
        ),
        FieldElement::from_hex_vartime(
            "5b534bd595f5af0fa2c892376c84ace1bb4e3019b71634c01131159cae03cee9\
             d9932184beef216bd71df2dadf86a627306ecff96dbb8bace198b61e00f8b332",
        ),
    );
}

/// One table for each byte of a scalar and one for the carry, as `primeorder` asks.
const TABLES: usize = 1 + 64;

type Table = BasepointTable<ProjectivePoint, TABLES>;

/// Multiples of the generator, 100 kB, computed on first use.
static TABLE: Table = BasepointTable::new();

impl PrimeCurveWithBasepointTable<TABLES> for BrainpoolP512t1 {
    const BASEPOINT_TABLE: &'static Table = &TABLE;
}
