//! X25519 (RFC 7748 section 5) for DHKEM, by x25519-dalek.
//!
//! A private key is any 32 bytes and is exported as it was imported. RFC 9180 section 7.1.2 clamps
//! it on the way out instead; both give the same function, since RFC 7748 clamps on use, and a key
//! file that comes back unchanged can be compared. A public key is any 32 bytes too.

use pqfw_framework::kem::KemError;
use pqfw_framework::secret::SecretBytes;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::dhkem::{Group, LabeledPrk};

/// Bytes of a private key, of a public key and of a Diffie-Hellman output.
const LENGTH: usize = 32;

/// DHKEM(X25519, HKDF-SHA256).
pub(crate) struct X25519;

impl Group for X25519 {
    const KEM_ID: u16 = 0x0020;
    const PRIVATE_KEY: usize = LENGTH;
    type Hash = Sha256;
    type PrivateKey = StaticSecret;
    type PublicKey = PublicKey;

    fn read_private(bytes: &[u8]) -> Option<StaticSecret> {
        let bytes = Zeroizing::new(<[u8; LENGTH]>::try_from(bytes).ok()?);
        Some(StaticSecret::from(*bytes))
    }

    fn write_private(key: &StaticSecret) -> SecretBytes {
        SecretBytes::copy_of(key.as_bytes())
    }

    fn public(key: &StaticSecret) -> PublicKey {
        PublicKey::from(key)
    }

    fn read_public(bytes: &[u8]) -> Option<PublicKey> {
        // A point of small order shows in its Diffie-Hellman output.
        <[u8; LENGTH]>::try_from(bytes).ok().map(PublicKey::from)
    }

    fn write_public(key: &PublicKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }

    fn diffie_hellman(private: &StaticSecret, public: &PublicKey) -> Option<SecretBytes> {
        let dh = private.diffie_hellman(public);
        // A point of small order gives zero with every private key, so the answer tells nothing
        // of ours.
        dh.was_contributory()
            .then(|| SecretBytes::copy_of(dh.as_bytes()))
    }

    fn derive(prk: &LabeledPrk<Sha256>) -> Result<Option<StaticSecret>, KemError> {
        let mut bytes = SecretBytes::zeroed(LENGTH);
        prk.expand(b"sk", [&[], &[]], bytes.expose_mut())?;
        Ok(Self::read_private(bytes.expose()))
    }
}
