//! `pqfw chat`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::ProfileArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Chat {
    /// Listen; say to everybody what is typed
    #[command(
        after_help = "Example: pqfw chat serve --set transport.listen=127.0.0.1:5000 \
                            --set 'mlkem-tcp.forward.allow=[\"tcp://127.0.0.1:5432\"]'"
    )]
    Serve {
        #[command(flatten)]
        profile: ProfileArgs,
        /// Write JSON with the address and fingerprint here once work is accepted
        #[arg(long)]
        ready_file: Option<PathBuf>,
    },
    /// Send the lines of the standard input, and print those that come
    #[command(after_help = "Example: pqfw chat connect --to tcp://127.0.0.1:5000")]
    Connect(ChatTarget),
    /// Send the bytes of the standard input to a server that writes them to its standard output
    #[command(after_help = "Example: tar c . | pqfw chat send --to tcp://127.0.0.1:5000")]
    Send(ChatTarget),
    /// Listen locally, and have every connection forwarded by the server
    #[command(after_help = "Example: pqfw chat forward --local 127.0.0.1:5432 \
                            --remote tcp://127.0.0.1:5432 --to tcp://127.0.0.1:5000")]
    Forward {
        #[command(flatten)]
        target: ChatTarget,
        /// Where local programs connect to; port 0 picks a free one
        #[arg(long, value_name = "ADDRESS")]
        local: String,
        /// Where the server forwards to, exactly as its forward.allow has it
        #[arg(long, value_name = "URL")]
        remote: String,
        /// Write JSON with the local address here once it accepts connections
        #[arg(long)]
        ready_file: Option<PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ChatTarget {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// The server's address; short for --set transport.connect=URL
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
}
