//! The stage: numbers the steps, times them, and tells what came of each.

use pqfw_framework::system::{Event, Failure, Host, RunError};
use pqfw_session::ChannelError;

use crate::error::ClientError;

/// What is shown.
pub(super) struct Scene {
    number: usize,
    began: u64,
    pub(super) host: Host,
}

impl Scene {
    pub(super) fn new(host: Host) -> Self {
        Self {
            number: 0,
            began: 0,
            host,
        }
    }

    pub(super) fn step(&mut self, title: &str) {
        self.number += 1;
        self.host.report.event(&Event::Step {
            number: self.number,
            title: title.into(),
        });
        self.began = self.micros();
    }

    pub(super) fn fact(&self, name: &str, value: &str) {
        self.host.report.event(&Event::Fact {
            name: name.into(),
            value: value.into(),
        });
    }

    pub(super) fn info(&self, text: String) {
        self.host.report.event(&Event::Info(text));
    }

    pub(super) fn line(&self, text: &str) {
        self.host.report.event(&Event::Line(text.into()));
    }

    pub(super) fn passed(&self, what: &str) {
        let elapsed = self.micros().saturating_sub(self.began);
        let (whole, tenths) = (elapsed / 1000, elapsed % 1000 / 100);
        self.fact("time", &format!("{whole}.{tenths} ms"));
        self.host.report.event(&Event::Passed(what.into()));
    }

    /// The server has refused a request, with this status.
    pub(super) fn refused<T>(
        &self,
        outcome: Result<T, ClientError>,
        expected: u16,
    ) -> Result<(), RunError> {
        match outcome {
            Err(ClientError::Refused { status, detail }) if status == expected => {
                self.passed(&format!("refused: {status} {detail}"));
                Ok(())
            }
            Err(other) => Err(failed(format!(
                "expected a refusal with {expected}, got: {other}"
            ))),
            Ok(_) => Err(failed("the attack succeeded")),
        }
    }

    /// The channel has refused a request, before the server saw it.
    pub(super) fn stopped<T>(&self, outcome: Result<T, ClientError>) -> Result<(), RunError> {
        match outcome {
            Err(ClientError::Channel(error @ ChannelError::RefusedExchange { .. })) => {
                self.passed(&format!("refused by the channel: {error}"));
                Ok(())
            }
            Err(other) => Err(failed(other)),
            Ok(_) => Err(failed("the attack succeeded")),
        }
    }

    fn micros(&self) -> u64 {
        let since_start = self.host.world.now().since_start;
        u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX)
    }
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

pub(super) fn failed(what: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, format!("demo: {what}"))
}
