//! Dialect `pqc-mcp-0.1`: JSON-RPC messages with a signature each, as the published Python package
//! sends them.
//!
//! ```text
//! client                                       server
//!   POST /handshake  ── signed key and nonce ──▶  checks who it is, makes a session
//!                    ◀── signed answer ─────────
//!   POST /mcp        ── signed message ────────▶  checks, calls the tool
//!                    ◀── signed message ────────
//! ```
//!
//! Where to look: [`message`] and [`handshake`] for the bytes, [`identity`] for keys and names,
//! [`gate`] for what a server lets through and [`replay`] for what it remembers, [`trust`] for whom
//! each end believes, [`server`], [`client`] and [`layer`] for the ends, [`tools`] for what is called
//! and [`gateway`] for tools elsewhere, [`audit`] for the log, [`demo`] for the scenario.

pub mod audit;
pub mod client;
pub mod demo;
pub mod error;
pub mod gate;
pub mod gateway;
pub mod handshake;
pub mod identity;
pub mod layer;
pub mod lenience;
pub mod message;
pub mod nonces;
pub mod replay;
pub mod server;
pub mod session;
pub mod timestamp;
pub mod tools;
pub mod trust;

mod hex;

use std::sync::Arc;

use pqfw_framework::audit::AuditLog;
use pqfw_framework::peers::PeerList;
use pqfw_framework::profile::Profile;
use pqfw_framework::python_json::{self, Json, Limits};
use pqfw_framework::system::{Event, Failure, Host, Role, RunError, System as _};
use pqfw_framework::transport::BoxFuture;

use crate::Mcp;
use crate::config::McpConfig;
use audit::Audit;
use client::PqcMcpClient;
use error::PqcTransportError;
use gate::Gate;
use identity::{Algorithms, Identity};
use server::PqcMcpServer;
use tools::{Toolbox, Tools};
use trust::Server;

/// The dialect's name in profiles.
pub const DIALECT: &str = "pqc-mcp-0.1";

/// What no implementation of the dialect can give.
pub const CANNOT_PROTECT: [(&str, &str); 4] = [
    (
        "MCP-1",
        "no confidentiality: whoever sits in between reads every message",
    ),
    (
        "MCP-2",
        "the client's handshake names no server: whoever it is shown to can show it to another",
    ),
    (
        "MCP-3",
        "time, nonce and session of a message are not signed: one that never arrived can arrive \
         later, in another session",
    ),
    (
        "MCP-4",
        "an answer is bound to its request by a number that the client chose, and to nothing else",
    ),
];

/// Runs one role.
///
/// # Errors
/// [`RunError`].
pub async fn run(
    role: Role,
    config: &McpConfig,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    host.one_suite(DIALECT)?;
    match role {
        Role::Demo => demo::run(config, host).await,
        Role::Server => match (config.demo_tools, config.command.is_empty()) {
            (true, true) => serve(Arc::new(Toolbox::demo()), config, profile, host, stop).await,
            (false, false) => gateway::serve(config, profile, host, stop).await,
            (false, true) => {
                let text = "there are no tools: set mcp.demo_tools = true, or put an MCP server \
                            behind this one with `pqfw mcp serve -- COMMAND`";
                Err(RunError::new(Failure::Usage, text))
            }
            (true, false) => {
                let text = "mcp.demo_tools and mcp.command: choose one";
                Err(RunError::new(Failure::Usage, text))
            }
        },
        Role::Client => ask(config, profile, &host).await,
        Role::Node => Err(Mcp.info().has_no(role)),
    }
}

/// Serves tools on the profile's transport until `stop` is done.
///
/// # Errors
/// [`RunError`].
pub async fn serve(
    tools: Arc<dyn Tools>,
    config: &McpConfig,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let (identity, audit) = prepare(config, profile, &host)?;
    let Host {
        world,
        suite,
        store,
        transport,
        settings,
        report,
        ..
    } = host;
    let now = world.now();
    let gate = Gate::new(now, identity, config, &suite, store, audit, report.clone())?;
    let server = Arc::new(PqcMcpServer::new(gate, tools, report));
    server.run(&*transport, &settings, world, stop).await?;
    Ok(())
}

/// Connects to the server that `transport.connect` names.
///
/// # Errors
/// [`PqcTransportError`].
pub async fn connect(
    config: &McpConfig,
    profile: &Profile,
    host: &Host,
) -> Result<PqcMcpClient, PqcTransportError> {
    let (identity, audit) = prepare(config, profile, host)?;
    let mut settings = host.settings.clone();
    // Deployed servers close the socket behind every answer without saying so; a connection from
    // a pool would break under the next request, which must not be sent twice.
    settings.limits.connections = 0;
    let exchange = host.transport.connect_exchange(&settings)?;
    let list = PeerList::load(&profile.common.peers, host.keys.clone())?;
    let report = host.report.clone();
    let server = Server::of(config, list, &settings.connect, &*report)?;
    let world = host.world.clone();
    PqcMcpClient::connect(exchange, world, identity, &server, config, audit, report).await
}

/// What both ends need, with the warnings that every start repeats.
fn prepare(
    config: &McpConfig,
    profile: &Profile,
    host: &Host,
) -> Result<(Arc<Identity>, Audit), PqcTransportError> {
    let warn = |text: String| host.report.event(&Event::Warning(text));
    let algorithms = Algorithms::of(&host.suite, config)?;
    let info = algorithms.signature().info();
    if info.category == 0 {
        warn(format!(
            "mcp.transitional = true: every signature is {}, which a quantum computer forges",
            info.id
        ));
    }
    if config.lenient {
        let text = "mcp.lenient = true: messages come through that nobody vouches for";
        warn(text.into());
    }
    let identity = Identity::load(algorithms, profile, host)?;
    let audit = if config.audit_file.is_empty() {
        Audit::default()
    } else {
        let opened = host.outside.journals.open(&config.audit_file);
        let journal = opened.map_err(|error| PqcTransportError::Config(error.to_string()))?;
        let log = AuditLog::open(journal, host.suite.digest.clone());
        let log = log.map_err(|error| PqcTransportError::Config(error.to_string()))?;
        Audit::new(Arc::new(log))
    };
    Ok((Arc::new(identity), audit))
}

async fn ask(config: &McpConfig, profile: &Profile, host: &Host) -> Result<(), RunError> {
    let arguments = arguments(&config.arguments)?;
    let client = connect(config, profile, host).await?;
    let content = client.call_tool(&config.tool, &arguments).await?;
    host.report.event(&Event::Line(content.default_text()));
    client.close();
    Ok(())
}

/// Reads a tool's arguments: a JSON object.
///
/// # Errors
/// [`PqcTransportError::Config`].
pub fn arguments(text: &str) -> Result<Json, PqcTransportError> {
    let wrong = |reason: String| PqcTransportError::Config(format!("the arguments: {reason}"));
    let json = python_json::parse(text.as_bytes(), Limits::default());
    let json = json.map_err(|error| wrong(error.to_string()))?;
    match json.as_object() {
        Some(_) => Ok(json),
        None => Err(wrong("a JSON object is needed".into())),
    }
}
