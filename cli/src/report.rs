//! A system's events, printed: a scenario for people, JSON Lines for machines, logs for operators.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pqfw_framework::system::{Event, Report, Role};
use serde_json::json;

use crate::output::{Output, Tone};

/// Prints events as they come.
pub(crate) struct Console {
    pub(crate) output: Output,
    pub(crate) system: String,
    pub(crate) dialect: String,
    pub(crate) role: Role,
    pub(crate) ready_file: Option<PathBuf>,
    /// The doors that were opened so far.
    pub(crate) doors: Doors,
}

/// Doors by name, with their URLs.
pub(crate) type Doors = Mutex<BTreeMap<String, String>>;

impl Console {
    fn ready(&self, url: &str, fingerprint: Option<&str>) {
        let (system, role) = (&self.system, self.role);
        if let Some(path) = &self.ready_file {
            let ready = json!({
                "system": system,
                "dialect": self.dialect,
                "role": role.to_string(),
                "pid": std::process::id(),
                "url": url,
                "urls": *self.doors(),
                "fingerprint": fingerprint,
            });
            // Whoever waits for the file must never read half of it.
            let beside = path.with_extension("tmp");
            let written = std::fs::write(&beside, format!("{ready}\n"))
                .and_then(|()| std::fs::rename(&beside, path));
            if let Err(error) = written {
                tracing::error!("ready file {}: {error}", path.display());
            }
        }
        self.output
            .line_err(&format!("ready system={system} role={role} url={url}"));
    }

    fn doors(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        // A map of strings is never half changed.
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn print(&self, event: &Event) {
        let output = &self.output;
        match event {
            Event::Step { number, title } => {
                let number = output.paint(Tone::Faint, &format!("{number:>2}."));
                output.line(&format!("\n{number} {}", output.paint(Tone::Strong, title)));
            }
            Event::Fact { name, value } => {
                output.line(&format!(
                    "    {} {value}",
                    output.paint(Tone::Faint, &pad(name))
                ));
            }
            Event::Passed(what) => {
                output.line(&format!("    {} {what}", output.paint(Tone::Good, "ok")));
            }
            Event::Warning(text) => tracing::warn!("{text}"),
            Event::Info(text) => tracing::info!("{text}"),
            Event::Opened { door, url } => tracing::info!("{door} at {url}"),
            Event::Line(text) => output.line(text),
            Event::Prompt(text) => output.bytes(text.as_bytes()),
            _ => {}
        }
    }
}

fn pad(name: &str) -> String {
    format!("{name:<20}")
}

impl Report for Console {
    fn event(&self, event: &Event) {
        match event {
            Event::Ready { url, fingerprint } => self.ready(url, fingerprint.as_deref()),
            Event::Opened { door, url } => {
                self.doors().insert(door.clone(), url.clone());
            }
            _ => {}
        }
        if !self.output.json {
            return self.print(event);
        }
        self.output.document(&match event {
            Event::Ready { url, fingerprint } => {
                json!({ "event": "ready", "url": url, "fingerprint": fingerprint })
            }
            Event::Opened { door, url } => json!({ "event": "opened", "door": door, "url": url }),
            Event::Step { number, title } => {
                json!({ "event": "step", "number": number, "title": title })
            }
            Event::Fact { name, value } => json!({ "event": "fact", "name": name, "value": value }),
            Event::Passed(what) => json!({ "event": "passed", "what": what }),
            Event::Warning(text) => json!({ "event": "warning", "text": text }),
            Event::Info(text) => json!({ "event": "info", "text": text }),
            Event::Line(text) => json!({ "event": "line", "text": text }),
            _ => return,
        });
    }
}
