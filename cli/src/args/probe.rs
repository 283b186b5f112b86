//! What can be typed after `pqfw probe`.

/// `pqfw probe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Probe {
    /// HOST:PORT
    pub(crate) server: String,
    /// Ask over QUIC
    #[arg(long)]
    pub(crate) quic: bool,
    /// Application protocols to offer, comma-separated (ALPN)
    #[arg(long, value_delimiter = ',')]
    pub(crate) alpn: Vec<String>,
    /// Seconds that one question may take
    #[arg(long, default_value_t = 5)]
    pub(crate) timeout_secs: u64,
}
