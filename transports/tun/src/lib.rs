//! IP interfaces by TUN devices (Linux), with the kernel's offload: a super-packet of TCP or UDP comes
//! in one call and is cut here, and packets of one flow go out in one call.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `interfaces` | [`TunInterfaces`]: opens one, with addresses and routes |
//! | `device` | packets in and out |
//! | `plan` | which routes an interface needs, as a pure function |
//! | `routes` | sets routes, and takes them back |
//! | `left` | the routes that a killed process leaves behind, in a file |
//! | `privilege` | what is given up when everything is open |
//! | `namespaces` | two network namespaces and a wire between them, to show tunnels in |
//!
//! Routes through the device go with it, however the process ends. Those beside it, to the other
//! ends of a full tunnel, do not: they are written down before they are set.

#[cfg(target_os = "linux")]
mod device;
mod interfaces;
#[cfg(target_os = "linux")]
mod left;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod plan;
mod privilege;
#[cfg(target_os = "linux")]
mod routes;

pub use interfaces::TunInterfaces;
#[cfg(target_os = "linux")]
pub use namespaces::{End, NamespaceError, Namespaces, Relay};
pub use privilege::keep_net_admin;
