//! `pqfw qflare`: what can be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};
use pqfw_qflare::aggregate::{Clip, Rule};

#[derive(Debug, Subcommand)]
pub(crate) enum Qflare {
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
