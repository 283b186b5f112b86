//! The framework's signature over any of the crates that wrap PQClean: they differ in types alone.

use std::borrow::Cow;
use std::marker::PhantomData;

use pqcrypto_traits::sign::{PublicKey as _, SecretKey as _};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::overwrite::overwrite;

/// One parameter set: a module of a wrapping crate.
pub(crate) trait Set: 'static {
    /// The module's public key.
    type PublicKey: pqcrypto_traits::sign::PublicKey + Copy + Send + Sync;
    /// The module's private key.
    type SecretKey: pqcrypto_traits::sign::SecretKey + Copy;
    /// Bytes of a signature.
    const SIGNATURE: usize;
    /// Whether the algorithm has a context string.
    const CONTEXT: bool;

    /// Generates a key pair with the crate's own randomness.
    fn generate() -> (Self::PublicKey, Self::SecretKey);

    /// Signs. The crates drop the C code's verdict, so whoever calls this looks at the length.
    fn sign(message: &[u8], context: &[u8], key: &Self::SecretKey) -> Vec<u8>;

    /// Verifies a signature of [`Self::SIGNATURE`] bytes.
    fn verify(signature: &[u8], message: &[u8], context: &[u8], key: &Self::PublicKey) -> bool;

    /// The public key of an encoded private key; `None` when that is damaged, as far as it shows.
    fn public_key(secret: &[u8]) -> Option<Vec<u8>>;
}

/// The signature algorithm of the parameter set `S`.
pub(crate) struct PqClean<S>(PhantomData<fn() -> S>);

impl<S> PqClean<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Set> Signature for PqClean<S> {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let (public, mut key) = S::generate();
        let signer = Signer::<S> {
            key: SecretBytes::copy_of(key.as_bytes()),
            public: public.as_bytes().to_vec(),
            set: PhantomData,
        };
        wipe::<S>(&mut key);
        Ok(Box::new(signer))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let public = S::public_key(bytes).ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(Signer::<S> {
            key: SecretBytes::copy_of(bytes),
            public,
            set: PhantomData,
        }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // Every string of the right length is a public key of the algorithms here: FIPS 204,
        // Algorithm 23, and a seed and a root for SPHINCS+.
        let key = S::PublicKey::from_bytes(bytes);
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(Verifier::<S>(key)))
    }
}

fn wipe<S: Set>(key: &mut S::SecretKey) {
    let zeros = vec![0; key.as_bytes().len()];
    overwrite(key, S::SecretKey::from_bytes(&zeros));
}

struct Signer<S> {
    key: SecretBytes,
    public: Vec<u8>,
    set: PhantomData<fn() -> S>,
}

impl<S: Set> Sign for Signer<S> {
    fn verifying_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.key.expose())),
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        _: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        check_context::<S>(context)?;
        let key = S::SecretKey::from_bytes(self.key.expose());
        let mut key = key.map_err(|_| SignatureError::ProviderFailed)?;
        let signature = S::sign(&joined(message), context, &key);
        wipe::<S>(&mut key);
        if signature.len() == S::SIGNATURE {
            Ok(signature)
        } else {
            Err(SignatureError::ProviderFailed)
        }
    }
}

struct Verifier<S: Set>(S::PublicKey);

impl<S: Set> Verify for Verifier<S> {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        check_context::<S>(context)?;
        // The crates pad a signature that is too short; the C code looks at its length again.
        if signature.len() == S::SIGNATURE
            && S::verify(signature, &joined(message), context, &self.0)
        {
            Ok(())
        } else {
            Err(SignatureError::Rejected)
        }
    }
}

/// One slice of many, without a copy where there is but one.
fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}

fn check_context<S: Set>(context: &[u8]) -> Result<(), SignatureError> {
    match context.len() {
        0 => Ok(()),
        _ if !S::CONTEXT => Err(SignatureError::ContextUnsupported),
        // FIPS 204 section 5.2.
        1..=255 => Ok(()),
        longer => Err(SignatureError::ContextTooLong(longer)),
    }
}
