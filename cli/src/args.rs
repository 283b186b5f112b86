//! What can be typed. Names here are a contract with scripts.

pub(crate) mod audit;
pub(crate) mod chat;
pub(crate) mod keys;
pub(crate) mod matrix;
pub(crate) mod mcp;
pub(crate) mod plugin;
pub(crate) mod primitives;
pub(crate) mod probe;
pub(crate) mod qflare;
pub(crate) mod qu3;
pub(crate) mod vpn;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use audit::Audit;
use chat::Chat;
use keys::Keys;
use matrix::Matrix;
use mcp::Mcp;
use plugin::PluginCommand;
use primitives::{Aead, Kem, Sig};
use probe::Probe;
use qflare::Qflare;
use qu3::Qu3;
use vpn::Vpn;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "pqfw",
    version,
    about = "Crypto-agility: change any algorithm, provider or transport by one line of TOML",
    after_help = "Exit codes: 0 ok, 1 the operation failed, 2 usage or profile error, 3 \
                  authentication or signature failure, 4 refused by policy, 5 network, 70 a bug.\n\n\
                  Example: pqfw run --profile qu3.toml",
    propagate_version = true
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Common {
    /// Machine output on stdout: one JSON document, or JSON Lines for streams
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How much is logged to stderr
    #[arg(long, global = true, value_enum)]
    pub(crate) log_level: Option<Level>,
    /// How a log line looks
    #[arg(long, global = true, value_enum)]
    pub(crate) log_format: Option<Format>,
    /// Print the chain of causes below an error
    #[arg(long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the system that a profile describes
    #[command(after_help = "Example: pqfw run --profile qu3.toml --role server \
                            --set transport.listen=127.0.0.1:0")]
    Run(Run),
    /// List every algorithm and provider of this build
    #[command(after_help = "Example: pqfw list-algorithms 'kind=kem, category>=3' --selftest")]
    ListAlgorithms(ListAlgorithms),
    /// List the transports of this build
    #[command(after_help = "Example: pqfw list-transports --json")]
    ListTransports,
    /// Tell everything about one algorithm
    #[command(after_help = "Example: pqfw describe Kyber-768")]
    Describe {
        /// An algorithm's name or alias
        algorithm: String,
    },
    /// Say why a name gives this provider and no other
    #[command(
        after_help = "Example: pqfw explain ML-KEM-768 --policy modern\n         \
                            pqfw explain --profile qu3.toml"
    )]
    Explain(Explain),
    /// Run the admission gate, and compare the providers of an algorithm with each other
    #[command(after_help = "Example: pqfw selftest ML-KEM-768")]
    Selftest(Selftest),
    /// Measure each provider on this machine
    #[command(after_help = "Example: pqfw bench ML-KEM-768 --pin")]
    Bench(Bench),
    /// Test providers by the conformance kit, or the kit by broken providers
    #[command(
        after_help = "Examples:\n  pqfw conform\n  pqfw conform --plugin ML-KEM-768@aws-lc\n  \
                            pqfw conform --mutants"
    )]
    Conform(Conform),
    /// Key encapsulation on files
    #[command(subcommand)]
    Kem(Kem),
    /// Signatures on files
    #[command(subcommand)]
    Sig(Sig),
    /// Authenticated encryption on files
    #[command(subcommand)]
    Aead(Aead),
    /// Key files: generate, inspect, convert, back up, restore
    #[command(subcommand)]
    Keys(Keys),
    /// Published test vectors
    #[command(subcommand)]
    Vectors(Vectors),
    /// QU3: quantum-safe inference, the client's side
    #[command(subcommand)]
    Qu3(Qu3),
    /// QFLARE: federated learning, the operator's and the device's side
    #[command(subcommand)]
    Qflare(Qflare),
    /// Messages, pipes and forwarded ports over the channel
    #[command(subcommand)]
    Chat(Chat),
    /// MCP hosts and servers, unmodified, with the channel between them
    #[command(subcommand)]
    Mcp(Mcp),
    /// Logs whose lines are chained
    #[command(subcommand)]
    Audit(Audit),
    /// PQVPN: a running node, and the keys of one
    #[command(subcommand)]
    Vpn(Vpn),
    /// Judge profiles by policies without running them
    #[command(
        after_help = "Exit codes: 0 nothing but warnings, 2 a profile that cannot be used, 4 \
                            refused by policy.\n\n\
                            Example: pqfw check --profile qu3.toml --policy modern --at 2031-01-01"
    )]
    Check(Check),
    /// Look over this build and this machine: registrations, admission, key files, clock, entropy
    #[command(
        after_help = "Exit codes: 0 nothing but warnings, 1 something is wrong.\n\n\
                            Example: pqfw doctor --quick --profile mine.toml"
    )]
    Doctor(Doctor),
    /// Put every algorithm and transport of this build into profiles, one line each, and run them
    #[command(
        after_help = "Every KEM, signature and AEAD, alone and in a hybrid, and every transport, yours \
                            like ours.\n\nExit codes: 0 all work or are refused with a reason, 1 \
                            something failed.\n\nExample: pqfw matrix qu3 --pairs"
    )]
    Matrix(Matrix),
    /// Algorithm crates of your own: begin one, check one
    #[command(subcommand)]
    Plugin(PluginCommand),
    /// Profiles: list, show, schema
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// Ask a server which TLS 1.3 groups and signatures it takes, believing nothing
    #[command(after_help = "Example: pqfw probe pq.example.org:443 --json")]
    Probe(Probe),
    /// Print completions for a shell
    #[command(after_help = "Example: pqfw completions bash > pqfw.bash")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write man pages into a directory
    #[command(after_help = "Example: pqfw man ./man")]
    Man {
        /// The directory, which must exist
        directory: PathBuf,
    },
}

/// Which profile, and what lies over it.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct ProfileArgs {
    /// A file, or the name of a shipped profile
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Override any key of the profile, typed and checked
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Run {
    /// A file, or the name of a shipped profile
    #[arg(long)]
    pub(crate) profile: String,
    /// demo, server, client or node; default: what the profile says
    #[arg(long)]
    pub(crate) role: Option<String>,
    /// Override any key of the profile, typed and checked
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    /// Write JSON with the address and fingerprint here once work is accepted
    #[arg(long)]
    pub(crate) ready_file: Option<PathBuf>,
    /// Honour PQFW_FAIL_KAT=ALGORITHM@PROVIDER outside of demo roles
    #[arg(long)]
    pub(crate) rehearse: bool,
    /// Keep keys in files: short for --set keys.runtime_temp_keys=false
    #[arg(long)]
    pub(crate) no_temp_keys: bool,
    /// Write the process's number here while it runs; refused where one runs already
    #[arg(long)]
    pub(crate) pid_file: Option<PathBuf>,
    /// Go on in the background once work is accepted; logs need logging.file. An init system does
    /// this better
    #[arg(long)]
    pub(crate) daemonize: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ListAlgorithms {
    /// Conditions, all of which must hold: `kind=kem, category>=3, status=standard`
    pub(crate) query: Option<String>,
    /// kem, signature, aead, kdf or hash
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only this provider
    #[arg(long)]
    pub(crate) provider: Option<String>,
    /// standard, draft, legacy or experimental
    #[arg(long)]
    pub(crate) status: Option<String>,
    /// The lowest NIST category
    #[arg(long)]
    pub(crate) min_category: Option<u8>,
    /// Run the admission gate of every row; exit 1 when any fails
    #[arg(long)]
    pub(crate) selftest: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Explain {
    /// An algorithm, `id@provider` or a hybrid
    #[arg(required_unless_present = "profile", conflicts_with = "profile")]
    pub(crate) algorithm: Option<String>,
    /// Explain every part of a profile's suite under its policies
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// Override any key of the profile, typed and checked
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, requires = "profile")]
    pub(crate) set: Vec<(String, String)>,
    /// Under this policy, a name or a file; may be repeated
    #[arg(long)]
    pub(crate) policy: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Check {
    /// A file, or the name of a shipped profile; may be repeated; default: every shipped one
    #[arg(long)]
    pub(crate) profile: Vec<String>,
    /// Override any key of the profiles, typed and checked
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    /// Under this policy, a name or a file, instead of the profile's; may be repeated
    #[arg(long)]
    pub(crate) policy: Vec<String>,
    /// As it will be judged on this day; default: today
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(crate) at: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Doctor {
    /// Also what these profiles require; may be repeated; default: every shipped one
    #[arg(long)]
    pub(crate) profile: Vec<String>,
    /// Also the key files here; may be repeated
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) keys: Vec<PathBuf>,
    /// Leave out the admission of every provider, which takes longest
    #[arg(long)]
    pub(crate) quick: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Selftest {
    /// An algorithm or a hybrid, whose parts are tested; default: all
    pub(crate) algorithm: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Bench {
    /// An algorithm or a hybrid, whose parts are measured; default: all
    pub(crate) algorithm: Option<String>,
    /// Write what was measured to prefs.lock, which orders providers from then on
    #[arg(long)]
    pub(crate) pin: bool,
    /// How long to measure each operation
    #[arg(long, default_value_t = 200, value_name = "MILLISECONDS")]
    pub(crate) millis: u64,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Conform {
    /// A plugin, an algorithm, or ALGORITHM@PROVIDER; default: every provider of this build
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// Run the kit over providers that are broken on purpose, and print what catches each; exit 1
    /// when one lives
    #[arg(long, conflicts_with = "plugin")]
    pub(crate) mutants: bool,
    /// Published test vectors, ACVP or Wycheproof, to show which mutants they miss
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "mutants")]
    pub(crate) vectors: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vectors {
    /// Run NIST ACVP or Wycheproof files; exit 1 on a failure, and when nothing applied
    #[command(
        after_help = "Example: pqfw vectors run prompt.json expectedResults.json --alg ML-KEM-768"
    )]
    Run {
        /// JSON, also compressed by gzip; an ACVP prompt and its expectedResults are joined
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Only `id` or `id@provider`
        #[arg(long)]
        alg: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileCommand {
    /// The shipped profiles
    List,
    /// Print a shipped profile with its comments
    #[command(after_help = "Example: pqfw profile show qu3 > my.toml")]
    Show {
        /// The profile's name
        name: String,
    },
    /// Print the JSON Schema of profiles
    Schema,
}

fn day(text: &str) -> Result<String, String> {
    pqfw_framework::policy::day(text)
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.trim().into(), value.into()))
}
