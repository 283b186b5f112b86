//! brainpoolP512r1 (RFC 5639 section 3.7) for DHKEM with HKDF-SHA512, by the provider `pqfw`.
//!
//! No algorithm of our own: the parameters are the RFC's, the arithmetic is that of the crates
//! `primefield` and `primeorder` of RustCrypto, as their crates of other curves use it.
//!
//! The arithmetic runs on the twist brainpoolP512t1, whose coefficient a = -3 makes formulas
//! shorter by a fifth. The two curves are isomorphic over the field (RFC 5639 section 2.2), so
//! nothing of it can be seen from outside:
//!
//! ```text
//!   r1 ──(x·Z², y·Z³)──▶ t1 ──▶ on the curve? ──▶ multiplication ──(x·Z⁻², y·Z⁻³)──▶ r1
//! ```
//!
//! A point of r1 is on its curve exactly if its image is on t1, so the check there is the check of
//! RFC 9180 section 7.1.4. Both curves have cofactor 1.

mod curve;
mod field;
mod scalar;

#[cfg(test)]
mod tests;

use elliptic_curve::FieldBytes;
use elliptic_curve::ops::Reduce;
use sha2::Sha512;

use crate::weierstrass::KemCurve;
use field::FieldElement;

pub(crate) use curve::BrainpoolP512t1;

/// Z of RFC 5639 section 3.7, which takes r1 to t1.
const Z: FieldElement = FieldElement::from_hex_vartime(
    "12ee58e6764838b69782136f0f2d3ba06e27695716054092e60a80bedb212b64\
     e585d90bce13761f85c3f1d2a64e3be8fea2220f01eba5eeb0f35dbd29d922ab",
);
const Z2: FieldElement = Z.square();
const Z3: FieldElement = Z2.multiply(&Z);
const Z2_INVERSE: FieldElement = Z2.const_invert();
const Z3_INVERSE: FieldElement = Z3.const_invert();

impl KemCurve for BrainpoolP512t1 {
    /// Private: RFC 9180 registers none for this curve.
    const KEM_ID: u16 = 0xfe12;
    type Hash = Sha512;

    fn inward(
        x: FieldBytes<Self>,
        y: FieldBytes<Self>,
    ) -> Option<(FieldBytes<Self>, FieldBytes<Self>)> {
        let x = FieldElement::from_bytes(&x).into_option()?;
        let y = FieldElement::from_bytes(&y).into_option()?;
        Some((x.multiply(&Z2).to_bytes(), y.multiply(&Z3).to_bytes()))
    }

    fn outward_x(x: FieldBytes<Self>) -> FieldBytes<Self> {
        FieldElement::reduce(&x).multiply(&Z2_INVERSE).to_bytes()
    }

    fn outward_y(y: FieldBytes<Self>) -> FieldBytes<Self> {
        FieldElement::reduce(&y).multiply(&Z3_INVERSE).to_bytes()
    }
}
