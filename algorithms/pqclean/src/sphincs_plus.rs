//! SPHINCS+-SHA2-128f-simple: SPHINCS+ submission to round 3.1, 10 June 2022.
//!
//! It signs the message as it is: round 3.1 has no context, and no prefix as FIPS 205 has.
//!
//! The wrapper's `SecretKey` is `Copy` and does not wipe itself. So the key lives here in
//! [`SecretBytes`], and the wrapper's copy is made for one signature and overwritten after it.
//! What remains: copies that the compiler may leave where a `SecretKey` was moved, and whatever
//! the C code leaves on its stack.
//!
//! A key is not checked when it is imported: its last part follows from the others, but the
//! wrapper offers no way to compute it again. A damaged key makes signatures that do not verify.

use std::borrow::Cow;
use std::hint::black_box;

use pqcrypto_sphincsplus::sphincssha2128fsimple::{
    DetachedSignature, PublicKey, SecretKey, detached_sign, keypair, verify_detached_signature,
};
use pqcrypto_traits::sign::{DetachedSignature as _, PublicKey as _, SecretKey as _};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

/// Bytes of SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root, and of its second half, the public key.
const SECRET_KEY: usize = 2 * PUBLIC_KEY;
const PUBLIC_KEY: usize = 32;
const SIGNATURE: usize = 17_088;

pub(crate) fn provider() -> ProviderInfo {
    let provider = ProviderInfo::new("pqclean", "pqcrypto-sphincsplus 0.7.2");
    provider.own_randomness().constant_time(
        ConstantTime::Unclaimed,
        "PQClean makes no explicit security claims (its SECURITY.md) and never got to checking \
         for branches on secrets (its README); SPHINCS+ hashes its secrets and indexes by public \
         values alone",
    )
}

/// SPHINCS+-SHA2-128f-simple by PQClean: its AVX2 code where there is AVX2, else its plain C.
pub(crate) struct PqClean;

impl Signature for PqClean {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let (_, mut key) = keypair();
        let signer = Signer::new(key.as_bytes());
        overwrite(&mut key);
        Ok(Box::new(signer.ok_or(SignatureError::ProviderFailed)?))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let signer = Signer::new(bytes).ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(signer))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        // Every string of the right length is a public key: a seed and a root.
        let key = PublicKey::from_bytes(bytes);
        let key = key.map_err(|_| SignatureError::VerifyingKeyInvalid)?;
        Ok(Box::new(Verifier(key)))
    }
}

/// Puts another key in the place of `key`, in a way that the compiler must take for a use.
fn overwrite(key: &mut SecretKey) {
    if let Ok(zeros) = SecretKey::from_bytes(&[0; SECRET_KEY]) {
        *key = zeros;
        black_box(key);
    }
}

struct Signer {
    key: SecretBytes,
    public: [u8; PUBLIC_KEY],
}

impl Signer {
    /// Takes a private key; `None` when it has another length.
    fn new(key: &[u8]) -> Option<Self> {
        let public = *key.last_chunk()?;
        (key.len() == SECRET_KEY).then(|| Self {
            key: SecretBytes::copy_of(key),
            public,
        })
    }
}

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.public.to_vec()
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
        refuse_context(context)?;
        let key = SecretKey::from_bytes(self.key.expose());
        let mut key = key.map_err(|_| SignatureError::ProviderFailed)?;
        let signature = detached_sign(&joined(message), &key);
        overwrite(&mut key);
        Ok(signature.as_bytes().to_vec())
    }
}

struct Verifier(PublicKey);

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
        let rejected = SignatureError::Rejected;
        // The wrapper pads a signature that is too short; the C code looks at its length again.
        if signature.len() != SIGNATURE {
            return Err(rejected);
        }
        let signature = DetachedSignature::from_bytes(signature).map_err(|_| rejected.clone())?;
        verify_detached_signature(&signature, &joined(message), &self.0).map_err(|_| rejected)
    }
}

/// One slice of many, without a copy where there is but one.
fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}

fn refuse_context(context: &[u8]) -> Result<(), SignatureError> {
    match context {
        [] => Ok(()),
        _ => Err(SignatureError::ContextUnsupported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overwritten_key_is_all_zeros() {
        let mut key = SecretKey::from_bytes(&[7; SECRET_KEY]).unwrap();
        overwrite(&mut key);
        assert_eq!(key.as_bytes(), [0; SECRET_KEY]);
    }
}
