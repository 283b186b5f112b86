//! The field of both curves: the integers modulo p of RFC 5639 section 3.7.

use elliptic_curve::bigint::U512;
use elliptic_curve::ff::PrimeField;
use elliptic_curve::ops::BatchInvert;
use elliptic_curve::subtle::{Choice, ConstantTimeEq, CtOption};

primefield::monty_field_params! {
    name: FieldParams,
    modulus: "aadd9db8dbe9c48b3fd4e6ae33c9fc07cb308db3b3c9d20ed6639cca70330871\
              7d4d9b009bc66842aecda12ae6a380e62881ff2f2d82c68528aa6056583a48f3",
    uint: U512,
    byte_order: primefield::ByteOrder::BigEndian,
    // A quadratic non-residue, which is all that its users need: p - 1 has not been factored here.
    multiplicative_generator: 2,
    doc: "p, in the form that Montgomery multiplication needs."
}

primefield::monty_field_element! {
    name: FieldElement,
    params: FieldParams,
    uint: U512,
    doc: "An integer modulo p."
}

primefield::monty_field_arithmetic! {
    name: FieldElement,
    params: FieldParams,
    uint: U512
}

primefield::monty_field_reduce! {
    name: FieldElement,
    params: FieldParams,
    uint: U512,
}

impl BatchInvert for FieldElement {}

#[cfg(test)]
mod tests {
    use super::*;

    primefield::test_primefield!(FieldElement, U512);
}
