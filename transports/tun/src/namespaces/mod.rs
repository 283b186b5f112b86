//! Two network namespaces of this process's own, joined by a wire (a pair of veth devices): tunnels are
//! shown there, and nothing of the host's network is touched. It needs root and iproute2.

mod relay;
mod transfer;

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use thiserror::Error;

pub use relay::Relay;

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// 192.0.2.1 (RFC 5737).
    Left,
    /// 192.0.2.2.
    Right,
}

impl End {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// Its address on the wire.
    #[must_use]
    pub fn address(self) -> IpAddr {
        let last = match self {
            Self::Left => 1,
            Self::Right => 2,
        };
        Ipv4Addr::new(192, 0, 2, last).into()
    }
}

/// Why something does not happen in namespaces.
#[derive(Debug, Error)]
pub enum NamespaceError {
    /// The machine's fault, or that of whoever is not root.
    #[error("{doing}: {reason}; it needs root, iproute2 and a kernel with network namespaces")]
    Command {
        /// What was to be done.
        doing: String,
        /// What the system said.
        reason: String,
    },
    /// The tunnel's fault, or the system's.
    #[error("{doing}: {reason}")]
    Socket {
        /// What was to be done.
        doing: &'static str,
        /// What the system said.
        reason: io::Error,
    },
    /// The tunnel's fault: what came is not what was sent.
    #[error("byte {0} came changed")]
    Changed(u64),
}

/// Two namespaces and the wire between them, gone when this is dropped.
pub struct Namespaces {
    left: String,
    right: String,
}

impl Namespaces {
    /// Makes them.
    ///
    /// # Errors
    /// [`NamespaceError::Command`]; what was made so far is gone.
    pub fn new() -> Result<Self, NamespaceError> {
        let number = std::process::id();
        let both = Self {
            left: format!("pqfw-left-{number}"),
            right: format!("pqfw-right-{number}"),
        };
        let (left, right) = (&both.left, &both.right);
        ip(&["netns", "add", left])?;
        ip(&["netns", "add", right])?;
        let veth = ["link", "add", "name", "veth0", "netns", left];
        let peer = ["type", "veth", "peer", "name", "veth0", "netns", right];
        ip(&[&veth[..], &peer].concat())?;
        for end in [End::Left, End::Right] {
            let (name, address) = (both.name(end), format!("{}/24", end.address()));
            ip(&["-n", name, "addr", "add", &address, "dev", "veth0"])?;
            ip(&["-n", name, "link", "set", "lo", "up"])?;
            ip(&["-n", name, "link", "set", "veth0", "up"])?;
        }
        Ok(both)
    }

    /// A program that is going to run in one of them.
    #[must_use]
    pub fn command(&self, end: End, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name(end), program]);
        command
    }

    /// Does something in one of them, in a thread of its own.
    fn within<T: Send>(
        &self,
        end: End,
        work: impl FnOnce() -> Result<T, NamespaceError> + Send,
    ) -> Result<T, NamespaceError> {
        let name = self.name(end);
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                enter(name)?;
                work()
            });
            // A panic there is one here.
            thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn name(&self, end: End) -> &str {
        match end {
            End::Left => &self.left,
            End::Right => &self.right,
        }
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // Devices go with their namespaces; one that was never made cannot be taken away.
        for name in [&self.left, &self.right] {
            let _ = ip(&["netns", "del", name]);
        }
    }
}

/// Moves this thread into a namespace.
fn enter(name: &str) -> Result<(), NamespaceError> {
    let moved = File::open(format!("/run/netns/{name}")).and_then(|file| {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(())
    });
    moved.map_err(|error| NamespaceError::Command {
        doing: format!("setns to {name}"),
        reason: error.to_string(),
    })
}

fn ip(arguments: &[&str]) -> Result<(), NamespaceError> {
    let failed = |reason: String| NamespaceError::Command {
        doing: format!("ip {}", arguments.join(" ")),
        reason,
    };
    let mut command = Command::new("ip");
    let ended = command.args(arguments).stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| failed(error.to_string()))?;
    match ended.status.success() {
        true => Ok(()),
        false => Err(failed(
            String::from_utf8_lossy(&ended.stderr).trim().to_owned(),
        )),
    }
}

fn socket(doing: &'static str) -> impl Fn(io::Error) -> NamespaceError {
    move |reason| NamespaceError::Socket { doing, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ip_refuses_is_said_with_what_it_needs() {
        let error = ip(&["netns", "add", "no/name"]).unwrap_err();
        assert!(matches!(error, NamespaceError::Command { .. }), "{error}");
        assert!(
            error.to_string().contains("ip netns add no/name"),
            "{error}"
        );
        assert!(error.to_string().contains("it needs root"), "{error}");
    }

    #[test]
    fn a_namespace_that_is_not_there_is_not_entered() {
        let error = std::thread::spawn(|| enter("pqfw-none")).join().unwrap();
        let error = error.unwrap_err().to_string();
        assert!(error.contains("setns to pqfw-none"), "{error}");
    }
}
