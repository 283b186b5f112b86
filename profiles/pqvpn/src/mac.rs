//! HMAC (RFC 2104) with the suite's digest, for what is checked before there is a suite: mac1,
//! tokens and fragments.

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::secret::SecretBytes;
use subtle::ConstantTimeEq;

/// The bytes of a MAC on the wire.
pub(crate) const MAC_BYTES: usize = 16;

/// The whole 32 bytes. `key` is not longer than the digest's block.
pub(crate) fn hmac(digest: &AdmittedHash, key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let pad = |with: u8| {
        let padded = key.iter().copied().chain(std::iter::repeat(0));
        let block = padded.take(digest.sizes().block);
        SecretBytes::own(block.map(|byte| byte ^ with).collect())
    };
    let inner = digest.digest(&[&[pad(0x36).expose()], message].concat());
    let mut mac = [0; 32];
    let outer = digest.digest(&[pad(0x5c).expose(), &inner]);
    for (to, from) in mac.iter_mut().zip(outer) {
        *to = from;
    }
    mac
}

/// The first 16 bytes, as frames carry them.
pub(crate) fn short(digest: &AdmittedHash, key: &[u8], message: &[&[u8]]) -> [u8; MAC_BYTES] {
    let mut short = [0; MAC_BYTES];
    for (to, from) in short.iter_mut().zip(hmac(digest, key, message)) {
        *to = from;
    }
    short
}

/// Whether a frame's MAC is right, in constant time.
pub(crate) fn is_right(digest: &AdmittedHash, key: &[u8], message: &[&[u8]], mac: &[u8]) -> bool {
    short(digest, key, message).ct_eq(mac).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{CHEAP, suite};

    /// RFC 4231 section 4.3, test case 2.
    #[test]
    fn the_mac_is_that_of_the_rfc() {
        let digest = suite(CHEAP).digest;
        let mac = hmac(&digest, b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(is_right(
            &digest,
            b"Jefe",
            &[b"what do ya want for nothing?"],
            &mac[..16]
        ));
        assert!(!is_right(
            &digest,
            b"Jefe",
            &[b"what do ya want for nothing?"],
            &mac[..15]
        ));
        assert!(!is_right(
            &digest,
            b"Jefe",
            &[b"what do ya want for nothing!"],
            &mac[..16]
        ));
    }
}
