//! ML-DSA, FIPS 204: pure, hedged with the caller's randomness, with contexts.
//!
//! The expanded form of a private key lacks the public key, and libcrux has no function that
//! computes it again: see `ml_dsa/expanded.rs`.

mod expanded;

use std::borrow::Cow;

use ::ml_dsa::{MlDsa44, MlDsa65, MlDsa87};
use libcrux_ml_dsa::{
    MLDSAKeyPair, MLDSASignature, MLDSASigningKey, MLDSAVerificationKey, SigningError,
    VerificationError,
};
use libcrux_ml_dsa::{ml_dsa_44, ml_dsa_65, ml_dsa_87};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of the seed ξ (FIPS 204, Algorithm 1) and of rnd (Algorithm 2).
const LENGTH: usize = 32;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    macro_rules! parameter_set {
        ($set:ident, $parameters:ident) => {
            Libcrux {
                generate: $set::generate_key_pair,
                sign: $set::sign,
                verify: $set::verify,
                public_key: expanded::public_key::<$parameters>,
            }
        };
    }
    plugin
        .signature("ML-DSA-44", provider(), parameter_set!(ml_dsa_44, MlDsa44))
        .signature("ML-DSA-65", provider(), parameter_set!(ml_dsa_65, MlDsa65))
        .signature("ML-DSA-87", provider(), parameter_set!(ml_dsa_87, MlDsa87))
}

fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("libcrux", "libcrux-ml-dsa 0.0.11").native_context();
    provider.constant_time(
        ConstantTime::Claimed,
        "libcrux: valgrind tracks secrets in its CI (libcrux-ct-test), best effort; rejected \
         signing attempts show, as FIPS 204 allows",
    )
}

/// ML-DSA with what libcrux has for a parameter set, whose lengths are `SK`, `VK` and `SIG`.
#[derive(Clone, Copy)]
struct Libcrux<const SK: usize, const VK: usize, const SIG: usize> {
    generate: fn([u8; LENGTH]) -> MLDSAKeyPair<VK, SK>,
    sign: SignFunction<SK, SIG>,
    verify: VerifyFunction<VK, SIG>,
    /// The public key of a private key in expanded form; `None` when that is damaged, as far as it
    /// shows.
    public_key: fn(&[u8]) -> Option<Vec<u8>>,
}

impl<const SK: usize, const VK: usize, const SIG: usize> Libcrux<SK, VK, SIG> {
    fn expand(&self, seed: &[u8; LENGTH]) -> SecretKey<SK, VK, SIG> {
        let pair = (self.generate)(*seed);
        SecretKey {
            libcrux: *self,
            key: SigningKey(pair.signing_key),
            verifying_key: pair.verification_key,
            seed: Some(SecretBytes::copy_of(seed)),
        }
    }

    fn read_expanded(&self, bytes: &[u8]) -> Option<SecretKey<SK, VK, SIG>> {
        let verifying_key = (self.public_key)(bytes)?;
        Some(SecretKey {
            libcrux: *self,
            key: SigningKey(MLDSASigningKey::new(bytes.try_into().ok()?)),
            verifying_key: MLDSAVerificationKey::new(verifying_key.try_into().ok()?),
            seed: None,
        })
    }
}

/// Key, message, context and rnd to a signature: FIPS 204, Algorithm 2.
type SignFunction<const SK: usize, const SIG: usize> =
    fn(
        &MLDSASigningKey<SK>,
        &[u8],
        &[u8],
        [u8; LENGTH],
    ) -> Result<MLDSASignature<SIG>, SigningError>;

/// Key, message, context and signature to a verdict: FIPS 204, Algorithm 3.
type VerifyFunction<const VK: usize, const SIG: usize> = fn(
    &MLDSAVerificationKey<VK>,
    &[u8],
    &[u8],
    &MLDSASignature<SIG>,
) -> Result<(), VerificationError>;

impl<const SK: usize, const VK: usize, const SIG: usize> Signature for Libcrux<SK, VK, SIG> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = Zeroizing::new([0; LENGTH]);
        rng.fill_bytes(&mut *seed);
        Ok(Box::new(self.expand(&seed)))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let invalid = SignatureError::SigningKeyInvalid;
        match form {
            SecretForm::Seed(seed) => {
                let seed = seed.try_into().map_err(|_| invalid)?;
                Ok(Box::new(self.expand(seed)))
            }
            SecretForm::Expanded(bytes) => Ok(Box::new(self.read_expanded(bytes).ok_or(invalid)?)),
            _ => Err(SignatureError::FormUnsupported(form.kind())),
        }
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // FIPS 204, Algorithm 23: every string of the right length is a public key.
        let key = bytes.try_into();
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey {
            libcrux: *self,
            key: MLDSAVerificationKey::new(key),
        }))
    }
}

/// A signing key of libcrux's, which does not wipe it.
struct SigningKey<const SK: usize>(MLDSASigningKey<SK>);

impl<const SK: usize> Drop for SigningKey<SK> {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

struct SecretKey<const SK: usize, const VK: usize, const SIG: usize> {
    libcrux: Libcrux<SK, VK, SIG>,
    key: SigningKey<SK>,
    verifying_key: MLDSAVerificationKey<VK>,
    /// What the key was expanded from; a key read in expanded form has none.
    seed: Option<SecretBytes>,
}

impl<const SK: usize, const VK: usize, const SIG: usize> Sign for SecretKey<SK, VK, SIG> {
    fn verifying_key(&self) -> Vec<u8> {
        self.verifying_key.as_slice().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match (kind, &self.seed) {
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            (SecretKind::Expanded, _) => Ok(SecretBytes::copy_of(self.key.0.as_slice())),
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        let mut rnd = Zeroizing::new([0; LENGTH]);
        rng.fill_bytes(&mut *rnd);
        let signature = (self.libcrux.sign)(&self.key.0, &joined(message), context, *rnd);
        match signature {
            Ok(signature) => Ok(signature.as_slice().to_vec()),
            Err(SigningError::ContextTooLongError) => {
                Err(SignatureError::ContextTooLong(context.len()))
            }
            Err(SigningError::RejectionSamplingError) => Err(SignatureError::ProviderFailed),
        }
    }
}

struct PublicKey<const SK: usize, const VK: usize, const SIG: usize> {
    libcrux: Libcrux<SK, VK, SIG>,
    key: MLDSAVerificationKey<VK>,
}

impl<const SK: usize, const VK: usize, const SIG: usize> Verify for PublicKey<SK, VK, SIG> {
    fn to_bytes(&self) -> Vec<u8> {
        self.key.as_slice().to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let signature = signature.try_into().map_err(|_| SignatureError::Rejected)?;
        let signature = MLDSASignature::new(signature);
        let verdict = (self.libcrux.verify)(&self.key, &joined(message), context, &signature);
        verdict.map_err(|_| SignatureError::Rejected)
    }
}

/// One slice of many, without a copy where there is but one.
fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}
