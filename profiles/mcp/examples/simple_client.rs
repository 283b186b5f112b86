//! A client that pins its server and calls a tool.
//!
//! ```text
//! cargo run -p pqfw-mcp --example simple_client -- http://127.0.0.1:8765 did:pqaid:…
//! ```

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "an example that cannot go on may end"
)]

mod common;

use std::error::Error;
use std::sync::Arc;

use common::{Terminal, identity, settings, suite};
use pqfw_framework::python_json::Json;
use pqfw_framework::transport::Transport;
use pqfw_http::HttpTransport;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::client::PqcMcpClient;
use pqfw_mcp::signed::identity::Did;
use pqfw_mcp::signed::trust::Server;
use pqfw_runtime::OsWorld;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let url = args.next().ok_or("the server's URL is missing")?;
    let did = args.next().as_deref().and_then(Did::parse);
    let did = did.ok_or("the server's did:pqaid:… is missing")?;
    let world = Arc::new(OsWorld::new());
    let suite = suite(&*world);
    let client = PqcMcpClient::connect(
        HttpTransport.connect_exchange(&settings("", &url))?,
        world.clone(),
        identity(&suite, &*world),
        &Server::Pinned(did),
        &McpConfig::default(),
        Audit::default(),
        Arc::new(Terminal),
    )
    .await?;
    for tool in client.list_tools().await? {
        println!("{}: {}", tool.name, tool.description);
    }
    let arguments = Json::object([("name", "World".into())]);
    let content = client.call_tool("greet", &arguments).await?;
    println!("{}", content.default_text());
    client.close();
    Ok(())
}
