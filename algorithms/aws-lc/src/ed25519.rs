//! Ed25519, RFC 8032 section 5.1.
//!
//! Signing is deterministic and keys come from seeds of the caller's, so no random byte is
//! AWS-LC's own. AWS-LC verifies as RFC 8032 says; here it also refuses public keys and R of small
//! order, with which one signature is valid for many messages, so that it agrees with the strict
//! verification of the crate `pqfw-classical`.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

use crate::message::{joined, refuse_context};

/// Bytes of a seed, of a point and of a scalar.
const LENGTH: usize = 32;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin.signature("Ed25519", provider(), AwsLc)
}

fn provider() -> ProviderInfo {
    super::provider().constant_time(
        ConstantTime::Claimed,
        "README of s2n-bignum, whose proven assembly AWS-LC uses on x86-64 and aarch64: written \
         in a constant-time style",
    )
}

struct AwsLc;

impl Signature for AwsLc {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let mut seed = SecretBytes::zeroed(LENGTH);
        rng.fill_bytes(seed.expose_mut());
        self.import_signing_key(SecretForm::Seed(seed.expose()))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        // RFC 8032 section 5.1.5: the private key is its seed, so both forms are the same bytes.
        // AWS-LC would take the first 32 of more.
        let seed: &[u8; LENGTH] = form
            .expose()
            .try_into()
            .map_err(|_| SignatureError::SigningKeyInvalid)?;
        let key = Ed25519KeyPair::from_seed_unchecked(seed);
        let key = key.map_err(|_| SignatureError::SigningKeyInvalid)?;
        let seed = SecretBytes::copy_of(seed);
        Ok(Box::new(Signer { key, seed }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let invalid = SignatureError::VerifyingKeyInvalid;
        if bytes.len() != LENGTH || has_small_order(bytes) {
            return Err(invalid);
        }
        // AWS-LC finds a point off the curve when it verifies, and rejects the signature then.
        let key = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| invalid)?;
        Ok(Box::new(Verifier(key)))
    }
}

struct Signer {
    key: Ed25519KeyPair,
    seed: SecretBytes,
}

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.key.public_key().as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Seed | SecretKind::Expanded => Ok(SecretBytes::copy_of(self.seed.expose())),
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
        let signature = self.key.try_sign(&joined(message));
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
        let r = signature.get(..LENGTH).ok_or(SignatureError::Rejected)?;
        if has_small_order(r) {
            return Err(SignatureError::Rejected);
        }
        let outcome = self.0.verify_sig(&joined(message), signature);
        outcome.map_err(|_| SignatureError::Rejected)
    }
}

/// Whether an encoded point is one of the eight of small order, in any encoding of it: public
/// data, compared without its highest bit, the sign of x.
fn has_small_order(point: &[u8]) -> bool {
    SMALL_ORDER_Y.iter().any(|y| match (point, y) {
        ([head @ .., last], [y_head @ .., y_last]) => head == y_head && last & 0x7f == *y_last,
        _ => false,
    })
}

/// The y of the points whose order divides 8, with p = 2^255 - 19, little-endian: the orders are
/// 4, 1, 8, 8, 2; the last two, p and p + 1, are other encodings of the first two.
const SMALL_ORDER_Y: [[u8; LENGTH]; 7] = [
    [0; LENGTH],
    y_near(0x01, 0x00, 0x00),
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
       \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
       \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    y_near(0xec, 0xff, 0x7f),
    y_near(0xed, 0xff, 0x7f),
    y_near(0xee, 0xff, 0x7f),
];

/// A y of one first byte, thirty equal ones, and one last.
const fn y_near(first: u8, middle: u8, last: u8) -> [u8; LENGTH] {
    let mut y = [middle; LENGTH];
    y[0] = first;
    y[LENGTH - 1] = last;
    y
}
