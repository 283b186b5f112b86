//! Curves y² = x³ + ax + b of prime order for DHKEM, by the crates of RustCrypto: P-256, P-384, and
//! whatever else implements [`KemCurve`].
//!
//! Keys are encoded as RFC 9180 sections 7.1.1 and 7.1.2 say: see [`crate::sec1`].

use std::marker::PhantomData;

use elliptic_curve::ecdh::diffie_hellman;
use elliptic_curve::point::AffineCoordinates;
use elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytes, PublicKey, SecretKey};
use hkdf::hmac::EagerHash;
use p256::NistP256;
use p384::NistP384;
use pqfw_framework::secret::SecretBytes;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

use crate::dhkem::Group;
use crate::sec1::{length, read_private, split_point, write_point};

/// A curve that DHKEM is defined over.
///
/// The code may compute on another curve than the one that keys are named after, as long as the
/// two are isomorphic; the coordinates of its points then go through these functions.
pub(crate) trait KemCurve: CurveArithmetic {
    const KEM_ID: u16;
    type Hash: EagerHash;

    /// Coordinates on the named curve to coordinates on the curve of the code; `None` for one that
    /// is not reduced. Whether the point lies on the curve is not asked here.
    fn inward(
        x: FieldBytes<Self>,
        y: FieldBytes<Self>,
    ) -> Option<(FieldBytes<Self>, FieldBytes<Self>)> {
        Some((x, y))
    }

    /// The way back of x.
    fn outward_x(x: FieldBytes<Self>) -> FieldBytes<Self> {
        x
    }

    /// The way back of y.
    fn outward_y(y: FieldBytes<Self>) -> FieldBytes<Self> {
        y
    }
}

impl KemCurve for NistP256 {
    const KEM_ID: u16 = 0x0010;
    type Hash = Sha256;
}

impl KemCurve for NistP384 {
    const KEM_ID: u16 = 0x0011;
    type Hash = Sha384;
}

/// The group of the curve `C`.
pub(crate) struct Weierstrass<C>(PhantomData<C>);

impl<C: KemCurve> Group for Weierstrass<C> {
    const KEM_ID: u16 = C::KEM_ID;
    const PRIVATE_KEY: usize = length::<C>();
    type Hash = C::Hash;
    type PrivateKey = SecretKey<C>;
    type PublicKey = PublicKey<C>;

    fn read_private(bytes: &[u8]) -> Option<SecretKey<C>> {
        read_private(bytes)
    }

    fn write_private(key: &SecretKey<C>) -> SecretBytes {
        SecretBytes::copy_of(&Zeroizing::new(key.to_bytes()))
    }

    fn public(key: &SecretKey<C>) -> PublicKey<C> {
        let scalar = Zeroizing::new(key.to_nonzero_scalar());
        PublicKey::from_secret_scalar(&scalar)
    }

    /// RFC 9180 section 7.1.4 asks for partial validation (SP 800-56A section 5.6.2.3.4); where the
    /// cofactor is 1, that is full validation.
    fn read_public(bytes: &[u8]) -> Option<PublicKey<C>> {
        let (x, y) = split_point::<C>(bytes)?;
        let (x, y) = C::inward(*x, *y)?;
        let point = AffinePoint::<C>::from_coordinates(&x, &y).into_option()?;
        PublicKey::from_affine(point).ok()
    }

    fn write_public(key: &PublicKey<C>) -> Vec<u8> {
        let point = key.as_affine();
        write_point::<C>(&C::outward_x(point.x()), &C::outward_y(point.y()))
    }

    /// The coordinate x, as RFC 9180 section 4.1 says; never `None`, since no multiple of a point of
    /// prime order by less than that order is neutral.
    fn diffie_hellman(private: &SecretKey<C>, public: &PublicKey<C>) -> Option<SecretBytes> {
        let scalar = Zeroizing::new(private.to_nonzero_scalar());
        let shared = diffie_hellman::<C>(&*scalar, public.as_affine());
        let x = Zeroizing::new(C::outward_x(*shared.raw_secret_bytes()));
        Some(SecretBytes::copy_of(&x))
    }
}
