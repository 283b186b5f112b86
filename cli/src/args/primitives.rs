//! `pqfw kem`, `sig` and `aead`: algorithms on files.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::keys::Passphrase;

#[derive(Debug, Subcommand)]
pub(crate) enum Kem {
    /// Generate a key pair
    #[command(
        after_help = "Example: pqfw kem keygen --alg ML-KEM-768 --secret sk.pem --public pk.pem"
    )]
    Keygen(Keygen),
    /// Encapsulate to a public key
    Encaps {
        /// `id` or `id@provider`
        #[arg(long)]
        alg: String,
        /// The public key
        #[arg(long)]
        public: PathBuf,
        /// Where the ciphertext goes
        #[arg(long)]
        ciphertext: PathBuf,
        /// Where the shared secret goes
        #[arg(long)]
        shared_secret: PathBuf,
        /// Keys are raw bytes rather than PEM
        #[arg(long)]
        raw: bool,
    },
    /// Decapsulate with a private key
    Decaps {
        /// `id` or `id@provider`
        #[arg(long)]
        alg: String,
        /// The private key
        #[arg(long)]
        secret: PathBuf,
        /// The ciphertext
        #[arg(long)]
        ciphertext: PathBuf,
        /// Where the shared secret goes
        #[arg(long)]
        shared_secret: PathBuf,
        /// Keys are raw bytes rather than PEM
        #[arg(long)]
        raw: bool,
        #[command(flatten)]
        passphrase: Passphrase,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Keygen {
    /// `id` or `id@provider`
    #[arg(long)]
    pub(crate) alg: String,
    /// Where the private key goes, readable by its owner alone; `-` is stdout
    #[arg(long)]
    pub(crate) secret: PathBuf,
    /// Where the public key goes; `-` is stdout
    #[arg(long)]
    pub(crate) public: PathBuf,
    /// Make the key from this seed instead of from chance
    #[arg(long, value_name = "HEX")]
    pub(crate) seed: Option<String>,
    /// Write raw bytes rather than PEM
    #[arg(long)]
    pub(crate) raw: bool,
    /// Replace a private key that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sig {
    /// Generate a key pair
    #[command(
        after_help = "Example: pqfw sig keygen --alg ML-DSA-65 --secret sk.pem --public pk.pem"
    )]
    Keygen(Keygen),
    /// Sign a file
    Sign {
        /// `id` or `id@provider`
        #[arg(long)]
        alg: String,
        /// The private key
        #[arg(long)]
        secret: PathBuf,
        /// The message; `-` is stdin
        #[arg(long = "in")]
        input: PathBuf,
        /// Where the signature goes; `-` is stdout
        #[arg(long)]
        signature: PathBuf,
        /// The native context, where a provider takes one
        #[arg(long, value_name = "HEX")]
        context: Option<String>,
        /// Keys are raw bytes rather than PEM
        #[arg(long)]
        raw: bool,
        #[command(flatten)]
        passphrase: Passphrase,
    },
    /// Verify a signature; exit 3 when it does not verify
    Verify {
        /// `id` or `id@provider`
        #[arg(long)]
        alg: String,
        /// The public key
        #[arg(long)]
        public: PathBuf,
        /// The message; `-` is stdin
        #[arg(long = "in")]
        input: PathBuf,
        /// The signature
        #[arg(long)]
        signature: PathBuf,
        /// The native context, where a provider takes one
        #[arg(long, value_name = "HEX")]
        context: Option<String>,
        /// Keys are raw bytes rather than PEM
        #[arg(long)]
        raw: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Aead {
    /// Encrypt: the output is ciphertext and tag
    #[command(after_help = "Example: pqfw aead seal --alg AES-256-GCM --key k.bin \
                            --nonce 000000000000000000000001 --in plain --out sealed")]
    Seal(AeadArgs),
    /// Decrypt; exit 3 when it does not authenticate
    Open(AeadArgs),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AeadArgs {
    /// `id` or `id@provider`
    #[arg(long)]
    pub(crate) alg: String,
    /// The key, raw bytes
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// The nonce; never use one twice with a key
    #[arg(long, value_name = "HEX")]
    pub(crate) nonce: String,
    /// Associated data
    #[arg(long)]
    pub(crate) aad: Option<PathBuf>,
    /// The input; `-` is stdin
    #[arg(long = "in")]
    pub(crate) input: PathBuf,
    /// The output; `-` is stdout
    #[arg(long = "out")]
    pub(crate) output: PathBuf,
}
