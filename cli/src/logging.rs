//! Logs, to stderr or to a file. Secrets are not logged at any level: no type that holds one can
//! be printed.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal};
use std::sync::Mutex;

use pqfw_framework::profile::{LogFormat, LogLevel, Logging};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;

use crate::args::{Common, Format, Level};
use crate::error::CliError;

/// Starts logging: the command line first, then the profile, then `default`.
pub(crate) fn start(common: &Common, profile: &Logging, default: Level) -> Result<(), CliError> {
    let from_profile = profile.level.map(|level| match level {
        LogLevel::Error => Level::Error,
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
        LogLevel::Trace => Level::Trace,
    });
    let level = match common.log_level.or(from_profile).unwrap_or(default) {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let json = match common.log_format {
        Some(format) => format == Format::Json,
        None => profile.format == Some(LogFormat::Json),
    };
    let builder = fmt().with_max_level(level).with_target(false);
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // A second start in one process keeps the first: only tests do that.
    let _ = match &profile.file {
        Some(path) => {
            let file = OpenOptions::new().create(true).append(true).open(path);
            let file =
                file.map_err(|error| CliError::usage(format!("logging.file {path}: {error}")))?;
            let builder = builder.with_writer(Mutex::new(file)).with_ansi(false);
            if json {
                builder.json().try_init()
            } else {
                builder.try_init()
            }
        }
        None => {
            let builder = builder.with_writer(io::stderr).with_ansi(colour);
            if json {
                builder.json().try_init()
            } else {
                builder.try_init()
            }
        }
    };
    Ok(())
}
