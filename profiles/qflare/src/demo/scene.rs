//! The stage: numbers the steps, times them, and tells what came of each.

use pqfw_framework::scene;
use pqfw_framework::system::{Event, Host, RunError};
use pqfw_session::ChannelError;

use crate::error::ClientError;

pub(super) use pqfw_framework::scene::failed;

/// What is shown.
pub(super) struct Scene {
    scene: scene::Scene,
    pub(super) host: Host,
}

impl Scene {
    pub(super) fn new(host: Host) -> Self {
        let scene = scene::Scene::new(host.world.clone(), host.report.clone());
        Self { scene, host }
    }

    pub(super) fn step(&mut self, title: &str) {
        self.scene.step(title);
    }

    pub(super) fn fact(&self, name: &str, value: &str) {
        self.scene.fact(name, value);
    }

    pub(super) fn info(&self, text: String) {
        self.host.report.event(&Event::Info(text));
    }

    pub(super) fn line(&self, text: &str) {
        self.host.report.event(&Event::Line(text.into()));
    }

    pub(super) fn passed(&self, what: &str) {
        self.scene.passed(what);
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
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
