//! One combination, run: the scenario of the profile's system, in this process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Event, Failure, Report, Role};
use tokio::runtime::Runtime;

use crate::commands::run::LAST_WORDS;
use crate::compose;
use crate::error::CliError;
use crate::output::Output;

/// A scenario that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(300);

/// What became of a combination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The scenario went as it should, to its end.
    Works,
    /// It was refused, and why: a policy, a transport that does not deliver what the system needs,
    /// keys that do not fit.
    Refused(String),
    /// It was not run: its signatures take long, and nobody has asked for those.
    Skipped,
    /// It was neither: a fault of pqfw, or of a plugin.
    Failed(String),
}

/// Keeps the last step, for whoever asks where it ended.
#[derive(Default)]
struct LastStep(Mutex<String>);

impl Report for LastStep {
    fn event(&self, event: &Event) {
        if let Event::Step { title, .. } = event {
            // A string is never half changed.
            let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            last.clone_from(title);
        }
    }
}

/// Runs the scenario of a profile with these lines changed.
pub(super) fn run(profile: &str, set: &[(String, String)], registry: &Registry) -> Outcome {
    let step = Arc::new(LastStep::default());
    let ended = try_run(profile, set, registry, step.clone());
    match ended {
        Ok(()) => Outcome::Works,
        Err(error) => {
            let step = step.0.lock().unwrap_or_else(PoisonError::into_inner);
            match error.failure {
                Failure::Usage | Failure::Policy => Outcome::Refused(error.message),
                _ => Outcome::Failed(format!("at `{step}`: {}", error.message)),
            }
        }
    }
}

fn try_run(
    profile: &str,
    set: &[(String, String)],
    registry: &Registry,
    report: Arc<dyn Report>,
) -> Result<(), CliError> {
    let (profile, _) = compose::resolve(profile, set, registry)?;
    let composed = compose::compose(profile, Role::Demo, registry, report, &Output::new(true))?;
    let runtime: Runtime = crate::commands::run::runtime()?;
    let ended = runtime.block_on(async {
        let stop = Box::pin(std::future::pending());
        let host = composed.host.clone();
        let works = composed
            .system
            .run(Role::Demo, &composed.profile, host, stop);
        tokio::time::timeout(PATIENCE, works).await
    });
    runtime.shutdown_timeout(LAST_WORDS);
    match ended {
        Ok(ended) => Ok(ended?),
        Err(_) => Err(CliError::operation(format!(
            "not in {} s",
            PATIENCE.as_secs()
        ))),
    }
}
