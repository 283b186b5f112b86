//! Who a node is: one hash over its two public keys.

use std::fmt;

use pqfw_framework::keys::{Fingerprint, KeyCodecError, public_to_der};
use pqfw_framework::suite::Suite;

/// A node's name: SHA-256("pqvpn/2 id" ‖ SHA-256(signature key) ‖ SHA-256(KEM key)), each key as
/// its DER SubjectPublicKeyInfo, which says its algorithm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerId(pub [u8; 32]);

impl PeerId {
    /// The identity of two public keys of the suite's algorithms.
    ///
    /// # Errors
    /// [`KeyCodecError::NoIdentifier`].
    pub fn of(
        suite: &Suite,
        verifying: &[u8],
        encapsulation: &[u8],
    ) -> Result<Self, KeyCodecError> {
        let kem = kem_hash(suite, encapsulation)?;
        Self::of_hash(suite, verifying, &kem)
    }

    /// The same when only the hash of the KEM's key is at hand.
    pub(crate) fn of_hash(
        suite: &Suite,
        verifying: &[u8],
        kem: &[u8; 32],
    ) -> Result<Self, KeyCodecError> {
        let spki = public_to_der(suite.signature.info(), verifying)?;
        let signature = digest(suite, &[&spki]);
        Ok(Self(digest(suite, &[b"pqvpn/2 id", &signature, kem])))
    }

    /// Reads 64 hexadecimal digits, with or without `sha256:` before them.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        Fingerprint::parse(&format!("sha256:{hex}"))?;
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(hex.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(id))
    }
}

/// The hash of a KEM key that stands for it in an identity.
pub(crate) fn kem_hash(suite: &Suite, encapsulation: &[u8]) -> Result<[u8; 32], KeyCodecError> {
    let spki = public_to_der(suite.kem.info(), encapsulation)?;
    Ok(digest(suite, &[&spki]))
}

fn digest(suite: &Suite, parts: &[&[u8]]) -> [u8; 32] {
    let mut array = [0; 32];
    for (to, from) in array.iter_mut().zip(suite.digest.digest(parts)) {
        *to = from;
    }
    array
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}{d:02x}…")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = PeerId([0xa5; 32]);
        assert_eq!(PeerId::parse(&id.to_string()), Some(id));
        assert_eq!(PeerId::parse(&"a5".repeat(32)), Some(id));
        for bad in ["", "a5", &"A5".repeat(32), &"a5".repeat(33)] {
            assert_eq!(PeerId::parse(bad), None, "{bad}");
        }
    }
}
