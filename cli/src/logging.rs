//! Logs, to stderr or to a file. Secrets are not logged at any level: no type that holds one can
//! be printed.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::sync::Mutex;

use pqfw_framework::profile::{self as model, LogFormat, Logging};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

use crate::args::{Common, Format, Level};
use crate::error::CliError;

/// The level that logs are written at, which a reload may change.
pub(crate) struct LogLevel {
    handle: reload::Handle<LevelFilter, Registry>,
    /// What the command line says: no profile changes that.
    fixed: Option<Level>,
    default: Level,
}

impl LogLevel {
    /// Takes the level that a profile has now.
    pub(crate) fn set(&self, profile: &Logging) {
        let level = filter(level(self.fixed, profile, self.default));
        // An error would mean that the logs have ended, with the process.
        let _ = self.handle.reload(level);
    }
}

/// Starts logging: the command line first, then the profile, then `default`.
pub(crate) fn start(
    common: &Common,
    profile: &Logging,
    default: Level,
) -> Result<LogLevel, CliError> {
    let fixed = common.log_level;
    let level = filter(level(fixed, profile, default));
    let json = match common.log_format {
        Some(format) => format == Format::Json,
        None => profile.format == Some(LogFormat::Json),
    };
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let (filter, handle) = reload::Layer::new(level);
    let lines = match &profile.file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file =
                file.map_err(|error| CliError::usage(format!("logging.file {path}: {error}")))?;
            let lines = layer().with_target(false).with_ansi(false);
            let lines = lines.with_writer(Mutex::new(file));
            match json {
                true => lines.json().boxed(),
                false => lines.boxed(),
            }
        }
        None => {
            let lines = layer().with_target(false).with_ansi(colour);
            let lines = lines.with_writer(io::stderr);
            match json {
                true => lines.json().boxed(),
                false => lines.boxed(),
            }
        }
    };
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    // A second start in one process keeps the first: only tests do that.
    let _ = subscriber.try_init();
    Ok(LogLevel {
        handle,
        fixed,
        default,
    })
}

fn level(fixed: Option<Level>, profile: &Logging, default: Level) -> Level {
    let from_profile = profile.level.map(|level| match level {
        model::LogLevel::Error => Level::Error,
        model::LogLevel::Warn => Level::Warn,
        model::LogLevel::Info => Level::Info,
        model::LogLevel::Debug => Level::Debug,
        model::LogLevel::Trace => Level::Trace,
    });
    fixed.or(from_profile).unwrap_or(default)
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}
