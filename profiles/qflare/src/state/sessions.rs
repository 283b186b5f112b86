//! What devices prove between updates: how often their KEM keys were used, and their session
//! tokens, by their hashes.
//!
//! None of it is in the audit or behind the head: it may be lost with nothing but another challenge
//! to pay for it, and many devices authenticate at once.

use pqfw_framework::store::{Applied, Edit, Was};
use serde::{Deserialize, Serialize};

use super::record::base64_text;
use super::{ATTEMPTS, DeviceId, State, StateError, decode};

/// How many challenges were made to a key.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Challenged {
    /// The key's hash: another key begins anew.
    #[serde(with = "base64_text")]
    key: Vec<u8>,
    times: u64,
}

/// The session token of a device.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Session {
    /// Its hash.
    #[serde(with = "base64_text")]
    token: Vec<u8>,
    /// The second from which it is good no more, since 1970.
    expires: u64,
}

impl State {
    /// Counts a challenge to a device's KEM key before it is made.
    ///
    /// # Errors
    /// [`StateError::Exhausted`] when the key has had `most` of them.
    pub fn count_challenge(&self, id: &DeviceId, key: &[u8], most: u64) -> Result<(), StateError> {
        let (place, key) = (id.as_str().as_bytes(), self.hash.digest(&[key]));
        for _ in 0..ATTEMPTS {
            let before = self.store.get(CHALLENGES, place)?;
            let there: Option<Challenged> = before
                .as_deref()
                .map(|value| decode(CHALLENGES, value))
                .transpose()?;
            let times = there.filter(|there| there.key == key);
            let times = times.map_or(0, |there| there.times);
            if times >= most {
                return Err(StateError::Exhausted { most });
            }
            let was = before.map_or(Was::Nothing, Was::Exactly);
            let key = key.clone();
            let times = times + 1;
            let edit = self.put(CHALLENGES, place, &Challenged { key, times }, was)?;
            if self.store.apply(&[edit])? == Applied::Done {
                return Ok(());
            }
        }
        Err(StateError::Busy)
    }

    /// Keeps a device's session token, by its hash; an earlier one is good no more.
    ///
    /// # Errors
    /// [`StateError::Store`].
    pub fn keep_session(
        &self,
        id: &DeviceId,
        token: &[u8],
        expires: u64,
    ) -> Result<(), StateError> {
        let token = self.hash.digest(&[token]);
        let session = Session { token, expires };
        let edit: Edit = self.put(SESSIONS, id.as_str().as_bytes(), &session, Was::Anything)?;
        self.store.apply(&[edit])?;
        Ok(())
    }

    /// Whether that is the device's session token, and still good.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn has_session(&self, now: u64, id: &DeviceId, token: &[u8]) -> Result<bool, StateError> {
        let session: Option<Session> = self.get(SESSIONS, id.as_str().as_bytes())?;
        // Hashes of what only the device knows: their comparison tells nothing of use.
        let token = self.hash.digest(&[token]);
        Ok(session.is_some_and(|session| session.token == token && now < session.expires))
    }
}

const CHALLENGES: &str = "qflare/challenges";
const SESSIONS: &str = "qflare/sessions";
