//! `[qu3.models.NAME]`: a model that is not built in.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::process::{Command, ProcessLimits};
use pqfw_framework::system::{Outside, Report};
use pqfw_framework::transport::{TransportLimits, TransportSettings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::exec::Exec;
use super::http::Upstream;
use super::{Complaint, Model};

/// Where a model is, and what it may use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelTable {
    /// `exec:PROGRAM ARGUMENT …`: run for each inference, without a shell, the input as JSON on its
    /// standard input, the output as JSON on its standard output. Or `http://HOST:PORT/PATH`: a
    /// server that takes and gives JSON.
    pub run: String,
    /// How the server at `http:` is spoken to.
    #[serde(default)]
    pub style: UpstreamStyle,
    /// The name of the model at the server, for style `openai`.
    pub model: Option<String>,
    /// Seconds that one inference may take.
    #[serde(default = "thirty")]
    pub secs: u64,
    /// Bytes of one output.
    #[serde(default = "mebibyte")]
    pub output_bytes: u32,
}

fn thirty() -> u64 {
    30
}

fn mebibyte() -> u32 {
    1 << 20
}

/// How a server that stands behind this one is spoken to.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamStyle {
    /// The input object is the body, and the answer's object is the output.
    #[default]
    Json,
    /// Chat completions as OpenAI's API has them: `{"text"}` or `{"messages"}` in, `{"text"}` out.
    OpenAi,
}

impl ModelTable {
    /// The model.
    ///
    /// # Errors
    /// What is wrong with the table.
    pub(super) fn model(
        &self,
        name: &str,
        outside: &Outside,
        report: &Arc<dyn Report>,
    ) -> Result<Arc<dyn Model>, String> {
        if self.secs == 0 || self.output_bytes == 0 {
            return Err("with `secs` or `output_bytes` 0 no inference would end well".into());
        }
        let complaint = Complaint {
            name: name.to_owned(),
            report: report.clone(),
        };
        let output_bytes = usize::try_from(self.output_bytes).unwrap_or(usize::MAX);
        if let Some(command) = self.run.strip_prefix("exec:") {
            let mut words = command.split_whitespace().map(str::to_owned);
            let program = words.next().ok_or("`exec:` names no program")?;
            return Ok(Arc::new(Exec {
                summary: format!("runs the command {program}"),
                command: Command {
                    program,
                    arguments: words.collect(),
                },
                limits: ProcessLimits {
                    time: Duration::from_secs(self.secs),
                    output_bytes,
                },
                processes: outside.processes.clone(),
                complaint,
            }));
        }
        let (scheme, rest) = self.run.split_once("://").ok_or_else(|| {
            format!(
                "`{}` is neither `exec:PROGRAM` nor an http:// address",
                self.run
            )
        })?;
        let transport = outside.transports.get(scheme).ok_or_else(|| {
            let known: Vec<_> = outside.transports.keys().copied().collect();
            format!(
                "`{scheme}://`: there is no such transport; there are {}",
                known.join(", ")
            )
        })?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if self.style == UpstreamStyle::OpenAi && self.model.is_none() {
            return Err("style `openai` needs `model`, its name at the server".into());
        }
        let settings = TransportSettings {
            connect: format!("{scheme}://{authority}"),
            limits: TransportLimits {
                body_bytes: output_bytes,
                connections: 64,
                request_secs: self.secs,
                ..TransportLimits::default()
            },
            ..TransportSettings::default()
        };
        let exchange = transport.connect_exchange(&settings);
        Ok(Arc::new(Upstream {
            summary: format!("asks {}", self.run),
            exchange: exchange.map_err(|error| error.to_string())?,
            route: format!("/{path}"),
            style: self.style,
            model: self.model.clone(),
            complaint,
        }))
    }
}
