//! Bytes from one stream into another, both ways at once, and the end of whatever is silent for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::transport::{StreamReader, StreamWriter, TransportError};
use crate::waiting::{First, both, race};
use crate::world::World;

/// Bytes moved at once.
const CHUNK: usize = 16 << 10;

/// Nobody's fault: nothing came and nothing went for so many seconds.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("nothing was said for {0} s")]
pub struct Silent(pub u64);

/// When something last went either way.
pub struct Activity {
    world: Arc<dyn World>,
    idle: Duration,
    last_micros: AtomicU64,
}

impl Activity {
    /// Silence begins now, and is too long after `idle`.
    #[must_use]
    pub fn new(world: Arc<dyn World>, idle: Duration) -> Self {
        let last_micros = AtomicU64::new(micros(world.now().since_start));
        Self {
            world,
            idle,
            last_micros,
        }
    }

    /// Notes a sign of life.
    pub fn note(&self) {
        let now = micros(self.world.now().since_start);
        self.last_micros.store(now, Ordering::Relaxed);
    }

    /// Waits until there was none for too long. Safe to drop.
    pub async fn over(&self) -> Silent {
        loop {
            let last = Duration::from_micros(self.last_micros.load(Ordering::Relaxed));
            let until = last.saturating_add(self.idle);
            if self.world.now().since_start >= until {
                return Silent(self.idle.as_secs());
            }
            self.world.sleep_until(until).await;
        }
    }
}

fn micros(moment: Duration) -> u64 {
    u64::try_from(moment.as_micros()).unwrap_or(u64::MAX)
}

/// Moves everything; the end is the caller's to pass on.
///
/// # Errors
/// [`TransportError`] of either stream.
pub async fn pour(
    from: &mut dyn StreamReader,
    to: &mut dyn StreamWriter,
    activity: &Activity,
) -> Result<(), TransportError> {
    let mut buffer = Zeroizing::new(vec![0; CHUNK]);
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        activity.note();
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
        activity.note();
    }
}

/// The two directions of a stream.
pub type Ends<'a> = (&'a mut dyn StreamReader, &'a mut dyn StreamWriter);

/// Joins two streams until each has ended both directions by itself. After an error neither is told that
/// the other was done: what is cut off must not look whole.
///
/// # Errors
/// [`TransportError`] of either stream, and [`Silent`].
pub async fn splice<E>(left: Ends<'_>, right: Ends<'_>, activity: &Activity) -> Result<(), E>
where
    E: From<TransportError> + From<Silent>,
{
    let there = async {
        pour(left.0, right.1, activity).await?;
        right.1.finish().await
    };
    let back = async {
        pour(right.0, left.1, activity).await?;
        left.1.finish().await
    };
    match race(both(there, back), activity.over()).await {
        First::Left(done) => Ok(done?),
        First::Right(silent) => Err(silent.into()),
    }
}
