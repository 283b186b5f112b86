//! The provider `fn-dsa`: the crate behind the framework's signature.
//!
//! A message is hashed part by part into μ, which is SHAKE256 of the hash of the public key, a
//! zero, the context with its length, and the message; the crate signs and verifies μ as it is
//! given. It derives the seed of a signature from the private key, μ and 40 bytes of the caller.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use fn_dsa::{DOMAIN_NONE, DomainContext, HASH_ID_EXTMU, SHAKE256};
use fn_dsa::{KeyPairGenerator as _, SigningKey as _, VerifyingKey as _};
use fn_dsa::{compute_mu_start, hashed_vrfykey_from_vrfykey};
use fn_dsa::{sign_key_size, signature_size, vrfy_key_size};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::degree::Degree;
use crate::encoding::polynomials;
use crate::random::Random;
use crate::validity::is_valid;

/// Bytes of the hash of a public key, and of μ.
const HASH: usize = 64;

pub(crate) fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("fn-dsa", "fn-dsa 0.4.0").native_context();
    provider.constant_time(
        ConstantTime::Claimed,
        "README of fn-dsa, Optimizations: constant-time to the extent possible, a best effort; \
         on x86-64 and ARMv8 signing relies on the floating-point unit for it",
    )
}

/// FN-DSA of the degree `D`.
pub(crate) struct FnDsa<D>(PhantomData<D>);

impl<D: Degree> FnDsa<D> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<D: Degree> Signature for FnDsa<D> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut encoded = SecretBytes::zeroed(sign_key_size(D::LOG));
        let mut public = vec![0; vrfy_key_size(D::LOG)];
        let mut generator = Box::new(D::Generator::default());
        generator.keygen(D::LOG, &mut Random(rng), encoded.expose_mut(), &mut public);
        let key = D::SigningKey::decode(encoded.expose());
        let key = Mutex::new(Box::new(key.ok_or(SignatureError::ProviderFailed)?));
        Ok(Box::new(SecretKey::<D> {
            key,
            hash: hashed_vrfykey_from_vrfykey(&public),
            public,
            encoded,
        }))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let invalid = SignatureError::SigningKeyInvalid;
        // The length, the header, every code, f's inverse and the size of G.
        let key = D::SigningKey::decode(bytes).ok_or(invalid.clone())?;
        let mut public = vec![0; vrfy_key_size(D::LOG)];
        key.to_verifying_key(&mut public);
        let hash = hashed_vrfykey_from_vrfykey(&public);
        // The key holds the hash of its public key, which follows from f and g. Both are public.
        if bytes.last_chunk::<HASH>() != Some(&hash) {
            return Err(invalid);
        }
        let polynomials = polynomials(bytes, 1 << D::LOG, D::BITS);
        if !polynomials.as_ref().is_some_and(is_valid) {
            return Err(invalid);
        }
        Ok(Box::new(SecretKey::<D> {
            key: Mutex::new(Box::new(key)),
            hash,
            public,
            encoded: SecretBytes::copy_of(bytes),
        }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // The length, the header, and that every coefficient is below q.
        let key = D::VerifyingKey::decode(bytes).ok_or(SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(PublicKey::<D> {
            key: Box::new(key),
            hash: hashed_vrfykey_from_vrfykey(bytes),
            encoded: bytes.to_vec(),
        }))
    }
}

struct SecretKey<D: Degree> {
    /// The decoded key and the buffers that signing needs, for one signature at a time. The crate
    /// wipes both when they are dropped.
    key: Mutex<Box<D::SigningKey>>,
    encoded: SecretBytes,
    public: Vec<u8>,
    hash: [u8; HASH],
}

impl<D: Degree> Sign for SecretKey<D> {
    fn verifying_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.encoded.expose())),
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        let mu = mu(&self.hash, message, context)?;
        let mut signature = vec![0; signature_size(D::LOG)];
        // Whoever panicked while signing left nothing behind but scratch.
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        // It gives up after 27 attempts, which no valid key needs.
        key.sign(
            &mut Random(rng),
            &DOMAIN_NONE,
            &HASH_ID_EXTMU,
            &mu,
            &mut signature,
        )
        .ok_or(SignatureError::ProviderFailed)?;
        Ok(signature)
    }
}

struct PublicKey<D: Degree> {
    key: Box<D::VerifyingKey>,
    encoded: Vec<u8>,
    hash: [u8; HASH],
}

impl<D: Degree> Verify for PublicKey<D> {
    fn to_bytes(&self) -> Vec<u8> {
        self.encoded.clone()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let mu = mu(&self.hash, message, context)?;
        if self
            .key
            .verify(signature, &DOMAIN_NONE, &HASH_ID_EXTMU, &mu)
        {
            Ok(())
        } else {
            Err(SignatureError::Rejected)
        }
    }
}

/// The representative μ of a message and its context, for the public key with this hash.
fn mu(hash: &[u8; HASH], message: &[&[u8]], context: &[u8]) -> Result<[u8; HASH], SignatureError> {
    if context.len() > 255 {
        return Err(SignatureError::ContextTooLong(context.len()));
    }
    let mut state: SHAKE256 = compute_mu_start(hash, &DomainContext(context));
    message.iter().for_each(|part| state.inject(part));
    state.flip();
    let mut mu = [0; HASH];
    state.extract(&mut mu);
    Ok(mu)
}
