//! What follows from a profile: values of two names are the same or refused.

use std::cmp::Ordering;
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::interface::{Expose, Forward, InterfaceSettings};
use pqfw_framework::peers::PeerMode;
use pqfw_framework::profile::{Profile, ProfileError};

use super::{
    ControlTable, ForwardTable, InterfaceMode, InterfaceTable, Network, PeerRoutes, Security, Table,
};
use crate::driver::Workers;
use crate::known::TrustTerms;
use crate::limits::MOST_ANSWERING;
use crate::node::Config;
use crate::packets::AllowedRanges;
use crate::peer_id::PeerId;
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
    /// Where its keys are.
    pub keys: KeyPlace,
    /// Whom it calls.
    pub bootstrap: Vec<Bootstrap>,
    /// What the interface is.
    pub mode: InterfaceMode,
    /// The interface, but for the addresses of the peers' own machines.
    pub interface: InterfaceSettings,
    /// Which addresses are whose.
    pub ranges: AllowedRanges,
    /// Ports that lead into the tunnel.
    pub forwards: Vec<Forward>,
    /// What peers may reach.
    pub exposes: Vec<Expose>,
    /// Where operators reach it.
    pub control: ControlTable,
    /// Where metrics are served, if they are.
    pub metrics: Option<SocketAddr>,
    /// The peers of mode allow-list.
    pub allow: Vec<PeerId>,
}

/// Where a node's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// Nowhere: they are made at the start, and are gone with the process.
    Temporary {
        /// What the name of their directory begins with.
        prefix: String,
    },
    /// In the key directory, where they are made on first start.
    Files {
        /// The file of the signature key.
        signature: String,
        /// The file of the KEM key.
        kem: String,
    },
}

/// Somebody whom a node calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// `host:port`.
    pub place: String,
    /// Who it must be, when that is known.
    pub peer: Option<PeerId>,
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
        let trust = trust(profile, &table.security)?;
        let known_peers_file = known_peers(profile, &table.security)?;
        let ranges = ranges(profile, &table.peer_routes)?;
        Ok(Self {
            bootstrap: table
                .bootstrap
                .peers
                .iter()
                .map(|peer| bootstrap(peer))
                .collect(),
            mode: table.interface.mode,
            interface: interface(profile, &table.interface, &ranges)?,
            ranges,
            keys: keys(profile, &table)?,
            forwards: forwards(profile, &table)?,
            exposes: exposes(profile, &table)?,
            metrics: (table.metrics.prometheus)
                .then(|| SocketAddr::new(table.metrics.bind_host, table.metrics.bind_port)),
            allow: allow(profile)?,
            control: table.control,
            known_peers_file,
            listen: listen(profile, &table.network)?,
            trust,
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

    /// Whom it trusts, and where that is written down.
    #[must_use]
    pub fn trust_terms(&self) -> TrustTerms {
        TrustTerms {
            mode: self.trust,
            file: self.known_peers_file.clone(),
            allow: self.allow.clone(),
        }
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

/// Keys that are made for one run have no files.
fn keys(profile: &Profile, table: &Table) -> Result<KeyPlace, ProfileError> {
    // Deployed files call the keys so, whatever the suite is.
    let named = [
        (
            concat!("peer.", stringify!(ed25519_sk_file)),
            &table.peer.ed25519_sk_file,
        ),
        (
            concat!("peer.", stringify!(brainpoolP512r1_sk_file)),
            &table.peer.brainpoolP512r1_sk_file,
        ),
    ];
    if !table.runtime_temp_keys {
        let [signature, kem] = named.map(|(_, file)| file.clone());
        return Ok(KeyPlace::Files {
            signature: signature.unwrap_or_else(|| "pqvpn-signature.pem".into()),
            kem: kem.unwrap_or_else(|| "pqvpn-kem.pem".into()),
        });
    }
    match named.iter().find(|(_, file)| file.is_some()) {
        Some((key, _)) => {
            let reason = "keys.runtime_temp_keys is true, and such keys have no files";
            Err(profile.refuse(key, reason))
        }
        None => Ok(KeyPlace::Temporary {
            prefix: table.temp_keys_prefix.clone(),
        }),
    }
}

/// `host:port` or `host:port#peer-id`, which the guards have checked.
fn bootstrap(text: &str) -> Bootstrap {
    let (place, peer) = match text.split_once('#') {
        Some((place, id)) => (place, PeerId::parse(id)),
        None => (text, None),
    };
    let place = place.to_owned();
    Bootstrap { place, peer }
}

fn allow(profile: &Profile) -> Result<Vec<PeerId>, ProfileError> {
    let read = |text: &String| {
        PeerId::parse(text).ok_or_else(|| {
            let text = text.escape_debug();
            let reason = format!("`{text}` is no peer id: `sha256:` and 64 digits");
            profile.refuse("peers.allow", &reason)
        })
    };
    profile.common.peers.allow.iter().map(read).collect()
}

fn forwards(profile: &Profile, table: &Table) -> Result<Vec<Forward>, ProfileError> {
    only_in_userspace(profile, table, "forward", table.forward.is_empty())?;
    let forward = |one: &ForwardTable| Forward {
        protocol: one.protocol,
        listen: one.listen,
        to: one.to,
    };
    Ok(table.forward.iter().map(forward).collect())
}

fn exposes(profile: &Profile, table: &Table) -> Result<Vec<Expose>, ProfileError> {
    only_in_userspace(profile, table, "expose", table.expose.is_empty())?;
    let mut exposes: Vec<Expose> = Vec::new();
    for one in &table.expose {
        let same = |other: &Expose| (other.protocol, other.port) == (one.protocol, one.port);
        if exposes.iter().any(same) {
            let reason = format!("port {} is exposed twice", one.port);
            return Err(profile.refuse("expose", &reason));
        }
        exposes.push(Expose {
            protocol: one.protocol,
            port: one.port,
            to: one.to,
        });
    }
    Ok(exposes)
}

/// A TUN device has the machine's own sockets behind it; there they would do nothing.
fn only_in_userspace(
    profile: &Profile,
    table: &Table,
    key: &str,
    is_empty: bool,
) -> Result<(), ProfileError> {
    match is_empty || table.interface.mode == InterfaceMode::Userspace {
        true => Ok(()),
        false => Err(profile.refuse(key, "is for interface.mode = \"userspace\"")),
    }
}

/// A range belongs to one peer.
fn ranges(profile: &Profile, table: &[PeerRoutes]) -> Result<AllowedRanges, ProfileError> {
    let mut ranges = AllowedRanges::default();
    for routes in table {
        for range in &routes.ranges {
            if let Some(other) = ranges.allow(*range, routes.peer) {
                let reason = format!("{range} is of {other} and of {}", routes.peer);
                return Err(profile.refuse("peer_routes", &reason));
            }
        }
    }
    Ok(ranges)
}

/// What peers have is routed to the interface; everything is when `full_tunnel` says so.
fn interface(
    profile: &Profile,
    table: &InterfaceTable,
    ranges: &AllowedRanges,
) -> Result<InterfaceSettings, ProfileError> {
    if table.mode != InterfaceMode::None && table.addresses.is_empty() {
        let reason = "an interface needs interface.addresses, such as 10.7.0.1/24";
        return Err(profile.refuse("interface.mode", reason));
    }
    let v4 = table
        .addresses
        .iter()
        .filter(|range| range.address().is_ipv4());
    if v4.count() > 1 {
        return Err(profile.refuse("interface.addresses", "one of IPv4 at most"));
    }
    if table.mode == InterfaceMode::Userspace && table.full_tunnel {
        let reason = "this machine's packets go through an interface of mode tun alone";
        return Err(profile.refuse("interface.full_tunnel", reason));
    }
    let of_peers = ranges.ranges().filter(|range| !range.is_everything());
    Ok(InterfaceSettings {
        name: table.name.clone(),
        addresses: table.addresses.clone(),
        mtu: table.mtu,
        routes: table.routes.iter().copied().chain(of_peers).collect(),
        full_tunnel: table.full_tunnel,
        outside: Vec::new(),
    })
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
