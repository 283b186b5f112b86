//! DHKEM of RFC 9180 section 4.1: any Diffie-Hellman group as a KEM.
//!
//! ```text
//!  encapsulation key = pkR        ciphertext = enc = pkE
//!  shared secret     = ExtractAndExpand(DH(skE, pkR) = DH(skR, pkE), enc ‖ pkR)
//! ```
//!
//! A private key is random, or derived from a seed (section 7.1.3). Without AuthEncap.

mod labeled;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::sync::Arc;

use hkdf::hmac::EagerHash;
use hkdf::hmac::digest::OutputSizeUser;
use hkdf::hmac::digest::typenum::Unsigned;
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use crate::candidates::first_key;
pub(crate) use labeled::LabeledPrk;

/// A group as DHKEM uses it, with the encodings of RFC 9180 section 7.1.
pub(crate) trait Group: 'static {
    /// RFC 9180 section 7.1, or the catalogue where that has none.
    const KEM_ID: u16;
    /// Nsk: bytes of a private key, and of the seed of one.
    const PRIVATE_KEY: usize;
    /// Of the KDF, HKDF. Its output is as long as the shared secret.
    type Hash: EagerHash;
    /// A private key, wiped when it is dropped.
    type PrivateKey: Send + Sync;
    /// A public key that its encoding allows (RFC 9180 section 7.1.4).
    type PublicKey: Send + Sync;

    /// DeserializePrivateKey; `None` for bytes that are no private key.
    fn read_private(bytes: &[u8]) -> Option<Self::PrivateKey>;

    /// SerializePrivateKey.
    fn write_private(key: &Self::PrivateKey) -> SecretBytes;

    /// pk(sk).
    fn public(key: &Self::PrivateKey) -> Self::PublicKey;

    /// DeserializePublicKey; `None` for bytes that are no public key.
    fn read_public(bytes: &[u8]) -> Option<Self::PublicKey>;

    /// SerializePublicKey.
    fn write_public(key: &Self::PublicKey) -> Vec<u8>;

    /// DH; `None` for an output that RFC 9180 section 7.1.4 refuses.
    fn diffie_hellman(private: &Self::PrivateKey, public: &Self::PublicKey) -> Option<SecretBytes>;

    /// DeriveKeyPair of RFC 9180 section 7.1.3 from its `dkp_prk`; here as for curves whose order
    /// fills its bytes, so that the bitmask is 0xff.
    fn derive(prk: &LabeledPrk<Self::Hash>) -> Result<Option<Self::PrivateKey>, KemError> {
        let fill =
            |counter, candidate: &mut [u8]| prk.expand(b"candidate", [&[counter], &[]], candidate);
        first_key(Self::PRIVATE_KEY, fill, Self::read_private)
    }
}

/// DHKEM over the group `G`, or what it is made of.
pub(crate) struct Dhkem<G> {
    secret: Secret,
    group: PhantomData<fn() -> G>,
}

/// What becomes of a Diffie-Hellman output.
#[derive(Clone, Copy)]
enum Secret {
    /// ExtractAndExpand.
    Derived,
    /// The output itself, for protocols that bind it by themselves: RFC 8446 section 7.4.2.
    Bare,
}

impl<G> Dhkem<G> {
    pub(crate) fn new() -> Self {
        Self {
            secret: Secret::Derived,
            group: PhantomData,
        }
    }
}

impl<G: Group> Kem for Dhkem<G> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let key = random_key::<G>(rng)?;
        Ok(Box::new(Recipient::<G>::new(key, None, self.secret)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = G::read_public(bytes).ok_or(KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(RecipientPublic::<G> {
            key,
            secret: self.secret,
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let invalid = KemError::DecapsulationKeyInvalid;
        let (key, seed) = match form {
            SecretForm::Expanded(bytes) => (G::read_private(bytes), None),
            SecretForm::Seed(seed) if seed.len() == G::PRIVATE_KEY => {
                let prk = LabeledPrk::extract(G::KEM_ID, b"dkp_prk", seed);
                (G::derive(&prk)?, Some(SecretBytes::copy_of(seed)))
            }
            SecretForm::Seed(_) => (None, None),
            _ => return Err(KemError::FormUnsupported(form.kind())),
        };
        let key = key.ok_or(invalid)?;
        Ok(Box::new(Recipient::<G>::new(key, seed, self.secret)))
    }

    fn bare_diffie_hellman(&self) -> Option<Arc<dyn Kem>> {
        Some(Arc::new(Self {
            secret: Secret::Bare,
            group: PhantomData,
        }))
    }
}

fn random_key<G: Group>(rng: &mut dyn CryptoRng) -> Result<G::PrivateKey, KemError> {
    let fill = |_, candidate: &mut [u8]| {
        rng.fill_bytes(candidate);
        Ok(())
    };
    first_key(G::PRIVATE_KEY, fill, G::read_private)?.ok_or(KemError::ProviderFailed)
}

/// ExtractAndExpand with kem_context = enc ‖ pkRm, or nothing but a copy.
fn derive<G: Group>(
    secret: Secret,
    dh: &SecretBytes,
    enc: &[u8],
    recipient: &[u8],
    shared_secret: &mut [u8],
) -> Result<(), KemError> {
    if let Secret::Bare = secret {
        if shared_secret.len() != dh.len() {
            return Err(KemError::ProviderFailed);
        }
        shared_secret.copy_from_slice(dh.expose());
        return Ok(());
    }
    if shared_secret.len() != <G::Hash as OutputSizeUser>::OutputSize::USIZE {
        return Err(KemError::ProviderFailed);
    }
    let eae_prk = LabeledPrk::<G::Hash>::extract(G::KEM_ID, b"eae_prk", dh.expose());
    eae_prk.expand(b"shared_secret", [enc, recipient], shared_secret)
}

struct RecipientPublic<G: Group> {
    key: G::PublicKey,
    secret: Secret,
}

impl<G: Group> Encapsulate for RecipientPublic<G> {
    fn to_bytes(&self) -> Vec<u8> {
        G::write_public(&self.key)
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let ephemeral = random_key::<G>(rng)?;
        let enc = G::write_public(&G::public(&ephemeral));
        if ciphertext.len() != enc.len() {
            return Err(KemError::ProviderFailed);
        }
        let dh = G::diffie_hellman(&ephemeral, &self.key);
        let dh = dh.ok_or(KemError::EncapsulationKeyInvalid)?;
        derive::<G>(self.secret, &dh, &enc, &self.to_bytes(), shared_secret)?;
        ciphertext.copy_from_slice(&enc);
        Ok(())
    }
}

struct Recipient<G: Group> {
    key: G::PrivateKey,
    public: Vec<u8>,
    seed: Option<SecretBytes>,
    secret: Secret,
}

impl<G: Group> Recipient<G> {
    fn new(key: G::PrivateKey, seed: Option<SecretBytes>, secret: Secret) -> Self {
        let public = G::write_public(&G::public(&key));
        Self {
            key,
            public,
            seed,
            secret,
        }
    }
}

impl<G: Group> Decapsulate for Recipient<G> {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match (kind, &self.seed) {
            (SecretKind::Expanded, _) => Ok(G::write_private(&self.key)),
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        // Both refusals depend on the ciphertext alone: RFC 9180 section 7.1.4.
        let invalid = KemError::CiphertextInvalid;
        let ephemeral = G::read_public(ciphertext).ok_or(invalid.clone())?;
        let dh = G::diffie_hellman(&self.key, &ephemeral).ok_or(invalid)?;
        derive::<G>(self.secret, &dh, ciphertext, &self.public, shared_secret)
    }
}
