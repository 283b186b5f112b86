//! Ed25519, RFC 8032 section 5.1.
//!
//! Signing is deterministic. OpenSSL verifies as RFC 8032 says; here it also refuses public keys
//! and R of small order, with which one signature is valid for many messages, so that it agrees
//! with the other providers.

use openssl::error::ErrorStack;
use openssl::md_ctx::MdCtx;
use openssl::pkey::{PKey, Private, Public};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::evp::{self, Params};
use crate::message::{joined, refuse_context};
use crate::provider;

/// Bytes of a seed and of a point.
const LENGTH: usize = 32;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin.signature("Ed25519", provider(), OpenSsl)
}

struct OpenSsl;

impl Signature for OpenSsl {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = SecretBytes::zeroed(LENGTH);
        rng.fill_bytes(seed.expose_mut());
        self.import_signing_key(SecretForm::Seed(seed.expose()))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        // RFC 8032 section 5.1.5: the private key is its seed, so both forms are the same bytes.
        let seed = form.expose();
        let key = evp::private_key(c"ED25519", Params::new().octets(c"priv", seed));
        let key = key.map_err(|_| SignatureError::SigningKeyInvalid)?;
        let mut public = vec![0; LENGTH];
        evp::octets(&key, c"pub", &mut public).map_err(|_| SignatureError::ProviderFailed)?;
        Ok(Box::new(Signer { key, public }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let invalid = SignatureError::VerifyingKeyInvalid;
        if has_small_order(bytes) {
            return Err(invalid);
        }
        // OpenSSL finds a point off the curve when it verifies, and rejects the signature then.
        let key = evp::public_key(c"ED25519", Params::new().octets(c"pub", bytes));
        let key = key.map_err(|_| invalid)?;
        let bytes = bytes.to_vec();
        Ok(Box::new(Verifier { key, bytes }))
    }
}

struct Signer {
    /// Held by OpenSSL, which wipes it.
    key: PKey<Private>,
    public: Vec<u8>,
}

impl Signer {
    fn sign_with(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        let (mut operation, mut signature) = (MdCtx::new()?, Vec::new());
        operation.digest_sign_init(None, &self.key)?;
        operation.digest_sign_to_vec(message, &mut signature)?;
        Ok(signature)
    }
}

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Seed | SecretKind::Expanded => {
                let mut seed = SecretBytes::zeroed(LENGTH);
                evp::octets(&self.key, c"priv", seed.expose_mut())
                    .map_err(|_| SignatureError::ProviderFailed)?;
                Ok(seed)
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
        let signature = self.sign_with(&joined(message));
        signature.map_err(|_| SignatureError::ProviderFailed)
    }
}

struct Verifier {
    key: PKey<Public>,
    bytes: Vec<u8>,
}

impl Verifier {
    fn accepts(&self, message: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        let mut operation = MdCtx::new()?;
        operation.digest_verify_init(None, &self.key)?;
        operation.digest_verify(message, signature)
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
        let r = signature.get(..LENGTH).ok_or(SignatureError::Rejected)?;
        let sound = !has_small_order(r);
        match self.accepts(&joined(message), signature) {
            Ok(true) if sound => Ok(()),
            Ok(_) | Err(_) => Err(SignatureError::Rejected),
        }
    }
}

/// Whether an encoded point is one of the eight whose order divides 8, in any of its encodings:
/// whether its y, without the sign of x, is one of theirs.
fn has_small_order(point: &[u8]) -> bool {
    let Some((last, head)) = point.split_last() else {
        return false;
    };
    SMALL_ORDER_Y.iter().any(|y| {
        let (y_last, y_head) = (y[LENGTH - 1], &y[..LENGTH - 1]);
        head == y_head && last & 0x7f == y_last
    })
}

/// With p = 2^255 - 19, little-endian: 0, 1, p - 1, p, p + 1 (which are 0 and 1 again), and the
/// two y of the points of order 8.
const SMALL_ORDER_Y: [[u8; LENGTH]; 7] = [
    near(0x00, 0x00, 0x00),
    near(0x01, 0x00, 0x00),
    near(0xec, 0xff, 0x7f),
    near(0xed, 0xff, 0x7f),
    near(0xee, 0xff, 0x7f),
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
       \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
       \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
];

/// One first byte, thirty equal ones, one last.
const fn near(first: u8, middle: u8, last: u8) -> [u8; LENGTH] {
    let mut bytes = [middle; LENGTH];
    bytes[0] = first;
    bytes[LENGTH - 1] = last;
    bytes
}
