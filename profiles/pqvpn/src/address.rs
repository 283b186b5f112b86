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

    /// The /48 that an IPv6 address is in: what one customer of a provider may have.
    pub(crate) fn site(address: SocketAddr) -> Option<Self> {
        match address.ip() {
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => {
                let site = u128::from_be_bytes(v6.octets()) >> 80 << 80;
                Some(Self(site.to_be_bytes()))
            }
            _ => None,
        }
    }

    /// The last /64 of a /48.
    pub(crate) fn last_of_site(self) -> Self {
        Self((u128::from_be_bytes(self.0) | 0xffff << 64).to_be_bytes())
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

    #[test]
    fn a_site_is_a_range_of_addresses() {
        let site = |text: &str| Prefix::site(text.parse().unwrap());
        let prefix = |text: &str| Prefix::of(text.parse().unwrap());
        let one = site("[2001:db8:0:7::1]:1").unwrap();
        assert_eq!(site("[2001:db8:0:ffff::1]:2"), Some(one));
        let all = one..=one.last_of_site();
        for (text, inside) in [
            ("[2001:db8::1]:1", true),
            ("[2001:db8:0:ffff::1]:1", true),
            ("[2001:db8:1::1]:1", false),
            ("[2001:db7:ffff:ffff::1]:1", false),
        ] {
            assert_eq!(all.contains(&prefix(text)), inside, "{text}");
        }
        assert_eq!(site("192.0.2.1:1"), None);
        assert_eq!(site("[::ffff:192.0.2.1]:1"), None);
    }
}
