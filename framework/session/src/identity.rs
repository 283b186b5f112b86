//! Who an end is: a signing key, with its public half as it travels.

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::{Fingerprint, KeyCodecError, public_from_file, public_to_der};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::{AdmittedSignature, SignatureError, SigningKey, VerifyingKey};

use crate::alert::Alert;
use crate::error::{ChannelError, refused};

/// A signing key, with its SubjectPublicKeyInfo and fingerprint.
pub struct Identity {
    key: SigningKey,
    spki: Vec<u8>,
    fingerprint: Fingerprint,
}

impl Identity {
    /// Takes a key; `sha256` is any suite's `digest`.
    ///
    /// # Errors
    /// [`KeyCodecError::NoIdentifier`] for an algorithm whose keys cannot be named on the wire.
    pub fn new(key: SigningKey, sha256: &AdmittedHash) -> Result<Self, KeyCodecError> {
        let public = key.verifying_key();
        Ok(Self {
            spki: public_to_der(key.info(), &public)?,
            fingerprint: Fingerprint::of(sha256, key.info(), &public)?,
            key,
        })
    }

    /// The name by which peers know it.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The public key as DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The name of its signature algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.key.info().id
    }

    /// Signs a statement that others are shown later: its label tells it from every other, and from
    /// the channel's own signatures.
    ///
    /// # Errors
    /// [`SignatureError::ProviderFailed`].
    pub fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        label: &str,
        digest: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        self.key.sign(rng, &statement(label, digest))
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }
}

/// `"pqfw/1 " ‖ label ‖ 0x00 ‖ digest`.
fn statement<'a>(label: &'a str, digest: &'a [u8]) -> [&'a [u8]; 4] {
    [b"pqfw/1 ", label.as_bytes(), &[0], digest]
}

/// A peer's key. Outside this crate there are only those that a channel proved.
pub struct PeerKey {
    pub(crate) key: VerifyingKey,
    pub(crate) fingerprint: Fingerprint,
}

impl PeerKey {
    /// The name by which it is known.
    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether the peer signed that statement, as [`Identity::sign`] does.
    ///
    /// # Errors
    /// [`ChannelError::Primitive`].
    pub fn verifies(
        &self,
        label: &str,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, ChannelError> {
        match self.key.verify(&statement(label, digest), &[], signature) {
            Ok(()) => Ok(true),
            Err(SignatureError::Rejected) => Ok(false),
            Err(other) => Err(other.into()),
        }
    }

    /// Reads an identity. A key has one encoding: whatever else parses is refused.
    pub(crate) fn read(
        signature: &AdmittedSignature,
        sha256: &AdmittedHash,
        spki: &[u8],
    ) -> Result<Self, ChannelError> {
        let bad = |reason| refused(Alert::BadIdentity, reason);
        let info = signature.info();
        let Ok(public) = public_from_file(info, spki) else {
            return bad("the identity is no key of the suite's signature algorithm");
        };
        if public_to_der(info, &public).as_deref() != Ok(spki) {
            return bad("the identity is not in its one encoding");
        }
        let Ok(key) = signature.import_verifying_key(&public) else {
            return bad("the identity's key is not valid");
        };
        let fingerprint = Fingerprint::of(sha256, info, &public)?;
        Ok(Self { key, fingerprint })
    }
}
