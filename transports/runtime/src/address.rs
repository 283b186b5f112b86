//! Addresses, as profiles write them: where to listen, and `SCHEME://HOST:PORT`.

use std::net::SocketAddr;

use pqfw_framework::transport::TransportError;

/// Reads `transport.listen`: an IP address and a port. A host's name is refused, because it may
/// stand for several addresses and only one would be listened on.
///
/// # Errors
/// [`TransportError::Address`].
pub fn listen_address(listen: &str) -> Result<SocketAddr, TransportError> {
    listen.parse().map_err(|_| {
        let reason = "write an IP address and a port, such as 127.0.0.1:8000 or [::1]:0";
        refused(listen, reason)
    })
}

/// A server to connect to: `HOST:PORT`, as it stands behind a scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    scheme: &'static str,
    url: String,
}

impl Target {
    /// Reads `transport.connect`: `HOST:PORT` behind the scheme, such as `tcp://`, with brackets
    /// around an address of IPv6.
    ///
    /// # Errors
    /// [`TransportError::Address`].
    pub fn parse(scheme: &'static str, connect: &str) -> Result<Self, TransportError> {
        let no = |reason: &str| Err(refused(connect, reason));
        let Some(authority) = connect.strip_prefix(scheme) else {
            return no(&format!(
                "write {scheme}HOST:PORT, such as {scheme}127.0.0.1:5000"
            ));
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
            scheme,
            url: connect.to_owned(),
        })
    }

    /// An address that is known.
    #[must_use]
    pub fn of(scheme: &'static str, address: SocketAddr) -> Self {
        Self {
            scheme,
            url: format!("{scheme}{address}"),
        }
    }

    /// As errors name it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// `HOST`, for the name in a certificate; with the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host)
    }

    /// `HOST:PORT`, to look up.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.strip_prefix(self.scheme).unwrap_or(&self.url)
    }
}

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
            let target = Target::parse("tcp://", connect).unwrap();
            assert_eq!(target.url(), connect);
            assert_eq!(format!("tcp://{}", target.authority()), connect);
            assert!(target.authority().starts_with(target.host()));
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for bad in [
            "",
            "127.0.0.1:5000",
            "quic://127.0.0.1:5000",
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
            let refused = Target::parse("tcp://", bad);
            assert!(
                matches!(refused, Err(TransportError::Address { .. })),
                "{bad}"
            );
        }
    }
}
