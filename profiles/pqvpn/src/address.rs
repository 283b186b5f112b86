//! Addresses as tokens, slots and limits see them: an IPv6 address counts as its /64, since one
//! subscriber has that many.

use std::net::{IpAddr, SocketAddr};

/// An address without its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Prefix([u8; 16]);

impl Prefix {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self(match address.ip() {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => v4.to_ipv6_mapped().octets(),
                None => (u128::from_be_bytes(v6.octets()) >> 64 << 64).to_be_bytes(),
            },
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_address() {
        let prefix = |text: &str| Prefix::of(text.parse().unwrap());
        assert_eq!(prefix("[2001:db8::1]:1"), prefix("[2001:db8::2:3]:9"));
        assert_ne!(prefix("[2001:db8::1]:1"), prefix("[2001:db8:0:1::1]:1"));
        assert_ne!(prefix("192.0.2.1:1"), prefix("192.0.2.2:1"));
        assert_eq!(prefix("192.0.2.1:1"), prefix("[::ffff:192.0.2.1]:2"));
    }
}
