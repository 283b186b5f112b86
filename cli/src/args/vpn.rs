//! `pqfw vpn`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::ProfileArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Vpn {
    /// Say how a running node is: who it is, where, and whom it talks to
    #[command(after_help = "Exit codes: 0 it answers, 5 no node answers there.\n\n\
                            Example: pqfw vpn status --profile pqvpn.toml --watch")]
    Status {
        #[command(flatten)]
        target: VpnTarget,
        /// Go on, once a second; in a pipe a line when something has changed
        #[arg(long)]
        watch: bool,
    },
    /// List the sessions of a running node
    #[command(after_help = "Example: pqfw vpn sessions --json")]
    Sessions(VpnTarget),
    /// List the peers that a running node knows
    #[command(after_help = "Example: pqfw vpn peers")]
    Peers(VpnTarget),
    /// Print the last lines that a running node told
    #[command(after_help = "Example: pqfw vpn logs")]
    Logs(VpnTarget),
    /// Make a new session with a peer
    #[command(
        after_help = "Exit codes: 0 it is being made, 1 the peer is not known or the node is busy, \
                            5 no node answers.\n\nExample: pqfw vpn rekey hub.example:9000"
    )]
    Rekey(VpnPeer),
    /// End the sessions with a peer, and call it no more until the node is started again
    #[command(after_help = "Example: pqfw vpn drop sha256:1f0c")]
    Drop(VpnPeer),
    /// Print the peer id of key files: one of the signature and one of the KEM
    #[command(after_help = "Example: pqfw vpn peer-id keys/pqvpn-signature.pem keys/pqvpn-kem.pem")]
    PeerId {
        /// The key files, private or public, in either order
        #[arg(required = true, num_args = 1..=2, value_name = "KEYFILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// Show two nodes with real TUN devices in two network namespaces: the transfer, new keys under
    /// load, and what an attacker on the wire between them gets
    #[command(
        after_help = "It needs root and iproute2 (Linux), and leaves the host's network alone.\n\n\
                            Exit codes: 0 all went as it should, 1 it did not, or root or iproute2 is missing.\n\n\
                            Example: sudo pqfw vpn demo --netns"
    )]
    Demo {
        /// In network namespaces; without them it is `pqfw run --profile pqvpn.toml`
        #[arg(long, required = true)]
        netns: bool,
        /// MiB to carry each way
        #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=65536))]
        mib: u64,
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// The keys of a node that keeps them: make, show, rotate
    #[command(subcommand)]
    Keys(VpnKeys),
}

#[derive(Debug, Subcommand)]
pub(crate) enum VpnKeys {
    /// Make them where there are none, as the node's first start does, and show whose they are
    #[command(after_help = "Example: pqfw vpn keys make --set keys.runtime_temp_keys=false")]
    Make(ProfileArgs),
    /// Show where they are and whose; makes none
    #[command(after_help = "Example: pqfw vpn keys show --set keys.runtime_temp_keys=false")]
    Show(ProfileArgs),
    /// Make new keys that follow them, with a statement that peers believe; restart the node then
    #[command(after_help = "Example: pqfw vpn keys rotate --set keys.runtime_temp_keys=false")]
    Rotate(ProfileArgs),
}

/// A running node.
#[derive(Debug, ClapArgs)]
pub(crate) struct VpnTarget {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// Its control socket; default: where the profile has it
    #[arg(long, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct VpnPeer {
    /// An id, the name it is called by, or the first digits of its id
    pub(crate) peer: String,
    #[command(flatten)]
    pub(crate) target: VpnTarget,
}
