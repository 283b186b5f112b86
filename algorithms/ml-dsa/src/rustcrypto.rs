//! The provider `rustcrypto`: the crate `ml-dsa` behind the framework's signature.

use std::marker::PhantomData;

use ml_dsa::common::KeyInit as _;
use ml_dsa::signature::digest::Update as _;
use ml_dsa::signature::digest::array::Array;
use ml_dsa::signature::digest::consts::U64;
use ml_dsa::{ExpandedSigningKey, MlDsaParams, SigningKey, VerifyingKey};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};
use zeroize::Zeroize;

use crate::expanded;

/// Bytes of the seed ξ (FIPS 204, Algorithm 1).
const SEED: usize = 32;

pub(crate) fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("rustcrypto", "ml-dsa 0.1.2").native_context();
    provider.constant_time(
        ConstantTime::Claimed,
        "CHANGELOG of ml-dsa, 0.1.0 (Barrett reduction against side channels, selection by \
         ctutils) and 0.1.2 (security: constant time); rejected signing attempts show, as FIPS \
         204 allows",
    )
}

/// ML-DSA with the parameter set `P`.
pub(crate) struct RustCrypto<P>(PhantomData<P>);

impl<P> RustCrypto<P> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<P: MlDsaParams + Send + Sync + 'static> Signature for RustCrypto<P> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = SecretBytes::zeroed(SEED);
        rng.fill_bytes(seed.expose_mut());
        self.import_signing_key(SecretForm::Seed(seed.expose()))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let invalid = SignatureError::SigningKeyInvalid;
        match form {
            SecretForm::Seed(seed) => {
                let key = SigningKey::<P>::new_from_slice(seed).map_err(|_| invalid)?;
                Ok(Box::new(SecretKey::Seeded(key)))
            }
            SecretForm::Expanded(bytes) => {
                let (key, public) = expanded::read::<P>(bytes).ok_or(invalid)?;
                Ok(Box::new(SecretKey::Expanded(Box::new(key), public)))
            }
            _ => Err(SignatureError::FormUnsupported(form.kind())),
        }
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // FIPS 204, Algorithm 23: every string of the right length is a public key.
        let key = VerifyingKey::<P>::new_from_slice(bytes)
            .map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }
}

enum SecretKey<P: MlDsaParams> {
    /// Made from a seed, which the crate keeps.
    Seeded(SigningKey<P>),
    /// Read in expanded form, with the public key computed from it.
    Expanded(Box<ExpandedSigningKey<P>>, VerifyingKey<P>),
}

impl<P: MlDsaParams> SecretKey<P> {
    fn public(&self) -> &VerifyingKey<P> {
        match self {
            Self::Seeded(key) => key.as_ref(),
            Self::Expanded(_, public) => public,
        }
    }

    fn expanded(&self) -> &ExpandedSigningKey<P> {
        match self {
            Self::Seeded(key) => key.expanded_key(),
            Self::Expanded(key, _) => key,
        }
    }
}

impl<P: MlDsaParams + Send + Sync> Sign for SecretKey<P> {
    fn verifying_key(&self) -> Vec<u8> {
        self.public().encode().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match (kind, self) {
            (SecretKind::Seed, Self::Seeded(key)) => Ok(SecretBytes::copy_of(key.as_seed())),
            (SecretKind::Expanded, _) => {
                #[expect(deprecated, reason = "liboqs and Dilithium exchange the expanded form")]
                let mut bytes = self.expanded().to_expanded();
                let copy = SecretBytes::copy_of(&bytes);
                bytes.as_mut_slice().zeroize();
                Ok(copy)
            }
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        let mu = mu(self.public(), message, context)?;
        // FIPS 204, Algorithms 2 and 7, with a fresh rnd. It fails only when rejection sampling
        // runs out of nonces: never, with a key that key generation made.
        let signature = self.expanded().sign_mu_randomized(&mu, rng);
        let signature = signature.map_err(|_| SignatureError::ProviderFailed)?;
        Ok(signature.encode().to_vec())
    }
}

struct PublicKey<P: MlDsaParams>(VerifyingKey<P>);

impl<P: MlDsaParams + Send + Sync> Verify for PublicKey<P> {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.encode().to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let mu = mu(&self.0, message, context)?;
        let signature = ml_dsa::Signature::<P>::try_from(signature);
        let signature = signature.map_err(|_| SignatureError::Rejected)?;
        if self.0.verify_mu(&mu, &signature) {
            Ok(())
        } else {
            Err(SignatureError::Rejected)
        }
    }
}

/// The message representative μ (FIPS 204, Algorithms 2 and 7): it takes the parts of a message
/// one after the other, so that nobody has to join them.
fn mu<P: MlDsaParams>(
    key: &VerifyingKey<P>,
    message: &[&[u8]],
    context: &[u8],
) -> Result<Array<u8, U64>, SignatureError> {
    let mu = key.compute_mu(
        |hash| {
            message.iter().for_each(|part| hash.update(part));
            Ok(())
        },
        context,
    );
    mu.map_err(|_| SignatureError::ContextTooLong(context.len()))
}
