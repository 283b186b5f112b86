//! A small MCP server, written with the official Rust SDK: `add`, `echo`, and `wait`, which never answers.

use rmcp::handler::server::wrapper::Parameters;
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::Deserialize;

/// What `add` takes.
#[derive(Deserialize, schemars::JsonSchema)]
struct Sum {
    a: f64,
    b: f64,
}

/// What `echo` takes.
#[derive(Deserialize, schemars::JsonSchema)]
struct Said {
    text: String,
}

/// The server, which has no state.
#[derive(Clone)]
pub(crate) struct Tools;

#[tool_router]
impl Tools {
    #[tool(description = "adds two numbers")]
    fn add(&self, Parameters(Sum { a, b }): Parameters<Sum>) -> String {
        (a + b).to_string()
    }

    #[tool(description = "says what it is told")]
    fn echo(&self, Parameters(Said { text }): Parameters<Said>) -> String {
        text
    }

    #[tool(description = "never answers")]
    async fn wait(&self) -> String {
        std::future::pending().await
    }
}

#[tool_handler(router = Self::tool_router(), name = "rmcp-tools")]
impl ServerHandler for Tools {}
