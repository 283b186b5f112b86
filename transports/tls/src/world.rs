//! The framework's clock and randomness, as rustls takes them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::world::World;
use rustls::crypto::{GetRandomFailed, SecureRandom};
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;

use crate::leak::{Leaked, place};

/// The clock that certificates are judged by.
pub(crate) struct Clock(pub(crate) Arc<dyn World>);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        let since_epoch = Duration::from_micros(self.0.now().unix_micros);
        Some(UnixTime::since_unix_epoch(since_epoch))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Where the randoms of the hellos come from.
struct Chance(Arc<dyn World>);

static CHANCES: Leaked<usize, Chance> = Leaked::new();

/// The world's generator, for ever.
pub(crate) fn chance(world: &Arc<dyn World>) -> &'static dyn SecureRandom {
    CHANCES.get(place(world), || Box::new(Chance(world.clone())))
}

impl SecureRandom for Chance {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        self.0.rng().fill_bytes(bytes);
        Ok(())
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance")
    }
}
