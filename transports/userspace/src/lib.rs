//! An IP interface without a device, and so without privileges: TCP and UDP of smoltcp over the
//! packets of a tunnel, ports of this machine that lead into it, and services of this machine that
//! the other ends may reach.
//!
//! ```text
//!  forward: local program ─▶ socket of this machine ─▶ ┌───────┐ ─▶ packets ─▶ Interface::receive
//!  expose:  local service ◀─ socket of this machine ◀─ │ Stack │ ◀─ packets ◀─ Interface::send
//!                                                      └───────┘
//! ```
//!
//! Nothing that is not exposed is reached: TCP to another port is answered with a reset, UDP with an
//! ICMP error, and an address that is not this interface's with silence. ICMP echo is answered.
//!
//! What this does not do well: smoltcp 0.12 stops its retransmission timer at acknowledgements in
//! CLOSE-WAIT and LAST-ACK, so a connection that loses packets after one end has finished stalls for
//! tens of seconds, or is ended.
//!
//! | limit | | at the limit |
//! | --- | --- | --- |
//! | packets each way that wait | 1024 | dropped; TCP says them again |
//! | connections, flows of UDP | 256 of each forward and of each expose | refused |
//! | a connection that is not made | 30 s | ended |
//! | an end that does not answer | 60 s, asked every 20 s | ended |
//! | a flow of UDP without a datagram | 60 s | forgotten |
//!
//! | file | what is in it |
//! | --- | --- |
//! | `device` | queues of packets, as smoltcp sees a device |
//! | `stack` | addresses, sockets, openings of exposed ports |
//! | `stream`, `datagrams` | one TCP connection, and one UDP port, in the tunnel |
//! | `tcp`, `udp` | between those and sockets of this machine |
//! | `interface` | the interface, and the task that moves everything |

mod datagrams;
mod device;
mod interface;
mod stack;
mod stream;
mod tcp;
mod udp;

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::interface::{InterfaceError, OpenUserspace, Userspace, UserspaceSettings};
use pqfw_framework::transport::BoxFuture;
use pqfw_framework::world::World;

/// The most packets of one direction that wait.
const MOST_PACKETS: usize = 1024;
/// The most connections, or flows of UDP, of one forward or expose.
const MOST_CONNECTIONS: usize = 256;
/// How long a connection may take to be made.
const OPENING: Duration = Duration::from_secs(30);
/// How long the other end may say nothing when it should.
const SILENCE: Duration = Duration::from_secs(60);
/// How often an idle end is asked whether it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Opens interfaces in this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserspaceInterfaces;

impl Userspace for UserspaceInterfaces {
    fn open<'a>(
        &'a self,
        settings: &'a UserspaceSettings,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<OpenUserspace, InterfaceError>> {
        Box::pin(interface::open(settings, world))
    }
}
