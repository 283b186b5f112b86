//! When something last went either way, and the end of whatever is silent for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pqfw_framework::world::World;

use super::error::ChatError;

/// The moment of the last sign of life.
pub(super) struct Activity {
    world: Arc<dyn World>,
    idle: Duration,
    last_micros: AtomicU64,
}

impl Activity {
    pub(super) fn new(world: Arc<dyn World>, idle: Duration) -> Self {
        let last_micros = AtomicU64::new(micros(world.now().since_start));
        Self {
            world,
            idle,
            last_micros,
        }
    }

    /// Notes a sign of life.
    pub(super) fn note(&self) {
        let now = micros(self.world.now().since_start);
        self.last_micros.store(now, Ordering::Relaxed);
    }

    /// Waits until there was none for too long.
    pub(super) async fn over(&self) -> ChatError {
        loop {
            let last = Duration::from_micros(self.last_micros.load(Ordering::Relaxed));
            let until = last.saturating_add(self.idle);
            if self.world.now().since_start >= until {
                return ChatError::Idle(self.idle.as_secs());
            }
            self.world.sleep_until(until).await;
        }
    }
}

fn micros(moment: Duration) -> u64 {
    u64::try_from(moment.as_micros()).unwrap_or(u64::MAX)
}
