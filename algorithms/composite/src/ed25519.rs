//! Ed25519 (RFC 8032) as a component: 32 raw bytes of private key, 32 of public key, 64 of
//! signature.
//!
//! Verification is strict, as everywhere in pqfw: public keys and R of small order, with which one
//! signature is valid for many messages, are refused.

use ed25519_dalek::ed25519::signature::Signer as _;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::traditional::Traditional;

/// Ed25519 by ed25519-dalek.
pub(crate) struct Ed25519;

impl Traditional for Ed25519 {
    const PACKAGE: &'static str = "ed25519-dalek 3.0.0";
    type SigningKey = SigningKey;
    type VerifyingKey = VerifyingKey;

    fn generate(rng: &mut dyn CryptoRng) -> SigningKey {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        SigningKey::from_bytes(&seed)
    }

    fn read_private(bytes: &[u8]) -> Option<SigningKey> {
        Some(SigningKey::from_bytes(bytes.try_into().ok()?))
    }

    fn write_private(key: &SigningKey) -> SecretBytes {
        SecretBytes::copy_of(key.as_bytes())
    }

    fn public(key: &SigningKey) -> VerifyingKey {
        key.verifying_key()
    }

    fn read_public(bytes: &[u8]) -> Option<VerifyingKey> {
        let key = VerifyingKey::try_from(bytes).ok()?;
        (!key.is_weak()).then_some(key)
    }

    fn write_public(key: &VerifyingKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }

    fn sign(key: &SigningKey, _: &mut dyn CryptoRng, message: &[u8]) -> Option<Vec<u8>> {
        Some(key.try_sign(message).ok()?.to_bytes().to_vec())
    }

    fn verifies(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
    }
}
