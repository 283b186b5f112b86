//! A command as a model.

use std::sync::Arc;

use futures_executor::block_on;
use pqfw_framework::process::{Command, ProcessLimits, Processes};
use pqfw_framework::python_json::{Json, Object};

use super::{Complaint, Model};
use crate::wire;

pub(super) struct Exec {
    pub(super) summary: String,
    pub(super) command: Command,
    pub(super) limits: ProcessLimits,
    pub(super) processes: Arc<dyn Processes>,
    pub(super) complaint: Complaint,
}

impl Model for Exec {
    fn summary(&self) -> &str {
        &self.summary
    }

    fn infer(&self, input: &Object) -> Result<Json, String> {
        let input = Json::Object(input.clone()).canonical();
        // Services may block: `ExchangeService`.
        let output = block_on(
            self.processes
                .run(&self.command, input.as_bytes(), self.limits),
        );
        let output = output.map_err(|error| self.complaint.about(error))?;
        wire::parse(&output).map_err(|error| {
            let program = &self.command.program;
            self.complaint
                .about(format!("`{program}` did not write JSON: {error}"))
        })
    }
}
