//! Tokens: what a responder asks for before it keeps anything, and how each is used once.
//!
//! A token is a MAC over the address and the index that it is for, so that everything needed to
//! make it again stands in the frame that shows it (RFC 9000 section 8.1.2). Its nonce is
//! remembered once it was spent, until the token would have expired anyhow: an S1 is processed
//! once, and no clocks need agree.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use thiserror::Error;

use crate::address::Prefix;
use crate::limits::{MOST_SPENT, SECRET_LIFETIME, TOKEN_SECS};
use crate::mac::hmac;
use crate::wire::Ticket;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A handshake.
    Handshake,
    /// The responder's record.
    Record,
}

/// A token and the open part from which its maker makes it again.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) ticket: Ticket,
    pub(crate) key: [u8; 32],
}

/// A token that is no good: old, forged, or spent.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Its time is over, or it never was one.
    #[error("the token has expired")]
    Expired,
    /// No secret of its number is alive.
    #[error("the token's secret is gone")]
    Unknown,
    /// It was used before: a repetition, or an attack.
    #[error("the token was spent before")]
    Spent,
    /// Our limit: as many tokens as can be remembered are spent.
    #[error("{MOST_SPENT} tokens are remembered as spent, the limit")]
    Full,
}

/// Makes tokens and knows them again.
pub(crate) struct Mint {
    digest: AdmittedHash,
    /// The newest first.
    secrets: Vec<Secret>,
    epoch: u8,
    spent: BTreeSet<[u8; 32]>,
    expiries: BTreeMap<(u32, [u8; 32]), ()>,
}

struct Secret {
    epoch: u8,
    born: Duration,
    bytes: SecretBytes,
}

impl Mint {
    pub(crate) fn new(digest: AdmittedHash) -> Self {
        Self {
            digest,
            secrets: Vec::new(),
            epoch: 0,
            spent: BTreeSet::new(),
            expiries: BTreeMap::new(),
        }
    }

    /// Makes a token for an address and the index that its owner will use.
    pub(crate) fn issue(
        &mut self,
        now: Duration,
        rng: &mut dyn CryptoRng,
        purpose: Purpose,
        address: SocketAddr,
        index: u32,
    ) -> Token {
        self.rotate(now, rng);
        let mut nonce = [0; 32];
        rng.fill_bytes(&mut nonce);
        let ticket = Ticket {
            nonce,
            epoch: self.epoch,
            expiry: seconds(now).saturating_add(TOKEN_SECS),
        };
        let newest = self.secrets.first();
        let secret = newest.map_or(&[][..], |secret| secret.bytes.expose());
        let key = self.key_of(secret, purpose, address, index, &ticket);
        Token { ticket, key }
    }

    /// The token that a ticket stands for. This is all that a forged frame costs: one keyed hash,
    /// and another for its MAC.
    pub(crate) fn key(
        &self,
        now: Duration,
        purpose: Purpose,
        address: SocketAddr,
        index: u32,
        ticket: &Ticket,
    ) -> Result<[u8; 32], TokenError> {
        let now_secs = seconds(now);
        // An expiry further away than any that is given out is not ours either.
        if ticket.expiry <= now_secs || ticket.expiry > now_secs.saturating_add(TOKEN_SECS) {
            return Err(TokenError::Expired);
        }
        let alive = |secret: &&Secret| {
            secret.epoch == ticket.epoch && now < secret.born + 2 * SECRET_LIFETIME
        };
        let secret = self.secrets.iter().find(alive).ok_or(TokenError::Unknown)?;
        Ok(self.key_of(secret.bytes.expose(), purpose, address, index, ticket))
    }

    /// Whether a ticket could still be spent.
    pub(crate) fn is_spent(&self, ticket: &Ticket) -> bool {
        self.spent.contains(&ticket.nonce)
    }

    /// Spends a ticket whose MAC was right.
    pub(crate) fn spend(&mut self, now: Duration, ticket: &Ticket) -> Result<(), TokenError> {
        if self.is_spent(ticket) {
            return Err(TokenError::Spent);
        }
        let now_secs = seconds(now);
        while let Some(first) = self.expiries.first_entry()
            && first.key().0 <= now_secs
        {
            let (_, nonce) = *first.key();
            first.remove();
            self.spent.remove(&nonce);
        }
        if self.spent.len() >= MOST_SPENT {
            return Err(TokenError::Full);
        }
        self.spent.insert(ticket.nonce);
        self.expiries.insert((ticket.expiry, ticket.nonce), ());
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn newest_secret(&self) -> &[u8] {
        self.secrets
            .first()
            .map_or(&[], |secret| secret.bytes.expose())
    }

    fn rotate(&mut self, now: Duration, rng: &mut dyn CryptoRng) {
        let newest = self.secrets.first();
        if newest.is_some_and(|secret| now < secret.born + SECRET_LIFETIME) {
            return;
        }
        self.epoch = self.epoch.wrapping_add(1);
        let mut bytes = SecretBytes::zeroed(32);
        rng.fill_bytes(bytes.expose_mut());
        let secret = Secret {
            epoch: self.epoch,
            born: now,
            bytes,
        };
        self.secrets.insert(0, secret);
        self.secrets.truncate(2);
    }

    fn key_of(
        &self,
        secret: &[u8],
        purpose: Purpose,
        address: SocketAddr,
        index: u32,
        ticket: &Ticket,
    ) -> [u8; 32] {
        let purpose = match purpose {
            Purpose::Handshake => [1],
            Purpose::Record => [2],
        };
        let prefix = Prefix::of(address);
        let message: [&[u8]; 6] = [
            &purpose,
            prefix.bytes(),
            &address.port().to_be_bytes(),
            &index.to_be_bytes(),
            &ticket.nonce,
            &ticket.expiry.to_be_bytes(),
        ];
        // The secret's number is in the choice of the secret.
        hmac(&self.digest, secret, &message)
    }
}

/// Whole seconds of the monotonic clock.
fn seconds(now: Duration) -> u32 {
    u32::try_from(now.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{CHEAP, rng, suite};

    const AT: fn(u64) -> Duration = Duration::from_secs;

    fn mint() -> Mint {
        Mint::new(suite(CHEAP).digest)
    }

    fn here() -> SocketAddr {
        "192.0.2.1:7000".parse().unwrap()
    }

    #[test]
    fn a_token_is_good_for_its_address_index_purpose_and_time() {
        let (mut mint, mut rng) = (mint(), rng(1));
        let token = mint.issue(AT(5), &mut rng, Purpose::Handshake, here(), 9);
        let key = |now, purpose, address: &str, index, ticket: &Ticket| {
            mint.key(AT(now), purpose, address.parse().unwrap(), index, ticket)
        };
        let handshake = Purpose::Handshake;
        let good = Ok(token.key);
        assert_eq!(key(34, handshake, "192.0.2.1:7000", 9, &token.ticket), good);
        for (purpose, address, index) in [
            (Purpose::Record, "192.0.2.1:7000", 9),
            (handshake, "192.0.2.2:7000", 9),
            (handshake, "192.0.2.1:7001", 9),
            (handshake, "192.0.2.1:7000", 8),
        ] {
            assert_ne!(key(34, purpose, address, index, &token.ticket), good);
        }
        let expired = Err(TokenError::Expired);
        assert_eq!(
            key(35, handshake, "192.0.2.1:7000", 9, &token.ticket),
            expired
        );
        let later = Ticket {
            expiry: 66,
            ..token.ticket
        };
        assert_eq!(key(35, handshake, "192.0.2.1:7000", 9, &later), expired);
        let other = Ticket {
            epoch: 77,
            ..token.ticket
        };
        assert_eq!(
            key(6, handshake, "192.0.2.1:7000", 9, &other),
            Err(TokenError::Unknown)
        );
    }

    #[test]
    fn two_secrets_live_and_a_third_ends_the_first() {
        let (mut mint, mut rng) = (mint(), rng(1));
        let mut issue = |now| mint.issue(AT(now), &mut rng, Purpose::Handshake, here(), 0);
        let epochs: Vec<_> = [0, 59, 60, 119, 120]
            .map(|now| issue(now).ticket.epoch)
            .into();
        assert_eq!(epochs, [1, 1, 2, 2, 3]);
        let old = Ticket {
            nonce: [0; 32],
            epoch: 1,
            expiry: 140,
        };
        let known = mint.key(AT(121), Purpose::Handshake, here(), 0, &old);
        assert_eq!(known, Err(TokenError::Unknown));
    }

    #[test]
    fn a_token_is_spent_once_and_forgotten_when_it_could_not_be_used() {
        let mut mint = mint();
        let ticket = |number: u32, expiry| {
            let mut nonce = [0; 32];
            nonce[..4].copy_from_slice(&number.to_be_bytes());
            Ticket {
                nonce,
                epoch: 1,
                expiry,
            }
        };
        for number in 0..u32::try_from(MOST_SPENT).unwrap() {
            mint.spend(AT(1), &ticket(number, 31)).unwrap();
        }
        assert_eq!(mint.spend(AT(2), &ticket(7, 31)), Err(TokenError::Spent));
        let further = ticket(u32::MAX, 40);
        assert_eq!(mint.spend(AT(30), &further), Err(TokenError::Full));
        assert_eq!(mint.spend(AT(31), &further), Ok(()));
        assert_eq!(mint.spent.len(), 1);
    }
}
