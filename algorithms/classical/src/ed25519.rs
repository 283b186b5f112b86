//! Ed25519, RFC 8032 section 5.1, by ed25519-dalek.
//!
//! Signing is deterministic. Verification is strict, dalek's `verify_strict`: besides what RFC 8032
//! asks, it refuses public keys and R of small order, with which one signature is valid for many
//! messages. The provider of the crate `pqfw-aws-lc` refuses the same. Of the two equations of
//! section 5.1.7 it checks the one without the cofactor.
//!
//! A public key whose y is not reduced is refused on import (section 5.1.3), where dalek would
//! reduce it; an R like that never equals the R that verification computes.

use std::borrow::Cow;

use ed25519_dalek::ed25519::signature::MultipartSigner;
use ed25519_dalek::{SigningKey, VerifyingKey};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use zeroize::Zeroizing;

use crate::context::refuse_context;

/// Ed25519 by ed25519-dalek.
pub(crate) struct Dalek;

impl Signature for Dalek {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Ok(Box::new(Signer(SigningKey::from_bytes(&seed))))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        // RFC 8032 section 5.1.5: the private key is its seed, so both forms are the same bytes.
        let seed = form.expose().try_into();
        let seed = seed.map_err(|_| SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(Signer(SigningKey::from_bytes(seed))))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        match VerifyingKey::try_from(bytes) {
            Ok(key) if !key.is_weak() && is_reduced(key.as_bytes()) => Ok(Box::new(Verifier(key))),
            _ => Err(SignatureError::VerifyingKeyInvalid),
        }
    }
}

/// Whether the y of an encoded point is less than p = 2^255 - 19; the highest bit is the sign of x.
fn is_reduced([first, middle @ .., last]: &[u8; 32]) -> bool {
    let largest = last | 0x80 == 0xff && middle.iter().all(|byte| *byte == 0xff);
    !largest || *first < 0xed
}

struct Signer(SigningKey);

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.0.verifying_key().as_bytes().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Seed | SecretKind::Expanded => Ok(SecretBytes::copy_of(self.0.as_bytes())),
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        _: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        refuse_context(context)?;
        let signature = self.0.try_multipart_sign(message);
        let signature = signature.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(signature.to_bytes().to_vec())
    }
}

struct Verifier(VerifyingKey);

impl Verify for Verifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        refuse_context(context)?;
        let rejected = |_| SignatureError::Rejected;
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(rejected)?;
        let message = match message {
            [whole] => Cow::Borrowed(*whole),
            parts => Cow::Owned(parts.concat()),
        };
        self.0.verify_strict(&message, &signature).map_err(rejected)
    }
}
