//! ECDSA on P-256 with SHA-256 and on P-384 with SHA-384, FIPS 186-5 section 6.
//!
//! Signatures are DER (RFC 3279 section 2.2.3). Keys come from the caller's randomness; the nonce
//! of a signature is AWS-LC's own.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, KeyPair, ParsedPublicKey,
};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::message::{joined, refuse_context};
use crate::nist_curves::{provider, random_scalar};

/// The tag of an uncompressed point.
const UNCOMPRESSED: u8 = 4;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let p256 = Ecdsa {
        signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
        verifying: &ECDSA_P256_SHA256_ASN1,
        curve: &ECDH_P256,
        scalar_bytes: 32,
    };
    let p384 = Ecdsa {
        signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
        verifying: &ECDSA_P384_SHA384_ASN1,
        curve: &ECDH_P384,
        scalar_bytes: 48,
    };
    plugin
        .signature("ECDSA-P256", provider().own_randomness(), p256)
        .signature("ECDSA-P384", provider().own_randomness(), p384)
}

#[derive(Clone, Copy)]
struct Ecdsa {
    signing: &'static EcdsaSigningAlgorithm,
    verifying: &'static EcdsaVerificationAlgorithm,
    /// The same curve where AWS-LC computes public keys from private ones.
    curve: &'static agreement::Algorithm,
    scalar_bytes: usize,
}

impl Ecdsa {
    fn key_pair(&self, key: &agreement::PrivateKey) -> Option<Signer> {
        let public = key.compute_public_key().ok()?;
        let scalar: EcPrivateKeyBin<'_> = key.as_be_bytes().ok()?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            self.signing,
            scalar.as_ref(),
            public.as_ref(),
        );
        pair.ok().map(Signer)
    }
}

impl Signature for Ecdsa {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let key = random_scalar(self.curve, self.scalar_bytes, rng);
        let key = key.and_then(|key| self.key_pair(&key));
        Ok(Box::new(key.ok_or(SignatureError::ProviderFailed)?))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let key = agreement::PrivateKey::from_private_key(self.curve, bytes).ok();
        let key = key.and_then(|key| self.key_pair(&key));
        Ok(Box::new(key.ok_or(SignatureError::SigningKeyInvalid)?))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let invalid = SignatureError::VerifyingKeyInvalid;
        let whole = bytes.len() == 2 * self.scalar_bytes + 1;
        if bytes.first() != Some(&UNCOMPRESSED) || !whole {
            return Err(invalid);
        }
        let key = ParsedPublicKey::new(self.verifying, bytes).map_err(|_| invalid)?;
        Ok(Box::new(Verifier(key)))
    }
}

/// A key held by AWS-LC, which wipes it.
struct Signer(EcdsaKeyPair);

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        let SecretKind::Expanded = kind else {
            return Err(SignatureError::FormUnsupported(kind));
        };
        let bytes: Result<EcPrivateKeyBin<'_>, _> = self.0.private_key().as_be_bytes();
        let bytes = bytes.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(SecretBytes::copy_of(bytes.as_ref()))
    }

    fn sign(
        &self,
        _: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        refuse_context(context)?;
        let signature = self.0.sign(&SystemRandom::new(), &joined(message));
        let signature = signature.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(signature.as_ref().to_vec())
    }
}

struct Verifier(ParsedPublicKey);

impl Verify for Verifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.as_ref().to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        refuse_context(context)?;
        let outcome = self.0.verify_sig(&joined(message), signature);
        outcome.map_err(|_| SignatureError::Rejected)
    }
}
