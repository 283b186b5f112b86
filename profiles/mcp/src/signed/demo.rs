//! The scenario of `role = "demo"`: a real server, a real client, and an attacker on the wire.
//!
//! Every refusal shown is made by changing or repeating real bytes between the two ends.

use std::sync::Arc;

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::scene::{Quiet, Scene, Wire, failed};
use pqfw_framework::store::Store;
use pqfw_framework::system::{Host, RunError};
use pqfw_framework::transport::{Exchange, ExchangeService, Request, Response};
use pqfw_framework::world::Now;

use super::audit::Audit;
use super::client::PqcMcpClient;
use super::error::PqcTransportError;
use super::gate::Gate;
use super::identity::{Algorithms, Identity};
use super::message::parse;
use super::server::PqcMcpServer;
use super::tools::Toolbox;
use super::trust::Server;
use crate::config::McpConfig;

/// Plays the scenario.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(config: &McpConfig, host: Host) -> Result<(), RunError> {
    let mut cast = Cast::new(config, &host)?;
    let server = cast.server(&host)?;
    let (transport, mut settings) = (host.transport.clone(), host.settings.clone());
    settings.listen = transport.loopback().into();
    let listener = transport
        .serve_exchange(&settings, server, host.world.clone())
        .await?;
    settings.connect = listener.url().to_owned();
    settings.limits.connections = 0;
    let wire = Arc::new(Wire::new(transport.connect_exchange(&settings)?));
    let outcome = play(&mut cast, &host, &wire, listener.url()).await;
    listener.shutdown().await;
    outcome
}

/// Who plays.
struct Cast {
    config: McpConfig,
    server: Arc<Identity>,
    client: Arc<Identity>,
    store: Arc<dyn Store>,
    scene: Scene,
}

impl Cast {
    fn new(config: &McpConfig, host: &Host) -> Result<Self, PqcTransportError> {
        let algorithms = Algorithms::of(&host.suite, config)?;
        let mut rng = host.world.rng();
        let mut one = || Identity::generate(algorithms.clone(), &mut *rng).map(Arc::new);
        let (server, client) = (one()?, one()?);
        let config = McpConfig {
            allow_dids: vec![client.did().to_string()],
            allow_any_did: false,
            server_did: Some(server.did().to_string()),
            lenient: false,
            ..config.clone()
        };
        Ok(Self {
            config,
            server,
            client,
            store: host.store.clone(),
            scene: Scene::new(host.world.clone(), host.report.clone()),
        })
    }

    /// A server that starts now, on the store of those before it.
    fn server(&self, host: &Host) -> Result<Arc<PqcMcpServer>, PqcTransportError> {
        let quiet = Arc::new(Quiet);
        let gate = Gate::new(
            host.world.now(),
            self.server.clone(),
            &self.config,
            &host.suite,
            self.store.clone(),
            Audit::default(),
            quiet.clone(),
        )?;
        let tools = Arc::new(Toolbox::demo());
        Ok(Arc::new(PqcMcpServer::new(gate, tools, quiet)))
    }

    async fn connect(
        &self,
        host: &Host,
        wire: &Arc<Wire>,
        client: &Arc<Identity>,
    ) -> Result<PqcMcpClient, PqcTransportError> {
        PqcMcpClient::connect(
            wire.clone(),
            host.world.clone(),
            client.clone(),
            &Server::Pinned(self.server.did().clone()),
            &self.config,
            Audit::default(),
            Arc::new(Quiet),
        )
        .await
    }

    /// The attack was refused, and is told.
    fn refused(&self, response: &Response) -> Result<(), RunError> {
        if response.status == 200 {
            return Err(failed("the attack succeeded"));
        }
        let status = response.status;
        self.scene.passed(&format!("refused: status {status}"));
        Ok(())
    }
}

async fn play(cast: &mut Cast, host: &Host, wire: &Arc<Wire>, url: &str) -> Result<(), RunError> {
    cast.scene
        .step("handshake: both ends sign, and pin whom they believe");
    cast.scene.fact("server", url);
    cast.scene.fact("client", cast.client.did().as_str());
    cast.scene.fact("server's name", cast.server.did().as_str());
    let client = cast.connect(host, wire, &cast.client).await?;
    let handshake = wire.last().ok_or_else(|| failed("nothing was sent"))?;
    cast.scene
        .fact("on the wire", &format!("{} bytes", handshake.body.len()));
    cast.scene.passed("a session for an hour");

    cast.scene.step("the client lists the tools and calls one");
    let tools = client.list_tools().await?;
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    cast.scene.fact("tools", &names.join(", "));
    let arguments = Json::object([("name", "World".into())]);
    let content = client.call_tool("greet", &arguments).await?;
    let call = wire.last().ok_or_else(|| failed("nothing was sent"))?;
    cast.scene
        .fact("on the wire", &format!("{} bytes", call.body.len()));
    cast.scene.passed(&format!(
        "{} (signed, and the signature verified)",
        content.default_text()
    ));

    cast.scene.step("a tool that fails says so, signed");
    match client.call_tool("fail", &Json::Null).await {
        Err(PqcTransportError::Rpc { code, message }) => {
            cast.scene.passed(&format!("{code}: {message}"))
        }
        other => return Err(failed(format!("expected the tool's error, got {other:?}"))),
    }

    cast.scene
        .step("attack: a recorded call is sent again, bit for bit");
    cast.refused(&wire.exchange(call.clone()).await?)?;

    cast.scene
        .step("attack: the same with a new time and number, which nobody signs");
    let now = host.world.now();
    cast.refused(&wire.exchange(refreshed(&call, now)?).await?)?;

    cast.scene
        .step("attack: the recorded handshake is sent again");
    cast.refused(&wire.exchange(handshake.clone()).await?)?;

    cast.scene
        .step("attack: both again, at a server that has just restarted");
    let restarted = cast.server(host)?;
    for recorded in [&handshake, &refreshed(&call, now)?] {
        let mut rng = host.world.rng();
        cast.refused(&restarted.respond(host.world.now(), &mut *rng, recorded))?;
    }

    cast.scene.step("attack: an argument is changed on the way");
    wire.change_next(|body| replace(body, "World", "Mallet"));
    match client.call_tool("greet", &arguments).await {
        Err(PqcTransportError::Status(status)) => {
            cast.scene.passed(&format!("refused: status {status}"))
        }
        other => return Err(failed(format!("the attack succeeded: {other:?}"))),
    }

    cast.scene
        .step("attack: a stranger with a good key of its own");
    let stranger = {
        let algorithms = cast.client.algorithms().clone();
        Arc::new(Identity::generate(algorithms, &mut *host.world.rng())?)
    };
    match cast.connect(host, wire, &stranger).await {
        Err(PqcTransportError::Status(status)) => {
            cast.scene.passed(&format!("refused: status {status}"))
        }
        other => {
            let what = other.map(|_| "a session");
            return Err(failed(format!("the attack succeeded: {what:?}")));
        }
    }
    client.close();
    Ok(())
}

/// A recorded message with the present time and another number.
fn refreshed(recorded: &Request, now: Now) -> Result<Request, PqcTransportError> {
    let Json::Object(mut message) = parse(&recorded.body)? else {
        return Err(PqcTransportError::Malformed("no object".into()));
    };
    let envelope = message.get("_pqc").and_then(Json::as_object);
    let mut envelope: Object = envelope.cloned().unwrap_or_default();
    envelope.insert("timestamp", now.iso8601());
    envelope.insert("nonce", "00112233445566778899aabbccddeeff");
    message.insert("_pqc", envelope);
    let body = Json::from(message).default_text().into_bytes();
    Ok(Request::post(&recorded.route, body))
}

fn replace(body: &mut Vec<u8>, from: &str, to: &str) {
    *body = String::from_utf8_lossy(body).replace(from, to).into_bytes();
}
