//! The dialect's few cryptographic steps, over whatever suite there is.

use pqfw_framework::aead::{AeadError, AeadKey};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;

/// The info string of the key derivation; the salt is empty.
const KEY_INFO: &[u8] = b"qu3-aes-gcm-key";

/// Derives the session's one key from the KEM's secret.
pub(crate) fn session_key<E>(suite: &Suite, shared_secret: &SecretBytes) -> Result<AeadKey, E>
where
    E: From<AeadError> + From<pqfw_framework::kdf::KdfError>,
{
    let length = suite.aead.sizes().key;
    let key = suite
        .kdf
        .derive(&[], shared_secret.expose(), &[KEY_INFO], length)?;
    Ok(suite.aead.key(key.expose())?)
}

/// Seals under a fresh random nonce: `(nonce, ciphertext ‖ tag)`. The AAD is empty.
pub(crate) fn seal(
    suite: &Suite,
    key: &AeadKey,
    rng: &mut dyn CryptoRng,
    plaintext: &[u8],
) -> Result<(Vec<u8>, Vec<u8>), AeadError> {
    let mut nonce = vec![0; suite.aead.sizes().nonce];
    rng.fill_bytes(&mut nonce);
    let sealed = key.seal(&nonce, &[], plaintext)?;
    Ok((nonce, sealed))
}
