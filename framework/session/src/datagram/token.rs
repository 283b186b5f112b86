//! Names and tokens: what a responder knows of an initiator before it remembers anything.

use std::net::{IpAddr, SocketAddr};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::world::Now;
use subtle::ConstantTimeEq;

use super::packet::{AttemptName, Token};

/// The name of the attempt that begins with this flight.
pub(super) fn attempt_of(sha256: &AdmittedHash, flight: &[u8]) -> AttemptName {
    beginning(&sha256.digest(&[flight]))
}

/// Tokens of one responder: proof that whoever shows one receives what is sent to its address.
pub(super) struct Tokens {
    key: SecretBytes,
    sha256: AdmittedHash,
}

const SLOT_MICROS: u64 = 64_000_000;

/// SHA-256's block.
const BLOCK: usize = 64;

impl Tokens {
    pub(super) fn new(sha256: &AdmittedHash, rng: &mut dyn CryptoRng) -> Self {
        let mut key = SecretBytes::zeroed(32);
        rng.fill_bytes(key.expose_mut());
        Self {
            key,
            sha256: sha256.clone(),
        }
    }

    /// The token of an attempt from an address, for this time and a little longer.
    pub(super) fn issue(&self, now: Now, attempt: &AttemptName, address: SocketAddr) -> Token {
        self.token(now.unix_micros / SLOT_MICROS, attempt, address)
    }

    /// Whether a token is the present or the previous slot's.
    pub(super) fn fits(
        &self,
        now: Now,
        attempt: &AttemptName,
        address: SocketAddr,
        token: &Token,
    ) -> bool {
        let slot = now.unix_micros / SLOT_MICROS;
        let present = self.token(slot, attempt, address).ct_eq(token);
        let previous = self.token(slot.wrapping_sub(1), attempt, address);
        bool::from(present | previous.ct_eq(token))
    }

    fn token(&self, slot: u64, attempt: &AttemptName, address: SocketAddr) -> Token {
        let ip = match address.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        let text: [&[u8]; 5] = [
            b"pqfw1 token",
            &slot.to_be_bytes(),
            attempt,
            &ip.octets(),
            &address.port().to_be_bytes(),
        ];
        beginning(&self.hmac(&text))
    }

    /// HMAC-SHA-256 (RFC 2104).
    fn hmac(&self, text: &[&[u8]]) -> Vec<u8> {
        let padded = |pad: u8| {
            let mut block = SecretBytes::zeroed(BLOCK);
            block.expose_mut().fill(pad);
            for (to, from) in block.expose_mut().iter_mut().zip(self.key.expose()) {
                *to ^= from;
            }
            block
        };
        let (inner_key, outer_key) = (padded(0x36), padded(0x5c));
        let inner: Vec<&[u8]> = std::iter::once(inner_key.expose())
            .chain(text.iter().copied())
            .collect();
        let inner = self.sha256.digest(&inner);
        self.sha256.digest(&[outer_key.expose(), &inner])
    }
}

/// The first bytes of a hash, which is longer.
fn beginning<const N: usize>(hash: &[u8]) -> [u8; N] {
    let mut first = [0; N];
    for (to, from) in first.iter_mut().zip(hash) {
        *to = *from;
    }
    first
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::people::{CHEAP, suite};

    fn at(secs: u64) -> Now {
        Now {
            since_start: Duration::ZERO,
            unix_micros: secs * 1_000_000,
        }
    }

    fn tokens() -> Tokens {
        Tokens {
            key: SecretBytes::copy_of(&[0x0b; 20]),
            sha256: suite(CHEAP).digest,
        }
    }

    #[test]
    fn it_is_hmac_sha_256() {
        // RFC 4231, test case 1.
        let tag = tokens().hmac(&[b"Hi ", b"There"]);
        let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn a_token_is_of_one_attempt_one_address_and_two_slots() {
        let tokens = tokens();
        let (attempt, address) = ([1; 8], SocketAddr::from(([192, 0, 2, 1], 4000)));
        let token = tokens.issue(at(640), &attempt, address);
        for (secs, fits) in [
            (575, false),
            (639, false),
            (640, true),
            (703, true),
            (767, true),
            (768, false),
        ] {
            assert_eq!(
                tokens.fits(at(secs), &attempt, address, &token),
                fits,
                "{secs}"
            );
        }
        assert!(!tokens.fits(at(640), &[2; 8], address, &token));
        for other in [([192, 0, 2, 2], 4000), ([192, 0, 2, 1], 4001)] {
            assert!(!tokens.fits(at(640), &attempt, other.into(), &token));
        }
        assert!(!tokens.fits(at(640), &attempt, address, &[0; 16]));
        // At the beginning of time there is no previous slot that anybody was given.
        assert!(tokens.fits(
            at(0),
            &attempt,
            address,
            &tokens.issue(at(1), &attempt, address)
        ));
    }
}
