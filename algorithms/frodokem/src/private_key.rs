//! A private key: read with checks that the crate does not make, and wiped on drop.
//!
//! ```text
//! s ‖ seedA ‖ b ‖ S^T ‖ pkh        sk of draft-longa-cfrg-frodokem, section "Key Generation"
//!     └ public key ┘
//! ```
//!
//! The specification asks for no check. These are the hash check of FIPS 203 section 7.3, and that
//! each entry of S is one that the error distribution can give. Damage within those bounds to S,
//! or to s, makes another key: it gives other secrets, as with ML-KEM.

use frodo_kem::{Algorithm, DecryptionKey, EncryptionKey};
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Shake128, Shake256};
use zeroize::Zeroize;

/// `frodo-kem` marks its private key as wiped on drop and does not wipe it.
pub(crate) struct PrivateKey(DecryptionKey);

impl PrivateKey {
    pub(crate) fn new(key: DecryptionKey) -> Self {
        Self(key)
    }

    /// Reads the specification's encoding; `None` when it is damaged.
    pub(crate) fn read(algorithm: Algorithm, bytes: &[u8]) -> Option<Self> {
        let params = algorithm.params();
        let (_s, rest) = bytes.split_at_checked(params.shared_secret_length)?;
        let (public, rest) = rest.split_at_checked(params.encryption_key_length)?;
        let (entries, hash) = rest.split_at_checked(2 * params.n * params.n_bar)?;
        // Table 4 of the specification has d + 1 entries; the support is −d to d.
        let d = u16::try_from(params.cdf_table.len().checked_sub(1)?).ok()?;
        if hash != hash_of(algorithm, public, hash.len()) || !within_support(entries, d) {
            return None;
        }
        let key = algorithm.decryption_key_from_bytes(bytes);
        key.ok().map(Self)
    }

    pub(crate) fn key(&self) -> &DecryptionKey {
        &self.0
    }

    pub(crate) fn public(&self) -> EncryptionKey {
        EncryptionKey::from(&self.0)
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// pkh: SHAKE128 for n = 640, SHAKE256 for the others, over the public key.
fn hash_of(algorithm: Algorithm, public: &[u8], length: usize) -> Vec<u8> {
    let mut hash = vec![0; length];
    if algorithm.params().n == 640 {
        let mut shake = Shake128::default();
        shake.update(public);
        shake.finalize_xof().read(&mut hash);
    } else {
        let mut shake = Shake256::default();
        shake.update(public);
        shake.finalize_xof().read(&mut hash);
    }
    hash
}

/// Whether every entry is in −d to d, in time that depends on the length alone.
fn within_support(entries: &[u8], d: u16) -> bool {
    let (entries, _) = entries.as_chunks::<2>();
    let outside = entries.iter().fold(0, |outside, entry| {
        // The range begins at 0; what was beyond either end is now greater than 2d, and borrows.
        let shifted = u16::from_le_bytes(*entry).wrapping_add(d);
        outside | (u32::from(2 * d).wrapping_sub(u32::from(shifted)) >> 31)
    });
    outside == 0
}

#[cfg(test)]
mod tests {
    use super::within_support;

    #[test]
    fn the_support_ends_at_d_on_either_side() {
        let accepted = |entry: i16| within_support(&entry.to_le_bytes(), 12);
        for entry in [0, 1, -1, 11, 12, -11, -12] {
            assert!(accepted(entry), "{entry}");
        }
        for entry in [13, -13, 255, 256, -256, i16::MAX, i16::MIN] {
            assert!(!accepted(entry), "{entry}");
        }
    }

    #[test]
    fn one_entry_outside_is_found_wherever_it_stands() {
        for position in 0..4 {
            let mut entries = [0; 8];
            entries[2 * position] = 7;
            assert!(within_support(&entries, 7));
            assert!(!within_support(&entries, 6));
        }
    }
}
