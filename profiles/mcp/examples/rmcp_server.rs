//! An MCP server on stdio, written with the official Rust SDK. It knows nothing of bridges: what any
//! host could start, and so what `pqfw mcp serve` can.
//!
//! ```text
//! cargo build -p pqfw-mcp --example rmcp_server
//! pqfw run --profile mcp.toml --set 'mcp.command=["target/debug/examples/rmcp_server"]'
//! ```

mod rmcp_tools;

use std::error::Error;

use rmcp::ServiceExt;
use rmcp::transport::stdio;
use rmcp_tools::Tools;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    Tools.serve(stdio()).await?.waiting().await?;
    Ok(())
}
