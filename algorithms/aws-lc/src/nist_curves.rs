//! The NIST curves P-256 and P-384 (SP 800-186) as KEMs: DHKEM, RFC 9180 section 4.1.
//!
//! Points are uncompressed (SEC 1 section 2.3.3) and checked when they are read; private keys are
//! scalars, big-endian, drawn from the caller's randomness.

use std::sync::Arc;

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ParsedPublicKey, PrivateKey, PublicKey, UnparsedPublicKey,
    agree,
};
use aws_lc_rs::encoding::{AsBigEndian, EcPrivateKeyBin};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use crate::dhkem::{self, Secret};

/// The tag of an uncompressed point.
const UNCOMPRESSED: u8 = 4;
/// A random string is no scalar with probability 2^-32 at most, so this many in a row are a fault.
const DRAWS: usize = 8;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .kem("P-256", provider(), P256)
        .kem("P-384", provider(), P384)
}

pub(crate) fn provider() -> ProviderInfo {
    super::provider().constant_time(
        ConstantTime::Claimed,
        "README of s2n-bignum, whose proven assembly AWS-LC uses for P-384 and, beside its own \
         nistz256, for P-256: written in a constant-time style",
    )
}

const P256: Curve = Curve {
    algorithm: &ECDH_P256,
    secret: Secret::Dhkem(&dhkem::P256),
    scalar_bytes: 32,
};
const P384: Curve = Curve {
    algorithm: &ECDH_P384,
    secret: Secret::Dhkem(&dhkem::P384),
    scalar_bytes: 48,
};

#[derive(Clone, Copy)]
struct Curve {
    algorithm: &'static Algorithm,
    secret: Secret,
    scalar_bytes: usize,
}

impl Curve {
    fn random_key(&self, rng: &mut dyn CryptoRng) -> Result<PrivateKey, KemError> {
        random_scalar(self.algorithm, self.scalar_bytes, rng).ok_or(KemError::ProviderFailed)
    }

    /// A point, if the bytes are the uncompressed encoding of one on the curve.
    fn point(&self, bytes: &[u8]) -> Option<ParsedPublicKey> {
        let uncompressed = bytes.first() == Some(&UNCOMPRESSED);
        let whole = bytes.len() == 2 * self.scalar_bytes + 1;
        if !(uncompressed && whole) {
            return None;
        }
        ParsedPublicKey::try_from(UnparsedPublicKey::new(self.algorithm, bytes)).ok()
    }
}

/// Draws scalars until one lies between 1 and the order of the curve.
pub(crate) fn random_scalar(
    algorithm: &'static Algorithm,
    scalar_bytes: usize,
    rng: &mut dyn CryptoRng,
) -> Option<PrivateKey> {
    (0..DRAWS).find_map(|_| {
        let mut bytes = SecretBytes::zeroed(scalar_bytes);
        rng.fill_bytes(bytes.expose_mut());
        PrivateKey::from_private_key(algorithm, bytes.expose()).ok()
    })
}

impl Kem for Curve {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(Recipient::new(*self, self.random_key(rng)?)?))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let point = self.point(bytes).ok_or(KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(RecipientPublic {
            curve: *self,
            point,
            bytes: bytes.to_vec(),
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let key = PrivateKey::from_private_key(self.algorithm, bytes);
        let key = key.map_err(|_| KemError::DecapsulationKeyInvalid)?;
        Ok(Box::new(Recipient::new(*self, key)?))
    }

    fn bare_diffie_hellman(&self) -> Option<Arc<dyn Kem>> {
        Some(Arc::new(Self {
            secret: Secret::Bare,
            ..*self
        }))
    }
}

fn public_of(key: &PrivateKey) -> Result<PublicKey, KemError> {
    key.compute_public_key()
        .map_err(|_| KemError::ProviderFailed)
}

struct RecipientPublic {
    curve: Curve,
    point: ParsedPublicKey,
    bytes: Vec<u8>,
}

impl Encapsulate for RecipientPublic {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let ephemeral = self.curve.random_key(rng)?;
        let enc = public_of(&ephemeral)?;
        agree(
            &ephemeral,
            self.point.clone(),
            KemError::ProviderFailed,
            |dh| {
                let secret = self.curve.secret;
                secret.derive(dh, enc.as_ref(), &self.bytes, shared_secret)
            },
        )?;
        ciphertext.copy_from_slice(enc.as_ref());
        Ok(())
    }
}

struct Recipient {
    curve: Curve,
    /// Held by AWS-LC, which wipes it.
    secret: PrivateKey,
    public: PublicKey,
}

impl Recipient {
    fn new(curve: Curve, secret: PrivateKey) -> Result<Self, KemError> {
        let public = public_of(&secret)?;
        Ok(Self {
            curve,
            secret,
            public,
        })
    }
}

impl Decapsulate for Recipient {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.public.as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        let SecretKind::Expanded = kind else {
            return Err(KemError::FormUnsupported(kind));
        };
        let bytes: Result<EcPrivateKeyBin<'_>, _> = self.secret.as_be_bytes();
        let bytes = bytes.map_err(|_| KemError::ProviderFailed)?;
        Ok(SecretBytes::copy_of(bytes.as_ref()))
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        // RFC 9180 section 7.1.4: a point off the curve is refused from public data.
        let enc = self.curve.point(ciphertext);
        let enc = enc.ok_or(KemError::CiphertextInvalid)?;
        agree(&self.secret, enc, KemError::CiphertextInvalid, |dh| {
            let (secret, recipient) = (self.curve.secret, self.public.as_ref());
            secret.derive(dh, ciphertext, recipient, shared_secret)
        })
    }
}
