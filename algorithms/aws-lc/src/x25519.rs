//! X25519 as a KEM: DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1.
//!
//! Private keys, the ephemeral ones too, are read from bytes of the caller's, so that no random
//! byte is AWS-LC's own. One is exported as it was imported: RFC 9180 section 7.1.2 clamps on the
//! way out instead, RFC 7748 on use, and both give the same function.

use std::sync::Arc;

use aws_lc_rs::agreement::{PrivateKey, PublicKey, UnparsedPublicKey, X25519, agree};
use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use zeroize::Zeroizing;

use crate::dhkem::{self, Secret};

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin.kem("X25519", provider(), AwsLc(Secret::Dhkem(&dhkem::X25519)))
}

fn provider() -> ProviderInfo {
    super::provider().constant_time(
        ConstantTime::Claimed,
        "README of s2n-bignum, whose proven assembly AWS-LC uses on x86-64 and aarch64: written \
         in a constant-time style",
    )
}

struct AwsLc(Secret);

impl Kem for AwsLc {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(Recipient::new(random_key(rng)?, self.0)?))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        // RFC 7748 section 5 takes any 32 bytes; a point of small order shows in `encapsulate`.
        let bytes = bytes
            .try_into()
            .map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(RecipientPublic {
            bytes,
            secret: self.0,
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let key = PrivateKey::from_private_key(&X25519, bytes);
        let key = key.map_err(|_| KemError::DecapsulationKeyInvalid)?;
        Ok(Box::new(Recipient::new(key, self.0)?))
    }

    fn bare_diffie_hellman(&self) -> Option<Arc<dyn Kem>> {
        Some(Arc::new(Self(Secret::Bare)))
    }
}

fn random_key(rng: &mut dyn CryptoRng) -> Result<PrivateKey, KemError> {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *bytes);
    PrivateKey::from_private_key(&X25519, &*bytes).map_err(|_| KemError::ProviderFailed)
}

fn public_of(key: &PrivateKey) -> Result<PublicKey, KemError> {
    key.compute_public_key()
        .map_err(|_| KemError::ProviderFailed)
}

struct RecipientPublic {
    bytes: [u8; 32],
    secret: Secret,
}

impl Encapsulate for RecipientPublic {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let ephemeral = random_key(rng)?;
        let enc = public_of(&ephemeral)?;
        let recipient = UnparsedPublicKey::new(&X25519, self.bytes);
        // RFC 9180 section 7.1.4: AWS-LC fails on the all-zero output of a point of small order.
        agree(
            &ephemeral,
            recipient,
            KemError::EncapsulationKeyInvalid,
            |dh| {
                let recipient = &self.bytes;
                self.secret
                    .derive(dh, enc.as_ref(), recipient, shared_secret)
            },
        )?;
        ciphertext.copy_from_slice(enc.as_ref());
        Ok(())
    }
}

struct Recipient {
    /// Held by AWS-LC, which wipes it.
    key: PrivateKey,
    public: PublicKey,
    secret: Secret,
}

impl Recipient {
    fn new(key: PrivateKey, secret: Secret) -> Result<Self, KemError> {
        let public = public_of(&key)?;
        Ok(Self {
            key,
            public,
            secret,
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
        let bytes: Result<Curve25519SeedBin<'_>, _> = self.key.as_be_bytes();
        let bytes = bytes.map_err(|_| KemError::ProviderFailed)?;
        Ok(SecretBytes::copy_of(bytes.as_ref()))
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let enc = UnparsedPublicKey::new(&X25519, ciphertext);
        // As in `encapsulate`; such a point gives zero with every private key, so the refusal
        // tells nothing of ours.
        agree(&self.key, enc, KemError::CiphertextInvalid, |dh| {
            let recipient = self.public.as_ref();
            self.secret.derive(dh, ciphertext, recipient, shared_secret)
        })
    }
}
