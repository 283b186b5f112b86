//! What follows from a profile: values of two names are the same or refused.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::peers::PeerMode;
use pqfw_framework::profile::{Profile, ProfileError};

use super::{Network, Security, Table};
use crate::driver::Workers;
use crate::limits::MOST_ANSWERING;
use crate::node::Config;
use crate::session::Buckets;
use crate::trust::TrustMode;

/// The policy without which no profile of this system is taken.
const POLICY: &str = "hybrid";

/// What a profile says of a node.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What the node is called in what it tells.
    pub nickname: String,
    /// Where it listens.
    pub listen: String,
    /// Whom it trusts.
    pub trust: TrustMode,
    /// The file of known peers.
    pub known_peers_file: String,
    /// Handshakes and records that one address gets in a minute.
    pub handshakes_per_minute: u32,
    /// Handshake messages that are worked at or wait to be.
    pub most_jobs: usize,
    /// What the system is asked to keep while the node is busy, unless that is the transport's choice.
    pub receive_buffer_bytes: Option<usize>,
    /// The age at which the end that has made a session makes the next.
    pub rekey_after: Duration,
    /// How much later the other end makes it.
    pub rekey_grace: Duration,
    /// The sizes of plaintexts.
    pub buckets: Buckets,
}

impl Settings {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`]: a value that no node takes, or two names of one thing with two values.
    pub fn read(profile: &Profile) -> Result<Self, ProfileError> {
        let table: Table = profile.system_table()?;
        if !profile.common.policy.0.iter().any(|name| name == POLICY) {
            let reason = "security.require_hybrid_handshake is true, so the list must have \
                          `hybrid`: write [\"modern\", \"hybrid\"]";
            return Err(profile.refuse("policy", reason));
        }
        let rekey = &table.rekey;
        if rekey.threshold_seconds > rekey.interval_seconds {
            let reason = "is longer than rekey.interval_seconds";
            return Err(profile.refuse("rekey.threshold_seconds", reason));
        }
        let obfuscation = &table.traffic_obfuscation;
        let bytes = |number: &u32| usize::try_from(*number).unwrap_or(usize::MAX);
        let buckets = obfuscation.buckets.iter().map(bytes);
        let buffer = bytes(&table.network.udp_recv_buffer_size);
        Ok(Self {
            listen: listen(profile, &table.network)?,
            trust: trust(profile, &table.security)?,
            known_peers_file: known_peers(profile, &table.security)?,
            handshakes_per_minute: table.security.handshake_per_minute_per_ip,
            most_jobs: bytes(&table.network.max_concurrent_datagrams),
            receive_buffer_bytes: (buffer > 0).then_some(buffer),
            rekey_after: Duration::from_secs(rekey.interval_seconds.into()),
            rekey_grace: Duration::from_secs(rekey.threshold_seconds.into()),
            buckets: match obfuscation.enabled {
                true => Buckets::new(buckets.collect()),
                false => Buckets::default(),
            },
            nickname: table.peer.nickname,
        })
    }

    /// Puts what a profile says into a node's configuration. Strangers have at most half of the
    /// pool, so that they never keep the node from calling.
    pub fn apply(&self, config: &mut Config) {
        config.handshakes_per_minute = self.handshakes_per_minute;
        config.most_answering = (self.most_jobs / 2).clamp(1, MOST_ANSWERING);
        config.rekey_after = self.rekey_after;
        config.rekey_grace = self.rekey_grace;
        config.buckets = self.buckets.clone();
    }

    /// The pool of a node.
    #[must_use]
    pub fn workers(&self) -> Workers {
        let threads = std::thread::available_parallelism();
        Workers {
            threads: threads.map_or(1, std::num::NonZero::get),
            most_jobs: self.most_jobs,
        }
    }
}

/// What two names of one thing say: that of the stronger layer; in one layer they must agree.
fn either<T: PartialEq>(
    profile: &Profile,
    (alias, said): (&str, Option<T>),
    (common, says): (&str, T),
) -> Result<T, ProfileError> {
    let Some(said) = said else { return Ok(says) };
    match profile.stronger(alias, common) {
        Ordering::Greater => Ok(said),
        Ordering::Less => Ok(says),
        Ordering::Equal if said == says => Ok(says),
        Ordering::Equal => {
            let reason = format!("{common} says something else: keep one");
            Err(profile.refuse(alias, &reason))
        }
    }
}

/// `network.bind_host` and `network.listen_port` are `transport.listen` in two parts.
fn listen(profile: &Profile, network: &Network) -> Result<String, ProfileError> {
    let (key, common) = ("transport.listen", &profile.common.transport.listen);
    let (host, port) = match (network.bind_host, network.listen_port) {
        (None, None) => return Ok(common.clone()),
        parts => parts,
    };
    let Ok(address) = common.parse::<SocketAddr>() else {
        let reason =
            "network.bind_host and network.listen_port are parts of an IP address and port";
        return Err(profile.refuse(key, reason));
    };
    let host = either(profile, ("network.bind_host", host), (key, address.ip()))?;
    let port = either(
        profile,
        ("network.listen_port", port),
        (key, address.port()),
    )?;
    Ok(SocketAddr::new(host, port).to_string())
}

/// `security.tofu` and `security.strict_tofu` are `peers.mode`, which has no strict one and knows
/// two without first use.
fn trust(profile: &Profile, security: &Security) -> Result<TrustMode, ProfileError> {
    let (tofu, strict) = ("security.tofu", "security.strict_tofu");
    let (alias, named) = match (security.tofu, security.strict_tofu) {
        (_, Some(true)) => (strict, Some(TrustMode::StrictTofu)),
        (Some(true), _) => (tofu, Some(TrustMode::Tofu)),
        (Some(false), _) => (tofu, Some(TrustMode::Pinned)),
        (None, _) => (tofu, None),
    };
    let common = match (profile.common.peers.mode, named) {
        (PeerMode::Tofu, Some(TrustMode::StrictTofu)) => TrustMode::StrictTofu,
        (PeerMode::AllowList, Some(TrustMode::Pinned)) => return Ok(TrustMode::AllowList),
        (PeerMode::Pinned, _) => TrustMode::Pinned,
        (PeerMode::Tofu, _) => TrustMode::Tofu,
        (PeerMode::AllowList, _) => TrustMode::AllowList,
        (PeerMode::Open, _) => {
            let reason = "a VPN is open to nobody: pinned, tofu or allow-list";
            return Err(profile.refuse("peers.mode", reason));
        }
    };
    either(profile, (alias, named), ("peers.mode", common))
}

/// `security.known_peers_file` is `peers.file`.
fn known_peers(profile: &Profile, security: &Security) -> Result<String, ProfileError> {
    let (file, common) = (&security.known_peers_file, &profile.common.peers.file);
    let alias = ("security.known_peers_file", file.clone());
    either(profile, alias, ("peers.file", common.clone()))
}
