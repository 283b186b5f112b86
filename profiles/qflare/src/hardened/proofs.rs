//! Answers of KEM keys that are awaited: one for each session, each good once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::world::Now;

use crate::error::Refusal;
use crate::service::locked;

/// The answers that are awaited, by session.
#[derive(Default)]
pub(super) struct Proofs(Mutex<BTreeMap<[u8; 16], Awaited>>);

struct Awaited {
    /// The hash of what the answer is about.
    about: Vec<u8>,
    answer: SecretBytes,
    until: Duration,
}

/// The most that are awaited, some 200 bytes each.
const MOST: usize = 10_000;

impl Proofs {
    pub(super) fn expect(
        &self,
        now: Now,
        session: [u8; 16],
        about: Vec<u8>,
        answer: SecretBytes,
        secs: u64,
    ) -> Result<(), Refusal> {
        let mut awaited = locked(&self.0);
        if awaited.len() >= MOST {
            awaited.retain(|_, one| now.since_start < one.until);
        }
        if awaited.len() >= MOST && !awaited.contains_key(&session) {
            return Err(Refusal::Unavailable("too many proofs are awaited".into()));
        }
        let until = now.since_start.saturating_add(Duration::from_secs(secs));
        let one = Awaited {
            about,
            answer,
            until,
        };
        awaited.insert(session, one);
        Ok(())
    }

    /// Takes an answer about exactly this. Whatever it is, it is used up.
    pub(super) fn take(&self, now: Now, session: &[u8; 16], about: &[u8], answer: &[u8]) -> bool {
        let one = locked(&self.0).remove(session);
        one.is_some_and(|one| {
            let right = one.answer.constant_time_eq(answer);
            right && one.about == about && now.since_start < one.until
        })
    }
}
