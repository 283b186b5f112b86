//! The stage of the role `demo`: it numbers the steps of a scenario, times them, tells what came of each,
//! and says so where the scenario finds a fault.

mod wire;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::system::{Event, Failure, Report, RunError};
use crate::world::World;

pub use wire::Wire;

/// What tells of a scenario, step by step.
pub struct Scene {
    number: usize,
    began: Duration,
    world: Arc<dyn World>,
    report: Arc<dyn Report>,
}

impl Scene {
    /// A scenario that has not begun.
    #[must_use]
    pub fn new(world: Arc<dyn World>, report: Arc<dyn Report>) -> Self {
        Self {
            number: 0,
            began: Duration::ZERO,
            world,
            report,
        }
    }

    /// Begins the next step: what it shows.
    pub fn step(&mut self, title: &str) {
        self.number += 1;
        self.report.event(&Event::Step {
            number: self.number,
            title: title.into(),
        });
        self.began = self.world.now().since_start;
    }

    /// Tells a fact about the step under way.
    pub fn fact(&self, name: &str, value: &str) {
        self.report.event(&Event::Fact {
            name: name.into(),
            value: value.into(),
        });
    }

    /// Ends the step as it should end: how long it took, and what was seen.
    pub fn passed(&self, what: &str) {
        let micros = self.elapsed().as_micros();
        let (whole, tenths) = (micros / 1000, micros % 1000 / 100);
        self.fact("time", &format!("{whole}.{tenths} ms"));
        self.report.event(&Event::Passed(what.into()));
    }

    /// How long the step under way has taken.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        let now = self.world.now().since_start;
        now.saturating_sub(self.began)
    }
}

/// The end of a scenario that has found a fault: an attack that succeeded, an honest run that did not.
#[must_use]
pub fn failed(what: impl fmt::Display) -> RunError {
    RunError::new(Failure::Operation, format!("demo: {what}"))
}

/// The report of what stands on the stage beside the teller: a scenario's servers say nothing.
pub struct Quiet;

impl Report for Quiet {
    fn event(&self, _event: &Event) {}
}
