//! SIGHUP: the profile is read again, and the log level with it.

use std::sync::Arc;

use pqfw_framework::profile::Profile;
use pqfw_framework::registry::Registry;
use pqfw_framework::system::Reloads;
use pqfw_framework::transport::BoxFuture;

use crate::compose;
use crate::logging::LogLevel;

/// Reads the profile again when the operator says so.
pub(crate) struct Hangups {
    pub(crate) profile: String,
    pub(crate) set: Vec<(String, String)>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) level: LogLevel,
    pub(crate) signals: Signals,
}

impl Reloads for Hangups {
    fn next(&self) -> BoxFuture<'_, Result<Arc<Profile>, String>> {
        Box::pin(async {
            self.signals.next().await;
            let resolved = compose::resolve(&self.profile, &self.set, &self.registry);
            let (profile, _) = resolved.map_err(|error| error.message)?;
            self.level.set(&profile.common.logging);
            Ok(Arc::new(profile))
        })
    }
}

/// The signals, from the first wait on: one that comes while nobody waits is not lost.
#[derive(Default)]
pub(crate) struct Signals {
    #[cfg(unix)]
    stream: tokio::sync::Mutex<Option<tokio::signal::unix::Signal>>,
}

impl Signals {
    #[cfg(unix)]
    async fn next(&self) {
        use tokio::signal::unix::{SignalKind, signal};

        let mut stream = self.stream.lock().await;
        if stream.is_none() {
            // Without a handler the signal ends the process, as it does by default.
            *stream = signal(SignalKind::hangup()).ok();
        }
        match &mut *stream {
            Some(stream) => drop(stream.recv().await),
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn next(&self) {
        std::future::pending().await
    }
}

/// Systems that nobody reloads, and commands without a system.
pub(crate) struct Never;

impl Reloads for Never {
    fn next(&self) -> BoxFuture<'_, Result<Arc<Profile>, String>> {
        Box::pin(std::future::pending())
    }
}
