//! Dialect `bridge`: unmodified MCP hosts and servers, with the channel between them.
//!
//! ```text
//! host ──stdio──▶ connect ══ channel (tcp | quic) ══ serve ──stdio──▶ an MCP server, one child a session
//! host ──HTTP───▶ door    ══ one channel a connection ══ serve ──HTTP──▶ an MCP server that is there
//! ```
//!
//! | room | what is in it |
//! | --- | --- |
//! | [`json`], [`message`] | one line: exactly one JSON value, and what a bridge must know of it |
//! | [`filter`] | which tools a peer may call |
//! | [`http`] | where requests begin and end |
//! | [`purpose`], [`answer`], [`error`] | what is said besides MCP; errors to hosts; errors of ours |
//! | [`flights`], [`resume`] | what a host waits for; taking a session up again |
//! | [`caller`], [`connect`], [`door`] | the host's end: a channel, stdio, HTTP |
//! | [`serve`], [`upstream`], `child` | the server's end: sessions, HTTP, children |
//! | [`audit`], [`metrics`] | who called what, and how much there was |
//! | `rmcp` (a feature) | the official Rust SDK directly on a channel |
//! | [`demo`], [`demo_server`] | the scenario, and the small MCP server in it |

pub mod answer;
pub mod audit;
pub mod caller;
pub mod connect;
pub mod demo;
pub mod demo_server;
pub mod door;
pub mod error;
pub mod filter;
pub mod flights;
pub mod http;
pub mod json;
pub mod message;
pub mod metrics;
pub mod purpose;
pub mod resume;
#[cfg(feature = "rmcp")]
pub mod rmcp;
pub mod serve;
pub mod upstream;

mod child;
mod pipe;
mod salvage;
mod wire;

use std::sync::Arc;

use pqfw_framework::process::Command;
use pqfw_framework::profile::Profile;
use pqfw_framework::system::{Event, Failure, Host, Role, RunError, System as _};
use pqfw_framework::transport::BoxFuture;
use pqfw_session::compose::{self, End};

use crate::Mcp;
use crate::config::McpConfig;
use audit::Audit;
use caller::Caller;
use filter::AllowLists;
use serve::{Parts, Server, Serves};
use upstream::Upstream;

/// The dialect's name in profiles.
pub const DIALECT: &str = "bridge";

/// What speaks inside the channel.
pub const PROTOCOL: &str = "mcp-bridge/1";

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
    let bounds = config.bridge_bounds(&host.settings.limits);
    match role {
        Role::Server => serve_sessions(config, profile, host, stop).await,
        Role::Client => {
            let caller = Caller::new(host, profile, bounds)?;
            match &config.http_listen {
                None => connect::run(&caller, stop).await,
                Some(address) => door::serve(caller, address, config.origins.clone(), stop).await,
            }
        }
        Role::Demo => {
            let policy = profile.common.policy.0.join("+");
            demo::run(&policy, bounds, &config.command, host).await
        }
        Role::Node => Err(Mcp.info().has_no(role)),
    }
}

async fn serve_sessions(
    config: &McpConfig,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let usage = |text: &str| RunError::new(Failure::Usage, text);
    let tools = AllowLists::new(&config.tools).map_err(|text| usage(&text))?;
    let serves = match (config.command.split_first(), &config.upstream) {
        (Some((program, arguments)), None) => Serves::Child(Command {
            program: program.clone(),
            arguments: arguments.to_vec(),
        }),
        (None, Some(url)) => {
            Serves::Upstream(Upstream::new(url, config.inspect, !tools.is_empty())?)
        }
        (None, None) => {
            return Err(usage(
                "there is no MCP server to bridge to: give its command (pqfw mcp serve -- COMMAND) \
                 or its address (--upstream http://127.0.0.1:3000/mcp)",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(usage("mcp.command and mcp.upstream exclude each other"));
        }
    };
    let channel = Arc::new(compose::config(PROTOCOL, End::Responder, profile, &host)?);
    let fingerprint = channel.identities().first();
    let fingerprint = fingerprint.map(|identity| identity.fingerprint().to_string());
    let metrics = Arc::<metrics::Metrics>::default();
    let server = Arc::new(Server::new(Parts {
        channel,
        metrics: metrics.clone(),
        bounds: config.bridge_bounds(&host.settings.limits),
        serves,
        tools,
        audit: Audit::open(&config.audit_file, &host)?,
        host: host.clone(),
    }));
    let (settings, world) = (&host.settings, host.world.clone());
    let listener = host
        .transport
        .serve_stream(settings, server.clone(), world)
        .await?;
    let measured = match config.metrics.listen.as_str() {
        "" => None,
        address => {
            let (address, world) = (address.to_owned(), host.world.clone());
            let door = host
                .outside
                .control
                .open_metrics(address, metrics, world)
                .await?;
            let url = door.url().to_owned();
            let name = "metrics".into();
            host.report.event(&Event::Opened { door: name, url });
            Some(door)
        }
    };
    host.report.event(&Event::Ready {
        url: listener.url().to_owned(),
        fingerprint,
    });
    stop.await;
    server.close();
    listener.shutdown().await;
    if let Some(door) = measured {
        door.shutdown().await;
    }
    Ok(())
}
