//! A server with one tool, for any client that comes.
//!
//! ```text
//! cargo run -p pqfw-mcp --example simple_server -- 127.0.0.1:8765
//! ```

#![allow(clippy::expect_used, reason = "an example that cannot go on may end")]

mod common;

use std::error::Error;
use std::sync::Arc;

use common::{Terminal, identity, settings, suite};
use pqfw_framework::python_json::Json;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::World;
use pqfw_http::HttpTransport;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::gate::Gate;
use pqfw_mcp::signed::server::PqcMcpServer;
use pqfw_mcp::signed::tools::Toolbox;
use pqfw_runtime::{OsWorld, stop_signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = std::env::args().nth(1);
    let listen = listen.unwrap_or_else(|| "127.0.0.1:8765".into());
    let world = Arc::new(OsWorld::new());
    let suite = suite(&*world);
    let config = McpConfig {
        allow_any_did: true,
        ..McpConfig::default()
    };
    let gate = Gate::new(
        world.now(),
        identity(&suite, &*world),
        &config,
        &suite,
        // A store on disk remembers spent signatures across restarts: pqfw-store.
        Arc::new(MemoryStore::default()),
        Audit::default(),
        Arc::new(Terminal),
    )?;
    let tools = Toolbox::default().tool("greet", "Greets by name", |arguments| {
        let name = arguments.get("name").and_then(Json::as_str);
        let name = name.ok_or("`name` must be a text")?;
        Ok(format!("Hello, {name}!").into())
    });
    let server = Arc::new(PqcMcpServer::new(gate, Arc::new(tools), Arc::new(Terminal)));
    let settings = settings(&listen, "");
    Ok(server
        .run(&HttpTransport, &settings, world, stop_signal())
        .await?)
}
