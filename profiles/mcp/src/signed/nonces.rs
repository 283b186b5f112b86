//! Numbers that were used, each remembered until its message would be too old anyway.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::error::PqcTransportError;
use super::message::Nonce;

/// A bounded memory of nonces. At the bound it takes no more: nothing is forgotten early.
#[derive(Debug)]
pub struct Nonces {
    most: usize,
    kept: Duration,
    seen: BTreeSet<Nonce>,
    order: VecDeque<(Duration, Nonce)>,
}

impl Nonces {
    /// Remembers `most` nonces, each for the time `kept`.
    #[must_use]
    pub fn new(most: usize, kept: Duration) -> Self {
        Self {
            most,
            kept,
            seen: BTreeSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Uses a nonce, at a moment since the start of the process.
    ///
    /// # Errors
    /// [`PqcTransportError::ReplayAttack`], [`PqcTransportError::Full`].
    pub fn spend(&mut self, at: Duration, nonce: Nonce) -> Result<(), PqcTransportError> {
        while let Some((until, old)) = self.order.front() {
            if *until > at {
                break;
            }
            self.seen.remove(old);
            self.order.pop_front();
        }
        if self.seen.contains(&nonce) {
            return Err(PqcTransportError::ReplayAttack(
                "the nonce was used before".into(),
            ));
        }
        if self.seen.len() >= self.most {
            let text = format!("{} nonces are remembered, the limit; wait", self.most);
            return Err(PqcTransportError::Full(text));
        }
        self.seen.insert(nonce);
        self.order.push_back((at + self.kept, nonce));
        Ok(())
    }

    /// How many are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_used_once_until_it_is_old_and_the_bound_refuses() {
        let mut nonces = Nonces::new(2, Duration::from_secs(10));
        assert!(nonces.is_empty());
        let at = Duration::from_secs;
        assert_eq!(nonces.spend(at(0), [1; 16]), Ok(()));
        assert_eq!(nonces.spend(at(1), [2; 16]), Ok(()));
        let again = nonces.spend(at(9), [1; 16]);
        assert!(matches!(again, Err(PqcTransportError::ReplayAttack(_))));
        let third = nonces.spend(at(9), [3; 16]);
        assert!(matches!(third, Err(PqcTransportError::Full(_))));
        assert_eq!(nonces.spend(at(10), [3; 16]), Ok(()));
        assert_eq!(nonces.len(), 2);
        assert_eq!(nonces.spend(at(11), [1; 16]), Ok(()));
    }
}
