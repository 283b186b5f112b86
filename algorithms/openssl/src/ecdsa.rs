//! ECDSA (FIPS 186-5 section 6) over P-256 with SHA-256 and over P-384 with SHA-384.
//!
//! Signing is deterministic (FIPS 186-5 section 6.3.2, RFC 6979), since OpenSSL takes no random
//! bytes of a caller's for a nonce. A signature is the DER of RFC 3279 section 2.2.3, and OpenSSL
//! rejects one that is encoded in any other way.

use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::md_ctx::MdCtx;
use openssl::pkey::{PKey, Public};
use openssl::pkey_ctx::NonceType;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::curve::{Curve, KeyPair, P256, P384};
use crate::message::refuse_context;
use crate::provider;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let ecdsa = |curve, hash| Ecdsa { curve, hash };
    plugin
        .signature("ECDSA-P256", provider(), ecdsa(P256, Md::sha256))
        .signature("ECDSA-P384", provider(), ecdsa(P384, Md::sha384))
}

#[derive(Clone, Copy)]
struct Ecdsa {
    curve: Curve,
    hash: fn() -> &'static MdRef,
}

impl Ecdsa {
    fn signer(self, pair: KeyPair) -> Box<dyn Sign> {
        Box::new(Signer { ecdsa: self, pair })
    }
}

impl Signature for Ecdsa {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let pair = self.curve.generate(rng);
        Ok(self.signer(pair.ok_or(SignatureError::ProviderFailed)?))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(scalar) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let pair = self.curve.read_private(scalar);
        Ok(self.signer(pair.ok_or(SignatureError::SigningKeyInvalid)?))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let key = self.curve.read_public(bytes);
        Ok(Box::new(Verifier {
            ecdsa: *self,
            key: key.ok_or(SignatureError::VerifyingKeyInvalid)?,
            bytes: bytes.to_vec(),
        }))
    }
}

struct Signer {
    ecdsa: Ecdsa,
    pair: KeyPair,
}

impl Signer {
    fn sign_parts(&self, message: &[&[u8]]) -> Result<Vec<u8>, ErrorStack> {
        let (mut operation, mut signature) = (MdCtx::new()?, Vec::new());
        let hash = (self.ecdsa.hash)();
        let parameters = operation.digest_sign_init(Some(hash), &self.pair.key)?;
        parameters.set_nonce_type(NonceType::DETERMINISTIC_K)?;
        for part in message {
            operation.digest_sign_update(part)?;
        }
        operation.digest_sign_final_to_vec(&mut signature)?;
        Ok(signature)
    }
}

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.pair.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.pair.secret.expose())),
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
        let signature = self.sign_parts(message);
        signature.map_err(|_| SignatureError::ProviderFailed)
    }
}

struct Verifier {
    ecdsa: Ecdsa,
    key: PKey<Public>,
    bytes: Vec<u8>,
}

impl Verifier {
    fn accepts(&self, message: &[&[u8]], signature: &[u8]) -> Result<bool, ErrorStack> {
        let mut operation = MdCtx::new()?;
        operation.digest_verify_init(Some((self.ecdsa.hash)()), &self.key)?;
        for part in message {
            operation.digest_verify_update(part)?;
        }
        operation.digest_verify_final(signature)
    }
}

impl Verify for Verifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        refuse_context(context)?;
        match self.accepts(message, signature) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(SignatureError::Rejected),
        }
    }
}
