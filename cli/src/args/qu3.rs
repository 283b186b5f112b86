//! `pqfw qu3`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::ProfileArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Qu3 {
    /// Make the client's key files
    #[command(after_help = "Example: pqfw qu3 generate-keys --set keys.dir=./keys")]
    GenerateKeys {
        #[command(flatten)]
        target: Qu3Target,
        /// Replace key files that are there
        #[arg(long)]
        force: bool,
    },
    /// Run one model
    #[command(after_help = "Example: pqfw qu3 run-inference model_caps 'hello' \
                            --server http://127.0.0.1:8000")]
    RunInference {
        #[command(flatten)]
        target: Qu3Target,
        /// The model
        model: String,
        /// A JSON object, or text for the model
        input: String,
        /// How INPUT is read; default: an object if it is one, else text
        #[arg(long, value_enum)]
        format: Option<InputFormat>,
    },
    /// Run a workflow, each output the next input
    #[command(after_help = "Example: pqfw qu3 run-agent 'model_caps->model_reverse' 'hello'")]
    RunAgent {
        #[command(flatten)]
        target: Qu3Target,
        /// `a->b->c`
        workflow: String,
        /// A JSON object, or text for the first model
        input: String,
        /// How INPUT is read; default: an object if it is one, else text
        #[arg(long, value_enum)]
        format: Option<InputFormat>,
    },
    /// Send a signed access policy
    #[command(after_help = "Example: pqfw qu3 update-policy --policy-file policy.txt")]
    UpdatePolicy {
        #[command(flatten)]
        target: Qu3Target,
        /// Lines `allow MODEL` and `deny MODEL`
        #[arg(long)]
        policy_file: PathBuf,
        /// Send a text that mixes rules with lines that are none; pqfw servers refuse it
        #[arg(long)]
        as_note: bool,
    },
    /// List the models that this dialect's servers have
    ListModels {
        #[command(flatten)]
        target: Qu3Target,
    },
    /// Show the key files and their fingerprints
    InspectKeys {
        #[command(flatten)]
        target: Qu3Target,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Qu3Target {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// The server's address; short for --set transport.connect=URL
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    Text,
    Json,
}
