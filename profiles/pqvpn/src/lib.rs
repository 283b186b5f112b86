//! PQVPN, a hybrid post-quantum VPN node: its handshake, sessions and paths, without sockets, clock
//! or generator. `docs/protocols/pqvpn.md` is its specification, dialect `pqvpn-2`.
//!
//! ```text
//!  datagrams ─▶            ┌▶ Job ─▶ a pool of threads ─▶ Done ─┐
//!  wishes    ─▶  Node ─────┤                                    └─▶ Node
//!  Done      ─▶            ├▶ datagrams
//!  the time  ─▶            └▶ Event: up, packet, moved, dead …
//! ```
//!
//! [`node::Node`] is a [`Machine`](pqfw_framework::machine::Machine), and [`driver`] has it at work on a
//! socket. [`service`] is role `node`, with an interface of this machine. Circuits are to come.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `wire`, `fragment` | what travels, to the byte |
//! | `token`, `reassembly`, `rate`, `address` | what strangers can make a responder do |
//! | `suites`, `peer_id`, `identity` | algorithms, names, keys, records, rotation |
//! | `schedule`, [`handshake`] | which keys follow, and the three jobs that find them |
//! | [`session`] | data frames: shards, epochs, windows, contents |
//! | [`trust`], [`known`] | whom a node trusts, as one question; and where that is written down |
//! | [`keyring`] | a node's keys in files |
//! | [`node`] | the machine: calls, answers, peers, paths, timers |
//! | [`plane`] | the data plane: data frames without the node |
//! | [`driver`] | a node at work: datagrams, a pool of threads, events |
//! | [`packets`] | which addresses are whose, segments that fit |
//! | [`service`] | role `node`: keys, known peers, calls, packets between interface and peers |
//! | [`config`], `system`, [`demo`] | what a profile says, and what it runs |
//! | [`operator`] | what operators see of a node, and may do to it |
//! | [`limits`] | every bound |

// The tests inside and outside share their people.
#[cfg(test)]
extern crate self as pqfw_pqvpn;

mod address;
pub mod config;
pub mod demo;
pub mod driver;
mod fragment;
pub mod handshake;
mod identity;
pub mod keyring;
pub mod known;
pub mod limits;
mod mac;
pub mod node;
pub mod operator;
pub mod packets;
mod peer_id;
#[cfg(test)]
#[path = "../tests/node/people.rs"]
mod people;
pub mod plane;
mod rate;
mod reassembly;
mod schedule;
pub mod service;
pub mod session;
mod suites;
mod system;
mod token;
pub mod trust;
pub mod wire;

use pqfw_framework::registry::Plugin;

pub use fragment::FragmentError;
pub use identity::{
    Identity, IdentityError, PublicKeys, Record, RecordError, RecordTerms, Rotation, SignedRecord,
};
pub use peer_id::PeerId;
pub use reassembly::SlotError;
pub use schedule::{Exporter, Failed, SessionKeys};
pub use suites::{NamedSuite, Suites, SuitesError};
pub use system::Pqvpn;
pub use token::TokenError;

/// The plugin: one system.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("pqvpn").system(Pqvpn)
}

pqfw_framework::register_plugin!(plugin);
