//! `pqfw mcp`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::ProfileArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Mcp {
    /// Stand before an MCP server: a child on stdio for each session, or one over HTTP
    #[command(
        after_help = "Examples:\n  pqfw mcp serve --listen 0.0.0.0:8765 --allow-peer sha256:… -- \
                      npx -y @modelcontextprotocol/server-filesystem /srv/files\n  \
                      pqfw mcp serve --allow-peer sha256:… --upstream http://127.0.0.1:3000/mcp"
    )]
    Serve(McpServe),
    /// Stand in for an MCP server: on standard input and output, or for HTTP hosts
    #[command(
        after_help = "Examples:\n  pqfw mcp connect --to tcp://files.example.org:8765 --server \
                      sha256:…\n  pqfw mcp connect --to tcp://127.0.0.1:8765 --http-listen \
                      127.0.0.1:9000"
    )]
    Connect(McpConnect),
    /// Print what a host's configuration needs to talk to a server through `connect`
    #[command(
        after_help = "Example: pqfw mcp config --name files --to tcp://files.example.org:8765"
    )]
    Config {
        /// What the host calls the server
        #[arg(long)]
        name: String,
        #[command(flatten)]
        target: McpTarget,
    },
    /// Who this machine is to its peers
    #[command(subcommand)]
    Identity(McpIdentity),
    #[command(flatten)]
    Signed(McpSigned),
    /// A small MCP server on standard input and output, for trying things out
    #[command(after_help = "Example: pqfw mcp serve -- pqfw mcp demo-server")]
    DemoServer,
}

/// What a client of dialect pqc-mcp-0.1 does.
#[derive(Debug, Subcommand)]
pub(crate) enum McpSigned {
    /// Call a tool of a server of dialect pqc-mcp-0.1, and print the content of its result
    #[command(after_help = "Example: pqfw mcp call greet '{\"name\": \"World\"}' \
                            --to http://127.0.0.1:8765 --server-did did:pqaid:…")]
    Call {
        /// The tool
        tool: String,
        /// Its arguments, a JSON object
        #[arg(default_value = "{}")]
        arguments: String,
        #[command(flatten)]
        target: McpSignedTarget,
    },
    /// List the tools of a server of dialect pqc-mcp-0.1
    #[command(after_help = "Example: pqfw mcp list-tools --to http://127.0.0.1:8765 --json")]
    ListTools {
        #[command(flatten)]
        target: McpSignedTarget,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum McpIdentity {
    /// Make the identity of dialect pqc-mcp-0.1, or take over one of the published package
    #[command(
        after_help = "Examples:\n  pqfw mcp identity new\n  pqfw mcp identity new --import \
                            agent.json"
    )]
    New {
        #[command(flatten)]
        profile: ProfileArgs,
        /// An identity file of the published package: {name, did, algorithm, public_key,
        /// private_key}
        #[arg(long, value_name = "FILE")]
        import: Option<PathBuf>,
        /// Replace an identity that is there
        #[arg(long)]
        force: bool,
    },
    /// Print what peers are to know: the fingerprint, and in dialect pqc-mcp-0.1 the DID; the
    /// identity is made when there is none
    #[command(after_help = "Examples:\n  pqfw mcp identity show\n  \
                            pqfw mcp identity show --set dialect=pqc-mcp-0.1")]
    Show(ProfileArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct McpServe {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// Short for --set dialect=DIALECT
    #[arg(long)]
    pub(crate) dialect: Option<String>,
    /// Where to listen; short for --set transport.listen=ADDRESS
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// Let in the host's end with this fingerprint, and nobody else but those named so
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) allow_peer: Vec<String>,
    /// Let in this client of dialect pqc-mcp-0.1, and nobody else but those named so
    #[arg(long, value_name = "DID")]
    pub(crate) allow_did: Vec<String>,
    /// A tool that may be called, by everybody or by one peer; with any of these, no other may
    #[arg(long, value_name = "[FINGERPRINT=]TOOL")]
    pub(crate) allow_tool: Vec<String>,
    /// An MCP server over HTTP, instead of a command
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub(crate) upstream: Option<String>,
    /// Look at every HTTP request; --allow-tool needs it beside --upstream
    #[arg(long, requires = "upstream")]
    pub(crate) inspect: bool,
    /// Write JSON with the address and fingerprint here once work is accepted
    #[arg(long)]
    pub(crate) ready_file: Option<PathBuf>,
    /// The MCP server on stdio, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct McpConnect {
    #[command(flatten)]
    pub(crate) target: McpTarget,
    /// Listen there for HTTP hosts, instead of talking on stdio; a loopback address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) http_listen: Option<String>,
    /// Let in web pages of this Origin
    #[arg(long, requires = "http_listen")]
    pub(crate) origin: Vec<String>,
    /// Write JSON with the local address here once it accepts connections
    #[arg(long, requires = "http_listen")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct McpTarget {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// The server's end; short for --set transport.connect=URL, and its scheme names the transport
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// Believe the server's end with this fingerprint, and nobody else but those named so
    #[arg(long, value_name = "FINGERPRINT")]
    pub(crate) server: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct McpSignedTarget {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// The server's address; short for --set transport.connect=URL
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// The server's name; short for --set mcp.server_did=DID
    #[arg(long, value_name = "DID")]
    pub(crate) server_did: Option<String>,
}
