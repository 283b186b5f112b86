//! Challenges that wait for their answers: one for a device, each good once.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::world::Now;

use crate::error::Refusal;
use crate::service::locked;
use crate::state::DeviceId;

/// The answers that are expected.
#[derive(Default)]
pub(super) struct Challenges(Mutex<BTreeMap<DeviceId, Expected>>);

struct Expected {
    answer: SecretBytes,
    until: Duration,
}

/// The most that wait at once, some 200 bytes each.
const MOST_WAITING: usize = 100_000;

impl Challenges {
    /// Waits for an answer; an earlier challenge to the device is forgotten.
    pub(super) fn expect(
        &self,
        now: Now,
        device: &DeviceId,
        answer: SecretBytes,
        secs: u64,
    ) -> Result<(), Refusal> {
        let mut waiting = locked(&self.0);
        if waiting.len() >= MOST_WAITING && !waiting.contains_key(device) {
            waiting.retain(|_, expected| now.since_start < expected.until);
            if waiting.len() >= MOST_WAITING {
                return Err(Refusal::Unavailable("too many challenges wait".into()));
            }
        }
        let until = now.since_start.saturating_add(Duration::from_secs(secs));
        waiting.insert(device.clone(), Expected { answer, until });
        Ok(())
    }

    /// Takes an answer. Whatever it is, the challenge is used up.
    pub(super) fn take(&self, now: Now, device: &DeviceId, answer: &[u8]) -> bool {
        let expected = locked(&self.0).remove(device);
        let expected = expected.filter(|expected| now.since_start < expected.until);
        expected.is_some_and(|expected| expected.answer.constant_time_eq(answer))
    }
}
