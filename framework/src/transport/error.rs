//! What can go wrong below a protocol.

use thiserror::Error;

use super::Delivery;
use crate::system::Failure;

/// What can go wrong below a protocol.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TransportError {
    /// The operator's fault: a pairing that does not exist.
    #[error(
        "transport {transport} delivers {has}, and this needs {delivery}; `pqfw list-transports` \
         shows what does that"
    )]
    Unsupported {
        /// The transport.
        transport: &'static str,
        /// What was asked of it.
        delivery: Delivery,
        /// What it delivers instead.
        has: String,
    },
    /// The operator's fault: a TLS configuration that cannot work.
    #[error("transport.tls: {0}")]
    Tls(String),
    /// The operator's fault: an address that cannot be read.
    #[error("address `{address}`: {reason}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine's or operator's fault: the address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        reason: String,
    },
    /// The network's or peer's fault: nobody answers there.
    #[error("cannot connect to {address}: {reason}; is the server running there?")]
    Connect {
        /// The address.
        address: String,
        /// What the operating system says.
        reason: String,
    },
    /// The peer's fault: it broke off or does not speak the protocol.
    #[error("the connection to {address} broke: {reason}")]
    Broken {
        /// The address.
        address: String,
        /// What was seen.
        reason: String,
    },
    /// The network's or peer's fault: no response in time.
    #[error("no response from {address} within {secs} s")]
    TimedOut {
        /// The address.
        address: String,
        /// The limit.
        secs: u64,
    },
    /// The peer's fault: a response larger than the limit.
    #[error("the response from {address} is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        address: String,
        /// The limit.
        limit: usize,
    },
}

impl TransportError {
    /// Whose fault it is, as an exit code says it: the profile's, or the network's.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Unsupported { .. } | Self::Address { .. } | Self::Tls(_) => Failure::Usage,
            Self::Listen { .. }
            | Self::Connect { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. } => Failure::Network,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_or_the_network_is_at_fault() {
        let unsupported = TransportError::Unsupported {
            transport: "udp",
            delivery: Delivery::Exchange,
            has: "datagrams".into(),
        };
        assert_eq!(
            unsupported.to_string(),
            "transport udp delivers datagrams, and this needs exchanges; `pqfw list-transports` \
             shows what does that"
        );
        assert_eq!(unsupported.failure(), Failure::Usage);
        assert_eq!(TransportError::Tls(String::new()).failure(), Failure::Usage);
        let timed_out = TransportError::TimedOut {
            address: "a".into(),
            secs: 1,
        };
        assert_eq!(timed_out.failure(), Failure::Network);
    }
}
