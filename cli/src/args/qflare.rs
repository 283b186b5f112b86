//! `pqfw qflare`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use pqfw_qflare::aggregate::{Clip, Rule};

use super::ProfileArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Qflare {
    /// Tokens that enrol devices
    #[command(subcommand)]
    Token(TokenCommand),
    /// Devices that are enrolled
    #[command(subcommand)]
    Devices(Devices),
    /// Rounds of updates
    #[command(subcommand)]
    Round(Round),
    /// The global model
    #[command(subcommand)]
    Model(ModelCommand),
    /// The audit of a server
    #[command(subcommand)]
    Audit(Audit),
    /// The device's side
    #[command(subcommand)]
    Device(Device),
    /// Make the next model of a base and updates in files, as a server does at the end of a round
    #[command(after_help = "Examples:\n  \
        pqfw qflare aggregate --base base.safetensors --rule 'multi_krum(1)' --clip median \
        --out next.safetensors \\\n    \
        a:120:a.safetensors b:100:b.npz c:90:c.npz d:110:d.npz e:100:e.npz\n  \
        pqfw qflare aggregate --base base.safetensors --rule median --json a:1:a.npz b:1:b.npz\n\n\
        Rules: fedavg, median, trimmed_mean(BETA), krum(F), multi_krum(F), multi_krum(F, M), \
        cosine(TAU), qflare_cosine(TAU).\n\
        Models: safetensors, npz, or raw float32 in the order of the base; a pickle is never opened.")]
    Aggregate(Aggregate),
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token for one device; it is shown once
    #[command(after_help = "Example: pqfw qflare token create camera-7 --hours 48")]
    Create {
        #[command(flatten)]
        profile: ProfileArgs,
        /// The device: 1 to 100 of a-z, A-Z, 0-9, - and _
        device: String,
        /// How long it is good
        #[arg(long, default_value_t = 24)]
        hours: u64,
        /// Who makes it, for the audit
        #[arg(long, default_value = "operator")]
        creator: String,
    },
    /// List the tokens that are not used
    List {
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// Take a token back
    #[command(after_help = "Example: pqfw qflare token revoke ID, with an ID of token list")]
    Revoke {
        #[command(flatten)]
        profile: ProfileArgs,
        /// The token's id
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Devices {
    /// List all devices
    List {
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// Revoke a device: nothing more is accepted from it
    #[command(after_help = "Example: pqfw qflare devices revoke camera-7")]
    Revoke {
        #[command(flatten)]
        profile: ProfileArgs,
        /// The device
        device: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Round {
    /// Open the next round
    Open {
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// Make the next model of the round's updates
    Close {
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// End the round without a model
    Abort {
        #[command(flatten)]
        profile: ProfileArgs,
        /// Why, for the audit
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say where the round stands
    Status {
        #[command(flatten)]
        profile: ProfileArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Set the model that the next round begins from
    #[command(after_help = "Example: pqfw qflare model set first.safetensors")]
    Set {
        #[command(flatten)]
        profile: ProfileArgs,
        /// A safetensors or npz file
        file: PathBuf,
    },
    /// Write the current model as safetensors
    #[command(after_help = "Example: pqfw qflare model get now.safetensors")]
    Get {
        #[command(flatten)]
        profile: ProfileArgs,
        /// Where it goes; `-` is stdout
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Print every entry, JSON Lines
    Export {
        #[command(flatten)]
        profile: ProfileArgs,
    },
    /// Check every digest and signature; exit 1 when one is not right
    Verify {
        #[command(flatten)]
        profile: ProfileArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Make the keys of this device
    #[command(after_help = "Example: pqfw qflare device init")]
    Init {
        #[command(flatten)]
        target: Target,
    },
    /// Enrol this device with a token
    #[command(
        after_help = "Example: pqfw qflare device enroll --token-file token.txt \
                            --server http://127.0.0.1:8000"
    )]
    Enroll {
        #[command(flatten)]
        target: Target,
        /// A file with the token; `-` is stdin
        #[arg(long)]
        token_file: PathBuf,
        /// This device, when the token does not say (qflare-1)
        #[arg(long)]
        device: Option<String>,
    },
    /// Fetch the global model
    #[command(after_help = "Example: pqfw qflare device fetch base.safetensors")]
    Fetch {
        #[command(flatten)]
        target: Target,
        /// Where it goes: safetensors, in qflare-1 raw f32; `-` is stdout
        file: PathBuf,
    },
    /// Submit the weights that were trained from the model fetched last
    #[command(after_help = "Example: pqfw qflare device submit trained.safetensors --examples 600")]
    Submit {
        #[command(flatten)]
        target: Target,
        /// The weights
        file: PathBuf,
        /// On how many examples they were trained
        #[arg(long)]
        examples: u64,
        /// safetensors, npz or raw-f32 (qflare-2)
        #[arg(long, default_value = "safetensors")]
        format: String,
    },
    /// Replace the keys of this device, here and at the server (qflare-2)
    Rotate {
        #[command(flatten)]
        target: Target,
        /// Take the new keys of a rotation whose answer was lost
        #[arg(long)]
        finish: bool,
    },
    /// Say what this device is and what the server says of it
    Status {
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Target {
    #[command(flatten)]
    pub(crate) profile: ProfileArgs,
    /// The server's address, short for --set transport.connect=URL; default: where it enrolled
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Aggregate {
    /// The model that the devices trained
    #[arg(long)]
    pub(crate) base: PathBuf,
    /// How updates become one model
    #[arg(long)]
    pub(crate) rule: Rule,
    /// Shorten updates to a norm first: none, median, or a number
    #[arg(long, default_value_t = Clip::None)]
    pub(crate) clip: Clip,
    /// Where the next model goes, as safetensors
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
    /// What pieces of models may take at once
    #[arg(long, default_value_t = 64, value_name = "MEBIBYTES")]
    pub(crate) memory: usize,
    /// A device, the number of examples that it trained on, and the file of its weights
    #[arg(required = true, value_name = "DEVICE:EXAMPLES:FILE", value_parser = update)]
    pub(crate) updates: Vec<Update>,
}

/// What one device sent.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) device: String,
    pub(crate) examples: u64,
    pub(crate) file: PathBuf,
}

fn update(text: &str) -> Result<Update, String> {
    let mut parts = text.splitn(3, ':');
    let (device, examples, file) = (parts.next(), parts.next(), parts.next());
    match (device, examples.map(str::parse), file) {
        (Some(device), Some(Ok(examples)), Some(file)) if !device.is_empty() => Ok(Update {
            device: device.to_owned(),
            examples,
            file: file.into(),
        }),
        _ => Err("write DEVICE:EXAMPLES:FILE, as in `phone-1:120:phone-1.npz`".to_owned()),
    }
}
