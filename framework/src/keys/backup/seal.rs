//! Making a backup.

use rand_core::CryptoRng;

use super::head::Head;
use super::keys::{self, SHARE_BYTES};
use super::{BackupError, BackupFile, Fingerprint, Need, RecipientInfo, payload};
use crate::aead::AdmittedAead;
use crate::hash::AdmittedHash;
use crate::kdf::AdmittedKdf;
use crate::kem::EncapsulationKey;
use crate::secret::SecretBytes;
use crate::wire::Writer;

/// The symmetric algorithms of a backup.
pub struct BackupSuite {
    /// Derives every key.
    pub kdf: AdmittedKdf,
    /// Seals shares and payload.
    pub aead: AdmittedAead,
    /// SHA-256, for fingerprints.
    pub sha256: AdmittedHash,
}

/// Seals files to recovery keys.
///
/// # Errors
/// [`BackupError`]: names, counts, sizes, a recovery key that cannot be used.
pub fn seal(
    suite: &BackupSuite,
    files: &[BackupFile],
    recipients: &[EncapsulationKey],
    need: Need,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, BackupError> {
    let payload = payload::encode(files)?;
    let mut head = Head {
        need,
        kdf: suite.kdf.info().id.clone(),
        aead: suite.aead.info().id.clone(),
        recipients: Vec::new(),
        ciphertexts: Vec::new(),
    };
    let mut shared_secrets = Vec::new();
    for key in recipients {
        let fingerprint = Fingerprint::of(&suite.sha256, key.info(), &key.to_bytes())?;
        let (ciphertext, shared_secret) = key.encapsulate(rng)?;
        head.recipients.push(RecipientInfo {
            kem: key.info().id.clone(),
            fingerprint,
        });
        head.ciphertexts.push(ciphertext);
        shared_secrets.push(shared_secret);
    }
    let head = head.encode()?;
    let mut fresh_share = || {
        let mut share = SecretBytes::zeroed(SHARE_BYTES);
        rng.fill_bytes(share.expose_mut());
        share
    };
    let distinct = match need {
        Need::Any => 1,
        Need::All => recipients.len(),
    };
    let shares: Vec<_> = (0..distinct).map(|_| fresh_share()).collect();

    let mut file = Writer::new();
    file.bytes(&head);
    // One share for everybody, or one for each.
    for (index, (shared_secret, share)) in
        shared_secrets.iter().zip(shares.iter().cycle()).enumerate()
    {
        let wrap = keys::wrap(&suite.kdf, &suite.aead, shared_secret, index, &head)?;
        let wrapped = wrap.key.seal(&wrap.nonce, &head, share.expose())?;
        file.vector16("share", &wrapped)?;
    }
    let file_secret = keys::join(&shares);
    let (key, commitment) = keys::payload(&suite.kdf, &suite.aead, &file_secret, &head)?;
    file.bytes(commitment.expose());
    let before = file.clone().finish();
    let sealed = key.key.seal(&key.nonce, &before, payload.expose())?;
    file.vector32("payload", &sealed)?;
    Ok(file.finish())
}
