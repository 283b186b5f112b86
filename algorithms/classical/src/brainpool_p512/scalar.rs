//! The scalars of both curves: the integers modulo their order, q of RFC 5639 section 3.7.

use elliptic_curve::bigint::U512;
use elliptic_curve::ff::PrimeField;
use elliptic_curve::scalar::{FromUintUnchecked, IsHigh};
use elliptic_curve::subtle::{Choice, ConstantTimeEq, ConstantTimeGreater, CtOption};
use primeorder::wnaf;

use super::curve::{BrainpoolP512t1, ORDER};

primefield::monty_field_params! {
    name: ScalarParams,
    modulus: ORDER,
    uint: U512,
    byte_order: primefield::ByteOrder::BigEndian,
    // A quadratic non-residue, as of the field.
    multiplicative_generator: 7,
    doc: "q, in the form that Montgomery multiplication needs."
}

primefield::monty_field_element! {
    name: Scalar,
    params: ScalarParams,
    uint: U512,
    doc: "An integer modulo q."
}

primefield::monty_field_arithmetic! {
    name: Scalar,
    params: ScalarParams,
    uint: U512
}

primefield::monty_field_reduce! {
    name: Scalar,
    params: ScalarParams,
    uint: U512,
}

elliptic_curve::scalar_impls!(BrainpoolP512t1, Scalar);

// Used by multiplication in variable time alone, which nothing here calls.
wnaf::impl_wnaf_size_for_scalar!(Scalar);

impl AsRef<Self> for Scalar {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl FromUintUnchecked for Scalar {
    type Uint = U512;

    fn from_uint_unchecked(uint: U512) -> Self {
        Self::from_uint_unchecked(uint)
    }
}

impl IsHigh for Scalar {
    fn is_high(&self) -> Choice {
        let half = ScalarParams::PARAMS.modulus().as_ref().shr_vartime(1);
        self.to_canonical().ct_gt(&half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    primefield::test_primefield!(Scalar, U512);

    #[test]
    fn the_upper_half_is_high() {
        let half = Scalar::TWO_INV - Scalar::ONE;
        assert!(!bool::from(half.is_high()));
        assert!(bool::from((half + Scalar::ONE).is_high()));
        assert!(!bool::from(Scalar::ZERO.is_high()));
    }
}
