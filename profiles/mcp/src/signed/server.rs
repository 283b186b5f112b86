//! The serving end: routes, methods and the words of deployed servers.

use std::sync::Arc;

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{
    BoxFuture, ExchangeService, Request, Response, Transport, TransportSettings,
};
use pqfw_framework::world::{Now, World};

use super::audit::{AuditEntry, Operation};
use super::error::PqcTransportError;
use super::gate::{Admission, Admitted, Gate};
use super::message::{parse, printable};
use super::tools::{CallFault, Tools};

/// The route of handshakes.
pub const HANDSHAKE: &str = "/handshake";

const RUNNING: &str = r#"{"status": "PQC MCP Server running"}"#;
const WRONG_METHOD: &str = r#"{"error": "Method not allowed"}"#;
/// Every refusal looks the same from outside.
pub(super) const REFUSED: &str = r#"{"error": "Internal server error"}"#;

/// A server without any transport.
pub struct PqcMcpServer {
    gate: Gate,
    tools: Arc<dyn Tools>,
    report: Arc<dyn Report>,
}

impl PqcMcpServer {
    /// Puts tools behind a gate.
    #[must_use]
    pub fn new(gate: Gate, tools: Arc<dyn Tools>, report: Arc<dyn Report>) -> Self {
        Self {
            gate,
            tools,
            report,
        }
    }

    /// The gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The tools as a client sees them.
    ///
    /// # Errors
    /// The tools' own words.
    pub fn tool_list(&self) -> Result<Json, String> {
        let tools = self.tools.list()?;
        let tools: Vec<_> = tools
            .into_iter()
            .map(|tool| {
                let description = tool.description.into();
                Json::object([("name", tool.name.into()), ("description", description)])
            })
            .collect();
        Ok(Json::object([("tools", tools.into())]))
    }

    /// Answers a handshake.
    ///
    /// # Errors
    /// [`PqcTransportError`].
    pub fn handle_handshake(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Json,
    ) -> Result<Json, PqcTransportError> {
        self.gate.handshake(now, rng, request)
    }

    /// Answers a message.
    ///
    /// # Errors
    /// [`PqcTransportError`] for what does not come through the gate.
    pub fn handle_request(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        message: &Json,
    ) -> Result<Json, PqcTransportError> {
        let admitted = match self.gate.admit(now, message) {
            Ok(Admission::Signed(admitted)) => admitted,
            Ok(Admission::Unsigned(message)) => {
                let what = "Missing _pqc signature envelope";
                return Ok(answer(&message, error(-32600, what)).into());
            }
            Err(error) => {
                let label = self.gate.identity().algorithms().label();
                let entry = AuditEntry::new(now, Operation::Verify, label);
                return Err(self.gate.refuse(entry, error));
            }
        };
        let method = match admitted.message.get("method") {
            Some(Json::String(method)) => method.clone(),
            // As Python prints what is not there.
            _ => "None".to_owned(),
        };
        let operation = match method.as_str() {
            "tools/call" => Operation::ToolCall,
            _ => Operation::Verify,
        };
        let entry = self.gate.entry(now, operation, &admitted, &method);
        let entry = entry
            .signed(&admitted.signer, &admitted.signature)
            .peer(self.gate.identity().did())
            .details(&tool_of(&admitted.message));
        self.gate.log(now, entry)?;
        let outcome = match method.as_str() {
            "tools/list" => self.list(),
            "tools/call" => self.call(&admitted.message),
            other => error(-32601, &format!("Unknown method: {other}")),
        };
        let response = answer(&admitted.message, outcome);
        let signed = self.gate.sign(now, rng, &response)?;
        if operation == Operation::ToolCall {
            self.log_response(now, &admitted, &method, &signed)?;
        }
        Ok(signed.into())
    }

    fn list(&self) -> (&'static str, Json) {
        match self.tool_list() {
            Ok(tools) => ("result", tools),
            Err(words) => error(-32000, &format!("Tool error: {words}")),
        }
    }

    fn call(&self, message: &Object) -> (&'static str, Json) {
        let params = message.get("params");
        let member = |name| params.and_then(|params| params.get(name));
        let name = tool_of(message);
        let none = Object::new().into();
        match self.tools.call(&name, member("arguments").unwrap_or(&none)) {
            Ok(content) => ("result", Json::object([("content", content)])),
            Err(CallFault::Unknown) => error(-32601, &format!("Unknown tool: {name}")),
            Err(CallFault::Failed(words)) => error(-32000, &format!("Tool error: {words}")),
        }
    }

    fn log_response(
        &self,
        now: Now,
        admitted: &Admitted,
        method: &str,
        signed: &Object,
    ) -> Result<(), PqcTransportError> {
        let failed = signed.get("error").and_then(|error| error.get("message"));
        let signature = signed
            .get("_pqc")
            .and_then(|envelope| envelope.get("signature"))
            .and_then(Json::as_str)
            .and_then(super::hex::decode)
            .unwrap_or_default();
        let entry = self
            .gate
            .entry(now, Operation::ToolResponse, admitted, method)
            .signed(self.gate.identity().did(), &signature)
            .peer(&admitted.signer)
            .details(failed.and_then(Json::as_str).unwrap_or_default());
        self.gate.log(now, entry)
    }

    fn route(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
    ) -> Result<Json, PqcTransportError> {
        let body = parse(&request.body)?;
        if request.route == HANDSHAKE {
            self.handle_handshake(now, rng, &body)
        } else {
            self.handle_request(now, rng, &body)
        }
    }

    /// Serves on a transport until `stop` is done.
    ///
    /// # Errors
    /// [`PqcTransportError::Transport`].
    pub async fn run(
        self: Arc<Self>,
        transport: &dyn Transport,
        settings: &TransportSettings,
        world: Arc<dyn World>,
        stop: BoxFuture<'static, ()>,
    ) -> Result<(), PqcTransportError> {
        let fingerprint = {
            let identity = self.gate.identity();
            let text = format!("clients pin mcp.server_did = \"{identity}\"");
            self.report.event(&Event::Info(text));
            identity
                .algorithms()
                .fingerprint(identity.public_key())
                .ok()
        };
        let report = self.report.clone();
        let listener = transport.serve_exchange(settings, self, world).await?;
        report.event(&Event::Ready {
            url: listener.url().to_owned(),
            fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
        });
        stop.await;
        listener.shutdown().await;
        Ok(())
    }
}

/// The tool that a message names, or nothing.
fn tool_of(message: &Object) -> String {
    let name = message.get("params").and_then(|params| params.get("name"));
    printable(name.and_then(Json::as_str).unwrap_or_default())
}

fn error(code: i64, message: &str) -> (&'static str, Json) {
    let error = Json::object([("code", code.into()), ("message", message.into())]);
    ("error", error)
}

fn answer(message: &Object, (member, value): (&str, Json)) -> Object {
    let id = message.get("id").cloned().unwrap_or(Json::Null);
    [("jsonrpc", "2.0".into()), ("id", id), (member, value)]
        .into_iter()
        .collect()
}

impl ExchangeService for PqcMcpServer {
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response {
        let text = |status, body: String| Response {
            status,
            body: body.into_bytes(),
        };
        match request.method.as_str() {
            "GET" | "HEAD" => return text(200, RUNNING.into()),
            "POST" if request.body.is_empty() => return text(200, RUNNING.into()),
            "POST" => {}
            _ => return text(405, WRONG_METHOD.into()),
        }
        match self.route(now, rng, request) {
            Ok(json) => text(200, json.default_text()),
            Err(error) => {
                let line = format!("{}: {error}", printable(&request.route));
                self.report.event(&Event::Warning(line));
                text(500, REFUSED.into())
            }
        }
    }
}
