//! What a server must not forget: tokens, devices, rounds, updates and their receipts, and the
//! chain of audit entries that says how it all came to be.
//!
//! ```text
//! qflare/meta      "version"          which pqfw wrote this
//! qflare/head      "head"             Head: the chain's end, the model, the round, the terms, counts
//! qflare/tokens    hash of a secret   Token, until it is used
//! qflare/devices   device             Device
//! qflare/rounds    round              Round
//! qflare/updates   round ‖ device     Update, with its receipt
//! qflare/audit     number             digest ‖ entry
//! qflare/signed    number             Checkpoint
//! qflare/challenges, qflare/sessions  device: see `sessions`
//! ```
//!
//! Every change is one call of [`Store::apply`]: the records, the audit entry and the head, all or
//! none, and on the disk when it returns. The head is the lock: a change is planned on what was
//! read after the head, and is made only when the head is still the same; otherwise it is planned
//! again. So two servers on one store, a thread that loses a race and a process that is killed
//! leave nothing half done, whatever database is under the store.
//!
//! Weights are not in here: a record holds their hash, and they are a
//! [`StoredModel`](crate::model::StoredModel).

mod audit;
mod enrolment;
mod error;
mod record;
mod rounds;
mod sessions;
mod terms;

pub use audit::{AuditEnd, AuditEntry, AuditError, Event};
pub use error::StateError;
pub use record::{
    Device, DeviceId, Head, ModelName, Phase, PublicKey, Receipt, Round, Token, Update,
};
pub use rounds::{Lease, NewUpdate};
pub use terms::Terms;

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::store::{Applied, Edit, Store, Was};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The state of one server, or of several that share a store.
pub struct State {
    store: Arc<dyn Store>,
    hash: AdmittedHash,
    limits: StateLimits,
    /// Threads of one process wait here instead of planning again.
    turn: Mutex<()>,
}

/// The bounds of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLimits {
    /// The most devices, revoked ones too.
    pub devices: u64,
    /// The most tokens that are not used.
    pub tokens: u64,
}

impl Default for StateLimits {
    fn default() -> Self {
        Self {
            devices: 100_000,
            tokens: 10_000,
        }
    }
}

/// What a plan comes to.
enum Plan<T> {
    /// There is nothing to do.
    Keep(T),
    /// These edits, told by this event.
    Change(Vec<Edit>, Event, T),
}

impl State {
    /// Opens the state in a store, and makes it when the store has none.
    ///
    /// # Errors
    /// [`StateError::Newer`] for the state of a newer pqfw, [`StateError::Store`].
    pub fn open(
        store: Arc<dyn Store>,
        hash: AdmittedHash,
        limits: StateLimits,
    ) -> Result<Self, StateError> {
        let state = Self {
            store,
            hash,
            limits,
            turn: Mutex::new(()),
        };
        let head = Head::first(&state.hash);
        let make = [
            state.put(META, b"version", &VERSION, Was::Nothing)?,
            state.put(HEAD, b"head", &head, Was::Nothing)?,
        ];
        // Of two that open an empty store, one makes it and both find it made.
        state.store.apply(&make)?;
        // Version 1 has no terms in its head; they are missing until a server begins. A store of
        // another version stays as it is.
        let first = Was::Exactly(b"1".to_vec());
        let bring_up = [state.put(META, b"version", &VERSION, first)?];
        state.store.apply(&bring_up)?;
        match state.get::<u64>(META, b"version")? {
            Some(VERSION) => Ok(state),
            Some(found) if found > VERSION => Err(StateError::Newer { found }),
            other => Err(StateError::Damaged(format!("its version is {other:?}"))),
        }
    }

    /// The chain's end, the current model and round.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn head(&self) -> Result<Head, StateError> {
        self.get(HEAD, b"head")?.ok_or_else(no_head)
    }

    /// Makes a plan on what is there and carries it out, or makes another when somebody else was
    /// faster.
    fn change<T>(
        &self,
        now: u64,
        plan: impl Fn(&mut Head) -> Result<Plan<T>, StateError>,
    ) -> Result<T, StateError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ATTEMPTS {
            let before = self.store.get(HEAD, b"head")?.ok_or_else(no_head)?;
            let mut head: Head = decode(HEAD, &before)?;
            let (mut edits, event, result) = match plan(&mut head)? {
                Plan::Keep(result) => return Ok(result),
                Plan::Change(edits, event, result) => (edits, event, result),
            };
            edits.push(self.append(&mut head, now, event)?);
            edits.push(self.put(HEAD, b"head", &head, Was::Exactly(before))?);
            if self.store.apply(&edits)? == Applied::Done {
                return Ok(result);
            }
        }
        Err(StateError::Busy)
    }

    fn get<T: DeserializeOwned>(&self, space: &str, key: &[u8]) -> Result<Option<T>, StateError> {
        let value = self.store.get(space, key)?;
        value.map(|value| decode(space, &value)).transpose()
    }

    fn put<T: Serialize>(
        &self,
        space: &'static str,
        key: &[u8],
        value: &T,
        was: Was,
    ) -> Result<Edit, StateError> {
        let value = serde_json::to_vec(value).map_err(|error| damaged(space, &error))?;
        Ok(Edit {
            space,
            key: key.to_vec(),
            was,
            becomes: Some(value),
        })
    }
}

fn remove(space: &'static str, key: &[u8]) -> Edit {
    Edit {
        space,
        key: key.to_vec(),
        was: Was::Anything,
        becomes: None,
    }
}

fn decode<T: DeserializeOwned>(space: &str, value: &[u8]) -> Result<T, StateError> {
    serde_json::from_slice(value).map_err(|error| damaged(space, &error))
}

fn damaged(space: &str, error: &dyn std::fmt::Display) -> StateError {
    StateError::Damaged(format!("{space}: {error}"))
}

fn no_head() -> StateError {
    StateError::Damaged("it has no head".to_owned())
}

/// How often a plan is made. Each time that it fails, another server has made a change.
const ATTEMPTS: u32 = 1000;

/// The version of the spaces above. An older one is brought up in `State::open`, in one change.
const VERSION: u64 = 2;

const META: &str = "qflare/meta";
const HEAD: &str = "qflare/head";
const TOKENS: &str = "qflare/tokens";
const DEVICES: &str = "qflare/devices";
const ROUNDS: &str = "qflare/rounds";
const UPDATES: &str = "qflare/updates";
const AUDIT: &str = "qflare/audit";
const SIGNED: &str = "qflare/signed";
