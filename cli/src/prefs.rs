//! `prefs.lock`: where it is, and what it may still say.

use std::path::{Path, PathBuf};

use pqfw_framework::registry::{Preferences, Registry};

use crate::error::CliError;
use crate::output::{Output, Tone};

/// Where `bench --pin` writes and every resolution reads.
pub(crate) fn path() -> Result<PathBuf, CliError> {
    Ok(crate::compose::state_home()?.join("prefs.lock"))
}

/// What was measured on this machine, without what no longer holds, which is said; `None` when
/// nothing was measured.
///
/// # Errors
/// A file that cannot be read is no reason to take another provider in silence.
pub(crate) fn load(registry: &Registry, output: &Output) -> Result<Option<Preferences>, CliError> {
    // Without a home there is no file either.
    let Ok(path) = path() else { return Ok(None) };
    if !path.exists() {
        return Ok(None);
    }
    let during = |error: CliError| error.during(path.display().to_string());
    let text = crate::files::read_text(&path)?;
    let mut preferences = Preferences::parse(&text).map_err(|error| during(error.into()))?;
    for stale in preferences.drop_stale(registry, &cpu()) {
        let text = format!("warning: prefs.lock: {stale}; measure again with `pqfw bench --pin`");
        output.line_err(&output.paint_err(Tone::Warning, &text));
    }
    Ok(Some(preferences))
}

/// The processor's name, as Linux tells it; elsewhere its architecture.
pub(crate) fn cpu() -> String {
    let text = crate::files::read_text(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let model = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name");
    model.map_or_else(
        || std::env::consts::ARCH.to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}
