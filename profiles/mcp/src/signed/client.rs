//! The asking end: everything that the server says is verified before it is believed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::python_json::{Json, Number, Object};
use pqfw_framework::system::Report;
use pqfw_framework::transport::{Exchange, Request};
use pqfw_framework::world::{Now, World};

use super::audit::{Audit, AuditEntry, Operation};
use super::error::PqcTransportError;
use super::gate::in_time;
use super::handshake::PqcHandshake;
use super::identity::Identity;
use super::lenience::Lenience;
use super::message::{self, ENVELOPE, Envelope, MessageSigner, foreign_key, fresh, parse};
use super::server::HANDSHAKE;
use super::session::{PqcSession, SessionTimes};
use super::tools::ToolInfo;
use super::trust::Server;
use crate::config::McpConfig;

/// Where messages go.
const MESSAGES: &str = "/mcp";

/// A client with a session.
pub struct PqcMcpClient {
    exchange: Arc<dyn Exchange>,
    world: Arc<dyn World>,
    signer: MessageSigner,
    times: SessionTimes,
    lenience: Lenience,
    audit: Audit,
    session: Mutex<PqcSession>,
}

impl PqcMcpClient {
    /// Makes a session with the server that `server` believes.
    ///
    /// # Errors
    /// [`PqcTransportError`].
    pub async fn connect(
        exchange: Arc<dyn Exchange>,
        world: Arc<dyn World>,
        identity: Arc<Identity>,
        server: &Server,
        config: &McpConfig,
        audit: Audit,
        report: Arc<dyn Report>,
    ) -> Result<Self, PqcTransportError> {
        let times = config.session_times();
        let lenience = if config.lenient {
            Lenience::lenient(report.clone())
        } else {
            Lenience::strict()
        };
        let (waiting, request) = PqcHandshake::initiate(&identity, world.now(), &mut *world.rng())?;
        let response = post(&*exchange, HANDSHAKE, &request).await?;
        let now = world.now();
        let algorithms = identity.algorithms();
        let mut session = waiting.complete(now, &response, times, &lenience)?;
        server.check(now, algorithms, session.peer(), &report)?;
        let entry = AuditEntry::new(now, Operation::Handshake, algorithms.label())
            .session(session.id())
            .peer(&session.peer().did)
            .details("answered by the server");
        audit.write(&entry)?;
        session.log_operation(entry);
        Ok(Self {
            exchange,
            world,
            signer: MessageSigner::new(identity),
            times,
            lenience,
            audit,
            session: Mutex::new(session),
        })
    }

    fn session(&self) -> MutexGuard<'_, PqcSession> {
        // Nothing panics between two changes of a session.
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the session.
    pub fn with_session<T>(&self, look: impl FnOnce(&PqcSession) -> T) -> T {
        look(&self.session())
    }

    /// Calls a tool; gives the `content` of its result.
    ///
    /// # Errors
    /// [`PqcTransportError::SessionExpired`] when it is time to connect again;
    /// [`PqcTransportError::Rpc`] when the tool did not work; others when nothing is to be believed.
    pub async fn call_tool(&self, name: &str, arguments: &Json) -> Result<Json, PqcTransportError> {
        let params = Json::object([("name", name.into()), ("arguments", arguments.clone())]);
        let result = self.request("tools/call", Some(params)).await?;
        let content = result.get("content").cloned();
        content.ok_or_else(|| PqcTransportError::Malformed("the result has no `content`".into()))
    }

    /// The server's tools.
    ///
    /// # Errors
    /// As [`Self::call_tool`].
    pub async fn list_tools(&self) -> Result<Vec<ToolInfo>, PqcTransportError> {
        let result = self.request("tools/list", None).await?;
        let tools = result.get("tools").and_then(Json::as_array);
        let text = |tool: &Json, name| tool.get(name).and_then(Json::as_str).map(str::to_owned);
        let info = |tool: &Json| {
            Some(ToolInfo {
                name: text(tool, "name")?,
                description: text(tool, "description")?,
            })
        };
        let tools = tools.and_then(|tools| tools.iter().map(info).collect());
        tools.ok_or_else(|| PqcTransportError::Malformed("the result has no `tools`".into()))
    }

    /// Ends the session here. The dialect has no message for it: at the server it lives on until
    /// its time is over.
    pub fn close(self) {}

    async fn request(&self, method: &str, params: Option<Json>) -> Result<Json, PqcTransportError> {
        let (id, request) = self.signed(method, params)?;
        let response = post(&*self.exchange, MESSAGES, &request).await?;
        let now = self.world.now();
        let label = self.signer.identity().algorithms().label();
        let mut entry = AuditEntry::new(now, Operation::ToolResponse, label).method(method);
        {
            let session = self.session();
            entry = entry.session(session.id()).peer(&session.peer().did);
        }
        let read = self.believe(now, &response).and_then(|message| {
            if message.get("id") != Some(&id) {
                let text = "the answer is to another request".into();
                let error = PqcTransportError::PeerNotAuthenticated(text);
                self.lenience.forgive(error)?;
            }
            Ok(message)
        });
        let entry = match &read {
            Ok(_) => entry,
            Err(error) => entry.refused(error),
        };
        self.audit.write(&entry)?;
        self.session().log_operation(entry);
        outcome(&read?)
    }

    /// Makes a request: its number, and what to send.
    fn signed(
        &self,
        method: &str,
        params: Option<Json>,
    ) -> Result<(Json, Json), PqcTransportError> {
        let (now, mut rng) = (self.world.now(), self.world.rng());
        let (session, peer) = {
            let session = self.session();
            if !session.is_valid(now) {
                return Err(PqcTransportError::SessionExpired);
            }
            (session.id().to_owned(), session.peer().did.clone())
        };
        let id: Json = fresh(&mut *rng).into();
        let mut message: Object = [
            ("jsonrpc", Json::from("2.0")),
            ("method", method.into()),
            ("id", id.clone()),
        ]
        .into_iter()
        .collect();
        if let Some(params) = params {
            message.insert("params", params);
        }
        let signed = self
            .signer
            .sign_message(now, &mut *rng, &message, Some(&session))?;
        let label = self.signer.identity().algorithms().label();
        let entry = AuditEntry::new(now, Operation::ToolCall, label)
            .method(method)
            .session(&session)
            .peer(&peer);
        self.audit.write(&entry)?;
        self.session().log_operation(entry);
        Ok((id, signed.into()))
    }

    /// Verifies an answer.
    fn believe(&self, now: Now, response: &Json) -> Result<Object, PqcTransportError> {
        let algorithms = self.signer.identity().algorithms();
        let Some(answer) = response.as_object() else {
            let text = "the answer is no JSON object";
            return Err(PqcTransportError::Malformed(text.into()));
        };
        if answer.get(ENVELOPE).is_none() {
            let text = "the answer is not signed".into();
            self.lenience
                .forgive(PqcTransportError::SignatureVerification(text))?;
            return Ok(answer.clone());
        }
        let envelope = Envelope::read(algorithms, answer)?;
        let mut session = self.session();
        let peer = session.peer().clone();
        let key = if envelope.signer == peer.did && envelope.public_key == peer.public_key {
            peer.key
        } else {
            let text = "the answer is signed by somebody else than the server".into();
            self.lenience
                .forgive(PqcTransportError::PeerNotAuthenticated(text))?;
            if algorithms.did(&envelope.public_key) != envelope.signer {
                self.lenience.forgive(foreign_key())?;
            }
            Arc::new(algorithms.import(&envelope.public_key)?)
        };
        in_time(now, envelope.unix_micros, self.times.window)?;
        let verified = message::verify(algorithms, &key, answer, envelope)?;
        match session.check_nonce(now, verified.envelope.nonce) {
            Err(error @ PqcTransportError::ReplayAttack(_)) => self.lenience.forgive(error)?,
            other => other?,
        }
        Ok(verified.message)
    }
}

/// The result in an answer, or the error.
fn outcome(answer: &Object) -> Result<Json, PqcTransportError> {
    let malformed = |text: &str| PqcTransportError::Malformed(text.to_owned());
    if let Some(error) = answer.get("error") {
        let code = error.get("code").and_then(Json::as_number);
        let code = code.and_then(Number::as_i64);
        let text = error.get("message").and_then(Json::as_str);
        return Err(match (code, text) {
            (Some(code), Some(text)) => PqcTransportError::Rpc {
                code,
                message: message::printable(text),
            },
            _ => malformed("the error has no code or no message"),
        });
    }
    let result = answer.get("result").cloned();
    result.ok_or_else(|| malformed("the answer has neither result nor error"))
}

async fn post(
    exchange: &dyn Exchange,
    route: &str,
    json: &Json,
) -> Result<Json, PqcTransportError> {
    let body = json.default_text().into_bytes();
    let response = exchange.exchange(Request::post(route, body)).await?;
    // Deployed clients, too, look at nothing else.
    if response.status != 200 {
        return Err(PqcTransportError::Status(response.status));
    }
    parse(&response.body)
}
