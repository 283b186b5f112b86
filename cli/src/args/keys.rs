//! `pqfw keys`: what can be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use pqfw_framework::keys::backup::Need;
use pqfw_framework::keys::{PassphraseKdf, PrivateKeyForm};

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Generate a key pair of any KEM or signature algorithm
    #[command(after_help = "Examples:\n  \
        pqfw keys generate --alg ML-DSA-65 --secret sk.pem --public pk.pem\n  \
        pqfw keys generate --alg ML-KEM-768 --secret sk.pem --passphrase-file passphrase.txt")]
    Generate(Generate),
    /// Say what key files hold, whose, and whether they agree with themselves
    #[command(after_help = "Example: pqfw keys inspect sk.pem pk.pem")]
    Inspect(Inspect),
    /// Write a key in another container, form or encryption
    #[command(after_help = "Examples:\n  \
        pqfw keys convert --in sk.pem --out sk.der --to der --form expanded\n  \
        pqfw keys convert --in client_kem.sec --from raw --alg Kyber-768 --out client_kem.pem\n  \
        pqfw keys convert --in identity.json --from mcp-identity --alg ML-DSA-65 --out sk.pem")]
    Convert(Convert),
    /// Seal key files to the public keys of whoever may recover them
    #[command(
        after_help = "Example: pqfw keys backup --to recovery.pub.pem --out keys.backup \
                            sk.pem server_kem.sec"
    )]
    Backup(Backup),
    /// Open a backup with the private key of a recipient
    #[command(
        after_help = "Example: pqfw keys restore --in keys.backup --recovery recovery.pem \
                            --out-dir restored"
    )]
    Restore(Restore),
}

/// Where a passphrase comes from; never from the command line, which others can see.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(crate) struct Passphrase {
    /// The passphrase of an encrypted private key: a file with one line; `-` is stdin
    #[arg(long, value_name = "FILE", env = "PQFW_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Generate {
    /// `id` or `id@provider`
    #[arg(long)]
    pub(crate) alg: String,
    /// Where the private key goes, readable by its owner alone; `-` is stdout
    #[arg(long)]
    pub(crate) secret: PathBuf,
    /// Where the public key goes; `-` is stdout
    #[arg(long)]
    pub(crate) public: Option<PathBuf>,
    /// What the file holds; default: the seed where the algorithm has one
    #[arg(long, value_enum)]
    pub(crate) form: Option<Form>,
    /// How the files are packed
    #[arg(long, value_enum, default_value = "pem")]
    pub(crate) format: Packing,
    /// Encrypt the private key under this passphrase: a file with one line; `-` is stdin
    #[arg(long, value_name = "FILE", env = "PQFW_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// How the passphrase becomes a key
    #[arg(long, value_enum, default_value = "scrypt")]
    pub(crate) kdf: Kdf,
    /// Make the key from this seed instead of from chance
    #[arg(long, value_name = "HEX")]
    pub(crate) seed: Option<String>,
    /// Replace a private key that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Inspect {
    /// The key files; `-` is stdin
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Convert {
    /// The key file; `-` is stdin
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Where the converted key goes; `-` is stdout
    #[arg(long = "out", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// `id` or `id@provider`; raw keys do not say it, and an elliptic curve's key file not all of it
    #[arg(long)]
    pub(crate) alg: Option<String>,
    /// How the input is packed; default: PEM or DER, whichever it is
    #[arg(long, value_enum)]
    pub(crate) from: Option<Source>,
    /// Which half raw bytes are, where their length does not tell
    #[arg(long, value_enum)]
    pub(crate) half: Option<Half>,
    /// How the output is packed
    #[arg(long, value_enum, default_value = "pem")]
    pub(crate) to: Packing,
    /// What a private key's file holds; default: the seed if it is known
    #[arg(long, value_enum)]
    pub(crate) form: Option<Form>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// Encrypt the output under this passphrase: a file with one line; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
    /// How the new passphrase becomes a key
    #[arg(long, value_enum, default_value = "scrypt")]
    pub(crate) kdf: Kdf,
    /// Write the public key of a private one here as well
    #[arg(long, value_name = "FILE")]
    pub(crate) public_out: Option<PathBuf>,
    /// Replace a private key that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Backup {
    /// A recovery public key, of any KEM; repeat it for more keepers
    #[arg(long = "to", value_name = "PUBLIC_KEY", required = true)]
    pub(crate) recipients: Vec<PathBuf>,
    /// How many of the recipients it takes to restore
    #[arg(long, value_enum, default_value = "any")]
    pub(crate) need: NeedArg,
    /// Where the backup goes
    #[arg(long = "out", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The key files, of whatever kind; their modes are not kept: restored files are 0600
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The audit log that gets an entry; default: keys.audit.jsonl in the state directory
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) suite: BackupSuiteArgs,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BackupSuiteArgs {
    /// What derives the keys of the backup
    #[arg(long, default_value = "HKDF-SHA256")]
    pub(crate) kdf: String,
    /// What seals the backup
    #[arg(long, default_value = "AES-256-GCM")]
    pub(crate) aead: String,
    /// A policy that every algorithm of the backup must pass; repeat it for more
    #[arg(long, value_name = "NAME", default_value = "modern")]
    pub(crate) policy: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Restore {
    /// The backup; `-` is stdin
    #[arg(long = "in", value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// A recovery private key; repeat it where the backup needs all of them
    #[arg(long, value_name = "SECRET_KEY", required = true)]
    pub(crate) recovery: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: Passphrase,
    /// The directory for the files, made with mode 0700 if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: PathBuf,
    /// The audit log that gets an entry; default: keys.audit.jsonl in the state directory
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log: Option<PathBuf>,
    /// A policy that every algorithm of the backup must pass; repeat it for more
    #[arg(long, value_name = "NAME", default_value = "modern")]
    pub(crate) policy: Vec<String>,
    /// Replace files that are there
    #[arg(long)]
    pub(crate) force: bool,
}

/// See [`PrivateKeyForm`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Form {
    /// The seed alone
    Seed,
    /// The specification's own encoding alone
    Expanded,
    /// Both, for readers that take only one of them
    Both,
}

impl From<Form> for PrivateKeyForm {
    fn from(form: Form) -> Self {
        match form {
            Form::Seed => Self::Seed,
            Form::Expanded => Self::Expanded,
            Form::Both => Self::Both,
        }
    }
}

/// How a key is packed when it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Packing {
    /// PKCS#8 or SubjectPublicKeyInfo in PEM
    Pem,
    /// The same in DER
    Der,
    /// The key's bytes and nothing else
    Raw,
    /// The key's bytes in lower-case hexadecimal
    Hex,
    /// The key's bytes in standard base64 with padding
    Base64,
}

/// How a key may be packed where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Source {
    /// PKCS#8 or SubjectPublicKeyInfo in PEM
    Pem,
    /// The same in DER
    Der,
    /// The key's bytes and nothing else: QU3's `.sec` and `.pub`
    Raw,
    /// The key's bytes in hexadecimal
    Hex,
    /// The key's bytes in base64
    Base64,
    /// The identity file of pqc-mcp: JSON with the pair in hexadecimal
    McpIdentity,
}

/// One half of a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Half {
    /// The private key
    Private,
    /// The public key
    Public,
}

/// See [`PassphraseKdf`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kdf {
    /// A guess costs 16 MiB and time
    Scrypt,
    /// PBKDF2 with HMAC-SHA-256, for readers that have no scrypt
    Pbkdf2,
}

impl From<Kdf> for PassphraseKdf {
    fn from(kdf: Kdf) -> Self {
        match kdf {
            Kdf::Scrypt => Self::Scrypt,
            Kdf::Pbkdf2 => Self::Pbkdf2HmacSha256,
        }
    }
}

/// See [`Need`].
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NeedArg {
    /// Any one of them
    Any,
    /// All of them together
    All,
}

impl From<NeedArg> for Need {
    fn from(need: NeedArg) -> Self {
        match need {
            NeedArg::Any => Self::Any,
            NeedArg::All => Self::All,
        }
    }
}
