//! The audit: a chain of entries, each with a digest over all before it, and signatures over its
//! end.
//!
//! ```text
//! digest 0 = zeros
//! digest n = H("pqfw/qflare/audit/1" ‖ 00 ‖ number, u64 ‖ digest n−1 ‖ entry in JSON)
//! signed   = "pqfw/1 qflare/2/audit-checkpoint" ‖ 00 ‖ H(entries, u64 ‖ last digest)
//! ```
//!
//! The chain shows an edit, a deletion and a reorder to anybody. Whoever can write the whole store
//! can make another chain; the signatures stop that for all that comes before the last of them.

use pqfw_framework::signature::VerifyingKey;
use pqfw_framework::store::{Edit, Was};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::record::{DeviceId, Head, ModelName, Token, base64_text};
use super::{AUDIT, SIGNED, State, StateError, Terms, decode};

/// One entry of the audit.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// When, in seconds since 1970.
    pub at: u64,
    /// What.
    pub event: Event,
}

/// What changed the state.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
#[expect(missing_docs, reason = "the records say what they are")]
pub enum Event {
    TokenIssued {
        token: Token,
    },
    TokenRevoked {
        token: Token,
    },
    DeviceEnrolled {
        device: DeviceId,
        #[serde(with = "base64_text")]
        keys: Vec<u8>,
    },
    KeysRotated {
        device: DeviceId,
        #[serde(with = "base64_text")]
        keys: Vec<u8>,
    },
    DeviceRevoked {
        device: DeviceId,
    },
    TermsSet {
        terms: Terms,
    },
    ModelSet {
        model: ModelName,
    },
    RoundOpened {
        round: u64,
        base: ModelName,
    },
    UpdateAccepted {
        round: u64,
        device: DeviceId,
        #[serde(with = "base64_text")]
        weights: Vec<u8>,
        examples: u64,
    },
    RoundTaken {
        round: u64,
        fence: u64,
    },
    RoundReleased {
        round: u64,
    },
    RoundClosed {
        model: ModelName,
        verdicts: Vec<(DeviceId, String)>,
    },
    RoundAborted {
        round: u64,
        reason: String,
    },
}

/// The end of the chain at some moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEnd {
    /// How many entries it has.
    pub entries: u64,
    /// What the server signs, with an empty native context.
    pub message: Vec<u8>,
}

/// Why the audit is not what was written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AuditError {
    /// An entry is missing, or one is where none belongs.
    #[error("audit: entry {0} is missing")]
    Missing(u64),
    /// An entry is not what its digest is of: it was edited, or moved.
    #[error("audit: entry {0} was changed or moved")]
    Changed(u64),
    /// The chain does not end where the head says.
    #[error("audit: the chain has {found} entries and another end than the head says")]
    End {
        /// The entries found.
        found: u64,
    },
    /// A signature is not over this chain, or not by this key.
    #[error("audit: the signature over the first {0} entries is not valid")]
    Signature(u64),
    /// The store cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A signature over the chain's first entries.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    #[serde(with = "base64_text")]
    signature: Vec<u8>,
}

impl State {
    /// What to sign over the chain as it ends now.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn audit_end(&self) -> Result<AuditEnd, StateError> {
        let head = self.head()?;
        let message = self.message(head.entries, &head.digest);
        let entries = head.entries;
        Ok(AuditEnd { entries, message })
    }

    /// Keeps a signature over the chain's end. One that is there already stays.
    ///
    /// # Errors
    /// [`StateError::Store`].
    pub fn keep_signature(&self, end: &AuditEnd, signature: Vec<u8>) -> Result<(), StateError> {
        let place = end.entries.to_be_bytes();
        let edit = self.put(SIGNED, &place, &Checkpoint { signature }, Was::Nothing)?;
        self.store.apply(&[edit])?;
        Ok(())
    }

    /// Reads the whole audit and checks every digest, the end and every signature; shows each
    /// entry. Gives how many entries the last signature covers.
    ///
    /// # Errors
    /// [`AuditError`] for the first fault. Entries shown before it were as they should be.
    pub fn verify_audit(
        &self,
        key: &VerifyingKey,
        mut show: impl FnMut(u64, &AuditEntry),
    ) -> Result<u64, AuditError> {
        // Signatures, then the head, then entries: what others add meanwhile is not missed.
        let mut signed = self.all::<Checkpoint>(SIGNED, b"")?.into_iter().peekable();
        let head = self.head()?;
        let mut digest = Head::first(&self.hash).digest;
        let (mut number, mut covered) = (0, 0);
        let mut page = Vec::new().into_iter();
        let mut after = None::<Vec<u8>>;
        loop {
            if let Some((_, checkpoint)) =
                signed.next_if(|(place, _)| *place == u64::to_be_bytes(number))
            {
                let message = self.message(number, &digest);
                key.verify(&[&message], &[], &checkpoint.signature)
                    .map_err(|_| AuditError::Signature(number))?;
                covered = number;
            }
            if number == head.entries {
                break;
            }
            if page.len() == 0 {
                let next = self.store.page(AUDIT, after.as_deref(), PAGE);
                page = next.map_err(StateError::from)?.into_iter();
            }
            let (place, value) = page.next().ok_or(AuditError::End { found: number })?;
            if place != number.to_be_bytes() {
                return Err(AuditError::Missing(number));
            }
            let (written, json) = value
                .split_at_checked(digest.len())
                .ok_or(AuditError::Changed(number))?;
            digest = self.link(number, &digest, json);
            if written != digest {
                return Err(AuditError::Changed(number));
            }
            show(number, &decode(AUDIT, json)?);
            number += 1;
            after = Some(place);
        }
        // Another digest, or a signature over entries that are not there.
        if digest != head.digest || signed.next().is_some() {
            return Err(AuditError::End { found: number });
        }
        Ok(covered)
    }

    /// The entries from `first` on, `most` at the most.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn audit_from(
        &self,
        first: u64,
        most: usize,
    ) -> Result<Vec<(u64, AuditEntry)>, StateError> {
        let after = first.checked_sub(1).map(u64::to_be_bytes);
        let after = after.as_ref().map(<[u8; 8]>::as_slice);
        let page = self.store.page(AUDIT, after, most)?.into_iter();
        page.map(|(place, value)| {
            let place = place.try_into().map_err(|_| no_entry())?;
            let digest = self.hash.sizes().digest;
            let json = value.get(digest..).ok_or_else(no_entry)?;
            Ok((u64::from_be_bytes(place), decode(AUDIT, json)?))
        })
        .collect()
    }

    /// Adds an entry after the head, and moves the head to it.
    pub(super) fn append(
        &self,
        head: &mut Head,
        at: u64,
        event: Event,
    ) -> Result<Edit, StateError> {
        let place = head.entries.to_be_bytes();
        let mut edit = self.put(AUDIT, &place, &AuditEntry { at, event }, Was::Anything)?;
        let json = edit.becomes.take().unwrap_or_default();
        head.digest = self.link(head.entries, &head.digest, &json);
        edit.becomes = Some([head.digest.as_slice(), &json].concat());
        head.entries += 1;
        Ok(edit)
    }

    /// Everything under a prefix, in pieces.
    pub(super) fn all<T: DeserializeOwned>(
        &self,
        space: &str,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, T)>, StateError> {
        let mut found = Vec::new();
        let mut after = (!prefix.is_empty()).then(|| prefix.to_vec());
        loop {
            let page = self.store.page(space, after.as_deref(), PAGE)?;
            let last = page.last().map(|(key, _)| key.clone());
            for (key, value) in page {
                if !key.starts_with(prefix) {
                    return Ok(found);
                }
                let value = decode(space, &value)?;
                found.push((key, value));
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(found),
            }
        }
    }

    fn link(&self, number: u64, before: &[u8], json: &[u8]) -> Vec<u8> {
        self.hash.digest(&[
            b"pqfw/qflare/audit/1\0",
            &number.to_be_bytes(),
            before,
            json,
        ])
    }

    fn message(&self, entries: u64, digest: &[u8]) -> Vec<u8> {
        let transcript = self.hash.digest(&[&entries.to_be_bytes(), digest]);
        [LABEL, &transcript].concat()
    }
}

fn no_entry() -> StateError {
    StateError::Damaged("an entry of the audit that is none".to_owned())
}

const LABEL: &[u8] = b"pqfw/1 qflare/2/audit-checkpoint\0";

/// How many entries are read at once.
const PAGE: usize = 256;
