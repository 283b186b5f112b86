//! ML-DSA, FIPS 204.
//!
//! `aws-lc-rs` signs with an empty context only, and hedges with random bytes of its own. Keys are
//! made here from a seed of the caller's, so that every generated key can be exported as a seed.

use aws_lc_rs::encoding::AsRawBytes;
use aws_lc_rs::signature::{
    KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87,
    ML_DSA_87_SIGNING, ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm,
    PqdsaVerificationAlgorithm,
};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::message::{joined, refuse_context};

/// Bytes of the seed ξ (FIPS 204, Algorithm 1).
const SEED: usize = 32;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .signature(
            "ML-DSA-44",
            provider(),
            AwsLc(&ML_DSA_44_SIGNING, &ML_DSA_44),
        )
        .signature(
            "ML-DSA-65",
            provider(),
            AwsLc(&ML_DSA_65_SIGNING, &ML_DSA_65),
        )
        .signature(
            "ML-DSA-87",
            provider(),
            AwsLc(&ML_DSA_87_SIGNING, &ML_DSA_87),
        )
}

fn provider() -> ProviderInfo {
    super::provider().own_randomness().constant_time(
        ConstantTime::Claimed,
        "AWS-LC, crypto/fipsmodule/ml_dsa (mldsa-native): valgrind tracks secrets in its \
         constant-time tests; rejected signing attempts show, as FIPS 204 allows",
    )
}

/// ML-DSA with the two names that AWS-LC has for a parameter set.
struct AwsLc(
    &'static PqdsaSigningAlgorithm,
    &'static PqdsaVerificationAlgorithm,
);

impl Signature for AwsLc {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = SecretBytes::zeroed(SEED);
        rng.fill_bytes(seed.expose_mut());
        self.import_signing_key(SecretForm::Seed(seed.expose()))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let (key, seed) = match form {
            SecretForm::Seed(seed) => {
                let key = PqdsaKeyPair::from_seed(self.0, seed);
                (key, Some(SecretBytes::copy_of(seed)))
            }
            // AWS-LC computes tr and t0 again and compares, and checks the range of s1 and s2.
            SecretForm::Expanded(bytes) => {
                (PqdsaKeyPair::from_raw_private_key(self.0, bytes), None)
            }
            _ => return Err(SignatureError::FormUnsupported(form.kind())),
        };
        let key = key.map_err(|_| SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(SecretKey { key, seed }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // AWS-LC would also read an X.509 SubjectPublicKeyInfo; the framework's length forbids it.
        let key = ParsedPublicKey::new(self.1, bytes);
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }
}

struct SecretKey {
    /// Held by AWS-LC, which wipes it.
    key: PqdsaKeyPair,
    /// What the key was expanded from; a key read in expanded form has none.
    seed: Option<SecretBytes>,
}

impl Sign for SecretKey {
    fn verifying_key(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match (kind, &self.seed) {
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            (SecretKind::Expanded, _) => {
                let bytes = self.key.private_key().as_raw_bytes();
                let bytes = bytes.map_err(|_| SignatureError::ProviderFailed)?;
                Ok(SecretBytes::copy_of(bytes.as_ref()))
            }
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
        let mut signature = vec![0; self.key.algorithm().signature_len()];
        let signed = self.key.sign(&joined(message), &mut signature);
        signed.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(signature)
    }
}

struct PublicKey(ParsedPublicKey);

impl Verify for PublicKey {
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
