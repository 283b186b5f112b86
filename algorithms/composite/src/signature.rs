//! Composite ML-DSA, draft-ietf-lamps-pq-composite-sigs-19, sections 3 and 4.
//!
//! ```text
//!  private key │ seed of ML-DSA 32 ‖ traditional private key
//!  public key  │ ML-DSA's ‖ traditional
//!  signature   │ ML-DSA's over M′ with the label as its context ‖ traditional over M′
//! ```
//!
//! A signature is valid when both components are. Both are always looked at. ML-DSA is hedged and
//! ECDSA takes randomness too, both from the caller; Ed25519 takes none.
//!
//! The private key's ML-DSA half is a seed and its other half has one encoding, so it has one form,
//! which the framework calls expanded. A composite key has no seed as a whole (section 3.1.1).

use std::marker::PhantomData;

use ml_dsa::common::KeyInit as _;
use ml_dsa::{SigningKey, VerifyingKey};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::lattice::{Lattice, SEED};
use crate::representative::representative;
use crate::sets::Set;
use crate::traditional::Traditional;

pub(crate) fn provider<S: Set>() -> ProviderInfo {
    let version = format!("ml-dsa 0.1.2 + {}", S::Traditional::PACKAGE);
    let provider = ProviderInfo::new("rustcrypto", &version).native_context();
    provider.constant_time(
        ConstantTime::Claimed,
        "of the parts: CHANGELOG of ml-dsa (0.1.2: constant time), READMEs of ed25519-dalek \
         (signing is constant-time), p256 and p384 (secret scalars, compiled code not assessed)",
    )
}

/// The composite algorithm `S`.
pub(crate) struct Composite<S>(PhantomData<S>);

impl<S> Composite<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

type Traditionals<S> = <S as Set>::Traditional;

impl<S: Set> Signature for Composite<S> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = SecretBytes::zeroed(SEED);
        rng.fill_bytes(seed.expose_mut());
        let traditional = Traditionals::<S>::generate(rng);
        let key = SecretKey::<S>::new(seed.expose(), traditional);
        Ok(Box::new(key.ok_or(SignatureError::ProviderFailed)?))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let key = bytes.split_at_checked(SEED).and_then(|(seed, rest)| {
            let traditional = Traditionals::<S>::read_private(rest)?;
            SecretKey::<S>::new(seed, traditional)
        });
        Ok(Box::new(key.ok_or(SignatureError::SigningKeyInvalid)?))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let key = bytes
            .split_at_checked(S::MlDsa::PUBLIC_KEY)
            .and_then(|(ml_dsa, rest)| {
                Some(PublicKey::<S> {
                    ml_dsa: VerifyingKey::new_from_slice(ml_dsa).ok()?,
                    traditional: Traditionals::<S>::read_public(rest)?,
                })
            });
        Ok(Box::new(key.ok_or(SignatureError::VerifyingKeyInvalid)?))
    }
}

struct SecretKey<S: Set> {
    ml_dsa: SigningKey<S::MlDsa>,
    traditional: <Traditionals<S> as Traditional>::SigningKey,
}

impl<S: Set> SecretKey<S> {
    fn new(seed: &[u8], traditional: <Traditionals<S> as Traditional>::SigningKey) -> Option<Self> {
        let ml_dsa = SigningKey::new_from_slice(seed).ok()?;
        Some(Self {
            ml_dsa,
            traditional,
        })
    }
}

impl<S: Set> Sign for SecretKey<S> {
    fn verifying_key(&self) -> Vec<u8> {
        let public: &VerifyingKey<S::MlDsa> = self.ml_dsa.as_ref();
        let traditional = Traditionals::<S>::public(&self.traditional);
        let traditional = Traditionals::<S>::write_public(&traditional);
        [&public.encode()[..], &traditional].concat()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        let SecretKind::Expanded = kind else {
            return Err(SignatureError::FormUnsupported(kind));
        };
        let traditional = Traditionals::<S>::write_private(&self.traditional);
        let mut bytes = Vec::with_capacity(SEED + traditional.len());
        bytes.extend_from_slice(self.ml_dsa.as_seed());
        bytes.extend_from_slice(traditional.expose());
        Ok(SecretBytes::own(bytes))
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        let failed = SignatureError::ProviderFailed;
        let message = representative::<S::PreHash>(S::LABEL, message, context)?;
        let key = self.ml_dsa.expanded_key();
        let ml_dsa = key.sign_randomized(&message, S::LABEL.as_bytes(), rng);
        let ml_dsa = ml_dsa.map_err(|_| failed.clone())?.encode();
        let traditional = Traditionals::<S>::sign(&self.traditional, rng, &message);
        Ok([&ml_dsa[..], &traditional.ok_or(failed)?].concat())
    }
}

struct PublicKey<S: Set> {
    ml_dsa: VerifyingKey<S::MlDsa>,
    traditional: <Traditionals<S> as Traditional>::VerifyingKey,
}

impl<S: Set> Verify for PublicKey<S> {
    fn to_bytes(&self) -> Vec<u8> {
        let traditional = Traditionals::<S>::write_public(&self.traditional);
        [&self.ml_dsa.encode()[..], &traditional].concat()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let message = representative::<S::PreHash>(S::LABEL, message, context)?;
        let Some((ml_dsa, traditional)) = signature.split_at_checked(S::MlDsa::SIGNATURE) else {
            return Err(SignatureError::Rejected);
        };
        let ml_dsa = ml_dsa::Signature::<S::MlDsa>::try_from(ml_dsa).is_ok_and(|signature| {
            let label = S::LABEL.as_bytes();
            self.ml_dsa.verify_with_context(&message, label, &signature)
        });
        let traditional = Traditionals::<S>::verifies(&self.traditional, &message, traditional);
        // Both have been looked at: `&`, not `&&`.
        if ml_dsa & traditional {
            Ok(())
        } else {
            Err(SignatureError::Rejected)
        }
    }
}
