//! IP interfaces: where the packets of this machine come from and go to.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `range` | [`IpRange`]: an address and how much of it counts |
//! | `batch` | [`PacketBatch`]: packets in buffers that are used again |
//! | `userspace` | [`Userspace`]: interfaces without a device, between the tunnel and sockets |
//!
//! An [`Interface`] blocks, and is used by threads of its own: packets go through it in batches, and
//! a runtime between would cost more than the packets do.

mod batch;
mod range;
mod userspace;

use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;

pub use batch::{HEADROOM, MOST_BATCH, PacketBatch, TAILROOM};
pub use range::{IpRange, RangeError};
pub use userspace::{Expose, Forward, OpenUserspace, Protocol, Userspace, UserspaceSettings};

/// An interface that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceSettings {
    /// What it is called.
    pub name: String,
    /// Its addresses, each with the range that is reached directly.
    pub addresses: Vec<IpRange>,
    /// The largest packet.
    pub mtu: u16,
    /// What else is reached through it.
    pub routes: Vec<IpRange>,
    /// Whether everything is, but what goes to `outside`.
    pub full_tunnel: bool,
    /// Addresses that are reached without it: those of the other ends of a full tunnel.
    pub outside: Vec<IpAddr>,
}

/// Opens interfaces.
pub trait Interfaces: Send + Sync {
    /// Opens one, and sets its addresses and routes. What was left behind by a process that could
    /// not clear up is cleared up first.
    ///
    /// # Errors
    /// [`InterfaceError`].
    fn open(&self, settings: &InterfaceSettings) -> Result<Arc<dyn Interface>, InterfaceError>;

    /// Gives up every privilege of this thread, and of those that it starts, that an open interface
    /// does not need.
    ///
    /// # Errors
    /// [`InterfaceError::Privilege`].
    fn give_up_privileges(&self) -> Result<(), InterfaceError>;
}

/// An open interface. Dropped, its routes are gone.
pub trait Interface: Send + Sync {
    /// What it is called.
    fn name(&self) -> &str;

    /// Waits for packets and puts them into the batch in the place of those that were there.
    ///
    /// # Errors
    /// [`InterfaceError::Closed`], [`InterfaceError::Broken`].
    fn receive(&self, batch: &mut PacketBatch) -> Result<(), InterfaceError>;

    /// Gives the packets of a batch to this machine, and empties it. Those that it does not take
    /// are lost; says how many it took.
    ///
    /// # Errors
    /// [`InterfaceError::Closed`], [`InterfaceError::Broken`].
    fn send(&self, batch: &mut PacketBatch) -> Result<usize, InterfaceError>;

    /// Ends every wait, now and from now on, with [`InterfaceError::Closed`].
    fn close(&self);
}

/// An interface that is not opened, or is no more.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InterfaceError {
    /// The operator's fault, or nobody's: this machine has no such thing.
    #[error("there are no interfaces here: {0}")]
    None(&'static str),
    /// The operator's fault: a privilege is missing.
    #[error("{doing}: {reason}; run as root, or `setcap cap_net_admin+ep` the program")]
    Privilege {
        /// What was being done.
        doing: String,
        /// What the system says.
        reason: String,
    },
    /// The operator's or the machine's fault.
    #[error("interface {name}: {doing}: {reason}")]
    Open {
        /// The interface.
        name: String,
        /// What was being done.
        doing: String,
        /// What the system says.
        reason: String,
    },
    /// The operator's fault: a full tunnel to somebody who cannot be reached without it.
    #[error("a full tunnel needs a route to {0} beside it, and there is none")]
    NoWayOut(IpAddr),
    /// Nobody's fault: it was closed.
    #[error("the interface is closed")]
    Closed,
    /// The machine's fault: it is no more.
    #[error("interface {name}: {reason}")]
    Broken {
        /// The interface.
        name: String,
        /// What the system says.
        reason: String,
    },
}
