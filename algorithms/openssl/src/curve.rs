//! Curves in short Weierstrass form: their scalars, points and key pairs.
//!
//! Points are uncompressed (SEC 1 section 2.3.3), scalars big-endian of the order's length. All
//! three curves have cofactor 1, so a point that OpenSSL finds on the curve has the right order.

use std::ffi::CStr;

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcPoint, PointConversionForm};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;

use crate::evp::{self, Params};

/// P-256, SP 800-186 section 3.2.1.3.
pub(crate) const P256: Curve = Curve {
    name: c"P-256",
    nid: Nid::X9_62_PRIME256V1,
    order: b"\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\
             \xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51",
};

/// P-384, SP 800-186 section 3.2.1.4.
pub(crate) const P384: Curve = Curve {
    name: c"P-384",
    nid: Nid::SECP384R1,
    order: b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
             \xff\xff\xff\xff\xff\xff\xff\xff\xc7\x63\x4d\x81\xf4\x37\x2d\xdf\
             \x58\x1a\x0d\xb2\x48\xb0\xa7\x7a\xec\xec\x19\x6a\xcc\xc5\x29\x73",
};

/// brainpoolP512r1, RFC 5639 section 3.7.
pub(crate) const BRAINPOOL_P512R1: Curve = Curve {
    name: c"brainpoolP512r1",
    nid: Nid::BRAINPOOL_P512R1,
    order: b"\xaa\xdd\x9d\xb8\xdb\xe9\xc4\x8b\x3f\xd4\xe6\xae\x33\xc9\xfc\x07\
             \xcb\x30\x8d\xb3\xb3\xc9\xd2\x0e\xd6\x63\x9c\xca\x70\x33\x08\x70\
             \x55\x3e\x5c\x41\x4c\xa9\x26\x19\x41\x86\x61\x19\x7f\xac\x10\x47\
             \x1d\xb1\xd3\x81\x08\x5d\xda\xdd\xb5\x87\x96\x82\x9c\xa9\x00\x69",
};

/// A generator that gives so many candidates out of range one after the other is broken: the
/// order nearest to a half of its range is brainpoolP512r1's, with one candidate in three.
const MOST_CANDIDATES: usize = 128;

/// The form of a point that is read and written.
const UNCOMPRESSED: u8 = 4;

/// A curve: OpenSSL's names, and the order of its base point, big-endian.
#[derive(Clone, Copy)]
pub(crate) struct Curve {
    name: &'static CStr,
    nid: Nid,
    order: &'static [u8],
}

/// A private key with both of its encodings.
pub(crate) struct KeyPair {
    /// Held by OpenSSL, which wipes it.
    pub(crate) key: PKey<Private>,
    pub(crate) secret: SecretBytes,
    pub(crate) public: Vec<u8>,
}

impl Curve {
    /// Bytes of a scalar, and of a coordinate.
    pub(crate) fn length(&self) -> usize {
        self.order.len()
    }

    /// Makes a key pair by rejection: SP 800-56A section 5.6.1.2.2. `None` stands for a generator
    /// or a library that fails.
    pub(crate) fn generate(&self, rng: &mut dyn CryptoRng) -> Option<KeyPair> {
        let mut candidate = SecretBytes::zeroed(self.length());
        for _ in 0..MOST_CANDIDATES {
            rng.fill_bytes(candidate.expose_mut());
            if is_scalar(candidate.expose(), self.order) {
                return self.key_pair(candidate.expose()).ok();
            }
        }
        None
    }

    /// Reads a private key: a scalar from 1 to the order less 1.
    pub(crate) fn read_private(&self, scalar: &[u8]) -> Option<KeyPair> {
        is_scalar(scalar, self.order).then_some(())?;
        self.key_pair(scalar).ok()
    }

    /// Reads a public key: a point on the curve, and not the neutral one.
    pub(crate) fn read_public(&self, point: &[u8]) -> Option<PKey<Public>> {
        let (form, coordinates) = point.split_first()?;
        if *form != UNCOMPRESSED || coordinates.len() != 2 * self.length() {
            return None;
        }
        evp::public_key(c"EC", self.params(point)).ok()
    }

    fn key_pair(&self, scalar: &[u8]) -> Result<KeyPair, ErrorStack> {
        let secret = SecretBytes::copy_of(scalar);
        let public = self.public_of(scalar)?;
        let mut integer = SecretBytes::copy_of(scalar);
        if cfg!(target_endian = "little") {
            integer.expose_mut().reverse();
        }
        let params = self.params(&public).integer(c"priv", integer.expose());
        let key = evp::private_key(c"EC", params)?;
        Ok(KeyPair {
            key,
            secret,
            public,
        })
    }

    fn params<'a>(&self, point: &'a [u8]) -> Params<'a> {
        Params::new()
            .text(c"group", self.name)
            .octets(c"pub", point)
    }

    /// OpenSSL takes a private key as it comes, without its point.
    fn public_of(&self, scalar: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let group = EcGroup::from_curve_name(self.nid)?;
        let mut context = BigNumContext::new_secure()?;
        let mut point = EcPoint::new(&group)?;
        let mut scalar = BigNum::from_slice(scalar)?;
        scalar.set_const_time();
        let outcome = point.mul_generator2(&group, &scalar, &mut context);
        scalar.clear();
        outcome?;
        point.to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context)
    }
}

/// Whether 0 < `candidate` < `order`, both big-endian, in time that depends on the lengths alone.
fn is_scalar(candidate: &[u8], order: &[u8]) -> bool {
    let (mut borrow, mut ones) = (0, 0);
    for (&byte, &limit) in candidate.iter().zip(order).rev() {
        let difference = i16::from(byte) - i16::from(limit) - borrow;
        borrow = i16::from(difference < 0);
        ones |= byte;
    }
    candidate.len() == order.len() && borrow == 1 && ones != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orders_are_those_that_openssl_has() {
        for curve in [P256, P384, BRAINPOOL_P512R1] {
            let group = EcGroup::from_curve_name(curve.nid).unwrap();
            let (mut order, mut cofactor) = (BigNum::new().unwrap(), BigNum::new().unwrap());
            let mut context = BigNumContext::new().unwrap();
            group.order(&mut order, &mut context).unwrap();
            assert_eq!(order.to_vec(), curve.order);
            group.cofactor(&mut cofactor, &mut context).unwrap();
            assert_eq!(cofactor.to_vec(), [1]);
        }
    }

    #[test]
    fn a_scalar_is_above_zero_and_below_the_order() {
        for curve in [P256, P384, BRAINPOOL_P512R1] {
            let (order, length) = (curve.order, curve.length());
            let mut below = order.to_vec();
            below[length - 1] -= 1;
            let mut above = order.to_vec();
            above[length - 1] += 1;
            let (zero, mut one) = (vec![0; length], vec![0; length]);
            one[length - 1] = 1;
            let mut high = zero.clone();
            high[0] = 1;
            for scalar in [&below, &one, &high] {
                assert!(is_scalar(scalar, order));
            }
            for no_scalar in [
                &zero[..],
                order,
                &above,
                &vec![0xff; length],
                &one[1..],
                b"",
            ] {
                assert!(!is_scalar(no_scalar, order));
            }
        }
    }
}
