//! The keys of a backup. All are derived with the whole head as context and used once.

use crate::aead::{AdmittedAead, AeadKey};
use crate::kdf::AdmittedKdf;
use crate::secret::SecretBytes;

use super::BackupError;

/// Bytes of a recipient's share, and of the file secret when any one recipient is enough.
pub(super) const SHARE_BYTES: usize = 32;
/// Bytes of the commitment to the file secret.
pub(super) const COMMITMENT_BYTES: usize = 32;

const WRAP_LABEL: &[u8] = b"pqfw-backup-1 wrap\0";
const PAYLOAD_LABEL: &[u8] = b"pqfw-backup-1 payload\0";

/// A key with the one nonce that it is used with.
pub(super) struct OneTimeKey {
    pub(super) key: AeadKey,
    pub(super) nonce: Vec<u8>,
}

/// The key under which the share of the recipient at `index` lies, from that recipient's secret.
pub(super) fn wrap(
    kdf: &AdmittedKdf,
    aead: &AdmittedAead,
    shared_secret: &SecretBytes,
    index: usize,
    head: &[u8],
) -> Result<OneTimeKey, BackupError> {
    let index = (index as u32).to_be_bytes();
    let (key, _) = derive(
        kdf,
        aead,
        shared_secret.expose(),
        &[WRAP_LABEL, &index, head],
        0,
    )?;
    Ok(key)
}

/// The key of the payload, and the commitment that makes it the only key of this payload: an AEAD
/// alone does not promise that (key commitment, RFC 9771).
pub(super) fn payload(
    kdf: &AdmittedKdf,
    aead: &AdmittedAead,
    file_secret: &SecretBytes,
    head: &[u8],
) -> Result<(OneTimeKey, SecretBytes), BackupError> {
    derive(
        kdf,
        aead,
        file_secret.expose(),
        &[PAYLOAD_LABEL, head],
        COMMITMENT_BYTES,
    )
}

/// Key, nonce and `more` bytes, from one extraction and one expansion.
fn derive(
    kdf: &AdmittedKdf,
    aead: &AdmittedAead,
    secret: &[u8],
    info: &[&[u8]],
    more: usize,
) -> Result<(OneTimeKey, SecretBytes), BackupError> {
    let sizes = aead.sizes();
    let okm = kdf.derive(&[], secret, info, sizes.key + sizes.nonce + more)?;
    let (key, rest) = okm.expose().split_at(sizes.key);
    let (nonce, more) = rest.split_at(sizes.nonce);
    let one_time = OneTimeKey {
        key: aead.key(key)?,
        nonce: nonce.to_vec(),
    };
    Ok((one_time, SecretBytes::copy_of(more)))
}

/// The file secret: the one share that all recipients have, or all of their shares in order.
pub(super) fn join(shares: &[SecretBytes]) -> SecretBytes {
    let mut joined = SecretBytes::zeroed(shares.len() * SHARE_BYTES);
    let places = joined.expose_mut().chunks_exact_mut(SHARE_BYTES);
    for (place, share) in places.zip(shares) {
        place.copy_from_slice(share.expose());
    }
    joined
}
