//! Values that a node does not take: each refusal stands where the key was written.

use std::fmt::Display;

use pqfw_framework::interface::IpRange;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::ExitPolicy;
use crate::limits::{LEAST_MTU, MOST_PACKET};
use crate::peer_id::PeerId;

/// What a name of this node and of its files may have.
const MOST_NAME: usize = 63;

fn refused<E: Error>(why: impl Display) -> E {
    E::custom(why)
}

pub(super) fn hybrid<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    only_true(from, "only true: no handshake is less than hybrid")
}

pub(super) fn signatures<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    only_true(
        from,
        "only true: a node of this dialect verifies every signature",
    )
}

pub(super) fn no_relay<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    only_false(from, "this build has no circuits; write false")
}

fn only_true<'de, D: Deserializer<'de>>(from: D, why: &str) -> Result<bool, D::Error> {
    match bool::deserialize(from)? {
        true => Ok(true),
        false => Err(refused(why)),
    }
}

fn only_false<'de, D: Deserializer<'de>>(from: D, why: &str) -> Result<bool, D::Error> {
    match bool::deserialize(from)? {
        false => Ok(false),
        true => Err(refused(why)),
    }
}

pub(super) fn no_exit<'de, D: Deserializer<'de>>(from: D) -> Result<ExitPolicy, D::Error> {
    match ExitPolicy::deserialize(from)? {
        ExitPolicy::DenyAll => Ok(ExitPolicy::DenyAll),
        ExitPolicy::AllowAll | ExitPolicy::Reduced | ExitPolicy::Rules => Err(refused(
            "this build has no circuits to leave; write `deny-all`",
        )),
    }
}

pub(super) fn key_file<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    name(from).map(Some)
}

/// A port that peers may reach.
pub(super) fn port<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    match u16::deserialize(from)? {
        0 => Err(refused("must not be 0")),
        port => Ok(port),
    }
}

pub(super) fn positive<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    match u32::deserialize(from)? {
        0 => Err(refused("must not be 0")),
        number => Ok(number),
    }
}

/// A name that can be part of a file's, and of a line for people.
pub(super) fn name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = String::deserialize(from)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    match !name.is_empty() && name.len() <= MOST_NAME && name.chars().all(is_plain) {
        true => Ok(name),
        false => Err(refused(format!(
            "1 to {MOST_NAME} letters, digits, `-`, `_` and `.`"
        ))),
    }
}

pub(super) fn buckets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u32>, D::Error> {
    let sizes = Vec::<u32>::deserialize(from)?;
    let fits =
        |size: &u32| usize::try_from(*size).is_ok_and(|size| (1..=MOST_PACKET).contains(&size));
    match sizes.is_empty() || !sizes.iter().all(fits) {
        false => Ok(sizes),
        true => Err(refused(format!(
            "sizes of 1 to {MOST_PACKET} bytes, one at least"
        ))),
    }
}

pub(super) fn bootstrap<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let peers = Vec::<String>::deserialize(from)?;
    for peer in &peers {
        let (place, id) = match peer.split_once('#') {
            Some((place, id)) => (place, Some(id)),
            None => (peer.as_str(), None),
        };
        let port = place.rsplit_once(':').filter(|(host, _)| !host.is_empty());
        let is_place =
            port.is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port != 0));
        if !is_place || id.is_some_and(|id| PeerId::parse(id).is_none()) {
            let peer = peer.escape_debug();
            return Err(refused(format!(
                "`{peer}` is neither `host:port` nor `host:port#peer-id`"
            )));
        }
    }
    Ok(peers)
}

/// The kernel's limit, IFNAMSIZ, counts the end of the text.
pub(super) fn interface_name<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let name = name(from)?;
    match name.len() < 16 && name != "." && name != ".." {
        true => Ok(name),
        false => Err(refused("1 to 15 letters, digits, `-`, `_` and `.`")),
    }
}

pub(super) fn mtu<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    let mtu = u16::deserialize(from)?;
    match (LEAST_MTU..=MOST_PACKET).contains(&mtu.into()) {
        true => Ok(mtu),
        false => Err(refused(format!("{LEAST_MTU} to {MOST_PACKET} bytes"))),
    }
}

pub(super) fn ranges<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpRange>, D::Error> {
    let texts = Vec::<String>::deserialize(from)?;
    let read = texts.iter().map(|text| text.parse().map_err(refused));
    read.collect()
}

pub(super) fn peer<'de, D: Deserializer<'de>>(from: D) -> Result<PeerId, D::Error> {
    let text = String::deserialize(from)?;
    PeerId::parse(&text).ok_or_else(|| {
        let text = text.escape_debug();
        refused(format!("`{text}` is no peer id: `sha256:` and 64 digits"))
    })
}
