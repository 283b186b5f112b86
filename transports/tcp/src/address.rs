//! Addresses, as profiles write them.

use std::net::SocketAddr;

use pqfw_framework::transport::TransportError;

/// Reads `transport.listen`: an IP address and a port. A host's name is refused, because it may
/// stand for several addresses and only one would be listened on.
pub(crate) fn listen_address(listen: &str) -> Result<SocketAddr, TransportError> {
    listen.parse().map_err(|_| {
        let reason = "write an IP address and a port, such as 127.0.0.1:5000 or [::1]:0";
        refused(listen, reason)
    })
}

/// A server to connect to: `HOST:PORT`, as it stands behind `tcp://`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    url: String,
}

impl Target {
    /// Reads `transport.connect`: `tcp://HOST:PORT`, with brackets around an address of IPv6.
    pub(crate) fn parse(connect: &str) -> Result<Self, TransportError> {
        let no = |reason| Err(refused(connect, reason));
        let Some(authority) = connect.strip_prefix(SCHEME) else {
            return no("write tcp://HOST:PORT, such as tcp://127.0.0.1:5000");
        };
        let Some((host, port)) = authority.rsplit_once(':') else {
            return no("a port is needed, such as :5000");
        };
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !port.parse::<u16>().is_ok_and(|port| port > 0) {
            return no("a port is a number from 1 to 65535");
        }
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let part_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let good = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(part_of_name),
        };
        if !good {
            return no("a host is a name, an address such as 127.0.0.1, or one such as [::1]");
        }
        Ok(Self {
            url: connect.to_owned(),
        })
    }

    /// An address that is known.
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self {
            url: format!("{SCHEME}{address}"),
        }
    }

    /// As errors name it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// `HOST`, for the name in a certificate; with the brackets of IPv6.
    pub(crate) fn host(&self) -> &str {
        let authority = self.authority();
        authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host)
    }

    /// `HOST:PORT`, to look up.
    pub(crate) fn authority(&self) -> &str {
        self.url.strip_prefix(SCHEME).unwrap_or(&self.url)
    }
}

/// The scheme of this transport's URLs.
pub(crate) const SCHEME: &str = "tcp://";

fn refused(address: &str, reason: &str) -> TransportError {
    TransportError::Address {
        address: address.escape_debug().to_string(),
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_takes_an_ip_address_and_a_port() {
        for good in ["127.0.0.1:5000", "127.0.0.1:0", "[::1]:0", "0.0.0.0:80"] {
            assert_eq!(listen_address(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "localhost:80",
            "127.0.0.1",
            "::1:80x",
            "tcp://1.2.3.4:5",
        ] {
            let refused = listen_address(bad);
            assert!(
                matches!(refused, Err(TransportError::Address { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_target_is_a_host_and_a_port() {
        for connect in [
            "tcp://127.0.0.1:5000",
            "tcp://[::1]:1",
            "tcp://host.example:65535",
        ] {
            let target = Target::parse(connect).unwrap();
            assert_eq!(target.url(), connect);
            assert_eq!(format!("tcp://{}", target.authority()), connect);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for bad in [
            "",
            "127.0.0.1:5000",
            "http://127.0.0.1:5000",
            "TCP://127.0.0.1:5000",
            "tcp://",
            "tcp://host",
            "tcp://:80",
            "tcp://host:",
            "tcp://host:0",
            "tcp://host:+1",
            "tcp://host:65536",
            "tcp://host:80/",
            "tcp://user@host:80",
            "tcp://::1:80",
            "tcp://[::1:80",
            "tcp://[host]:80",
            "tcp://a b:80",
            "tcp://a\n:80",
        ] {
            let refused = Target::parse(bad);
            assert!(
                matches!(refused, Err(TransportError::Address { .. })),
                "{bad}"
            );
        }
    }
}
