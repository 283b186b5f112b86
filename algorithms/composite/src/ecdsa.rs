//! ECDSA (FIPS 186-5) as a component, over P-256 with SHA-256 and over P-384 with SHA-384.
//!
//! - A public key is an uncompressed point, `04 ‖ x ‖ y`; no other encoding of it is read.
//! - A signature is the DER of `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3), of varying length.
//! - A private key is the DER of `ECPrivateKey` (RFC 5915) with the curve's identifier and without
//!   the public key, so that only the scalar in its middle varies; no other form of it is read.
//!
//! The secret nonce is that of RFC 6979, with randomness of the caller added (its section 3.6).

use p256::elliptic_curve::Generate as _;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroize as _;

use crate::traditional::Traditional;

/// One text for both curves, whose crates have the same types under other names.
macro_rules! ecdsa {
    ($(#[$doc:meta])* $name:ident, $curve:ident, $package:literal, $before:expr, $after:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl Traditional for $name {
            const PACKAGE: &'static str = $package;
            type SigningKey = $curve::ecdsa::SigningKey;
            type VerifyingKey = $curve::ecdsa::VerifyingKey;

            fn generate(rng: &mut dyn CryptoRng) -> Self::SigningKey {
                Self::SigningKey::generate_from_rng(rng)
            }

            fn read_private(bytes: &[u8]) -> Option<Self::SigningKey> {
                let scalar = bytes.strip_prefix(&$before)?.strip_suffix(&$after)?;
                // From 1 to the order of the curve less 1, in the length of the field.
                Self::SigningKey::from_slice(scalar).ok()
            }

            fn write_private(key: &Self::SigningKey) -> SecretBytes {
                let mut scalar = key.to_bytes();
                let mut bytes = Vec::with_capacity($before.len() + scalar.len() + $after.len());
                bytes.extend_from_slice(&$before);
                bytes.extend_from_slice(&scalar);
                bytes.extend_from_slice(&$after);
                scalar.as_mut_slice().zeroize();
                SecretBytes::own(bytes)
            }

            fn public(key: &Self::SigningKey) -> Self::VerifyingKey {
                *key.verifying_key()
            }

            fn read_public(bytes: &[u8]) -> Option<Self::VerifyingKey> {
                // The crate reads compressed points too. It checks that the point is on the curve.
                (bytes.first() == Some(&UNCOMPRESSED)).then_some(())?;
                Self::VerifyingKey::from_sec1_bytes(bytes).ok()
            }

            fn write_public(key: &Self::VerifyingKey) -> Vec<u8> {
                key.to_sec1_point(false).as_bytes().to_vec()
            }

            fn sign(
                key: &Self::SigningKey,
                rng: &mut dyn CryptoRng,
                message: &[u8],
            ) -> Option<Vec<u8>> {
                use $curve::ecdsa::signature::RandomizedSigner as _;
                let signature = key.try_sign_with_rng(rng, message);
                let signature: $curve::ecdsa::DerSignature = signature.ok()?;
                Some(signature.as_bytes().to_vec())
            }

            fn verifies(key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
                use $curve::ecdsa::signature::Verifier as _;
                $curve::ecdsa::DerSignature::from_bytes(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    };
}

/// SEC 1 section 2.3.3.
const UNCOMPRESSED: u8 = 4;

ecdsa!(
    /// ECDSA with P-256 and SHA-256, by p256.
    P256, p256, "p256 0.14.0",
    // SEQUENCE, INTEGER 1, OCTET STRING of 32.
    [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20],
    // [0], 1.2.840.10045.3.1.7.
    [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]
);

ecdsa!(
    /// ECDSA with P-384 and SHA-384, by p384.
    P384, p384, "p384 0.14.0",
    // SEQUENCE, INTEGER 1, OCTET STRING of 48.
    [0x30, 0x3e, 0x02, 0x01, 0x01, 0x04, 0x30],
    // [0], 1.3.132.0.34.
    [0xa0, 0x07, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22]
);
