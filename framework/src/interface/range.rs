//! Ranges of addresses: `10.7.0.0/24`, `fd07::/64` (RFC 4632 section 3.1, RFC 4291 section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// An address, and how many bits of it say the range. As an interface's it is an address in the
/// range that is reached through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpRange {
    address: IpAddr,
    length: u8,
}

/// A range that is none: the operator's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    /// No address, or no length behind it.
    #[error("`{0}` is no range of addresses; write such as 10.7.0.2/32 or fd07::/64")]
    Form(String),
    /// More bits than the address has.
    #[error("{address} has no {length} bits")]
    Length {
        /// The address.
        address: IpAddr,
        /// The length.
        length: u8,
    },
}

impl IpRange {
    /// A range; the bits behind the length are kept.
    ///
    /// # Errors
    /// [`RangeError::Length`].
    pub fn new(address: IpAddr, length: u8) -> Result<Self, RangeError> {
        let fits = length <= bits(address);
        match fits {
            true => Ok(Self { address, length }),
            false => Err(RangeError::Length { address, length }),
        }
    }

    /// The range of one address.
    #[must_use]
    pub fn host(address: IpAddr) -> Self {
        Self {
            address,
            length: bits(address),
        }
    }

    /// The address, with the bits behind the length.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many bits count.
    #[must_use]
    pub fn length(&self) -> u8 {
        self.length
    }

    /// The range with zeros behind the length.
    #[must_use]
    pub fn network(&self) -> Self {
        let address = match self.address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.length));
                Ipv4Addr::from_bits(v4.to_bits() & mask.unwrap_or(0)).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.length));
                Ipv6Addr::from_bits(v6.to_bits() & mask.unwrap_or(0)).into()
            }
        };
        Self { address, ..*self }
    }

    /// Whether an address is in it. An IPv4 address is in no range of IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let same_kind = self.address.is_ipv4() == address.is_ipv4();
        let of = Self {
            address,
            length: self.length,
        };
        same_kind && of.network().address == self.network().address
    }

    /// Whether it is everything of its kind.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.length == 0
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl FromStr for IpRange {
    type Err = RangeError;

    /// Reads `ADDRESS/LENGTH`; an address alone is the range of itself.
    fn from_str(text: &str) -> Result<Self, RangeError> {
        let no = || RangeError::Form(text.escape_debug().to_string());
        let Some((address, length)) = text.split_once('/') else {
            return text.parse().map(Self::host).map_err(|_| no());
        };
        let digits = !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit());
        match (address.parse(), length.parse()) {
            (Ok(address), Ok(length)) if digits => Self::new(address, length),
            _ => Err(no()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> IpRange {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_written_as_it_is_read() {
        for text in [
            "10.7.0.1/24",
            "0.0.0.0/0",
            "fd07::1/64",
            "::/0",
            "1.2.3.4/32",
        ] {
            assert_eq!(range(text).to_string(), text);
        }
        assert_eq!(range("10.7.0.1").to_string(), "10.7.0.1/32");
        assert_eq!(range("fd07::1").to_string(), "fd07::1/128");
        assert_eq!(range("10.7.0.1/24").network().to_string(), "10.7.0.0/24");
        assert_eq!(range("fd07::1/8").network().to_string(), "fd00::/8");
        assert_eq!(range("fd07::1/0").network().to_string(), "::/0");
        assert!(range("::/0").is_everything() && !range("::/1").is_everything());
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in [
            "",
            "10.7.0/24",
            "10.7.0.1/",
            "10.7.0.1/+4",
            "10.7.0.1/256",
            "hub/8",
            "a\n",
        ] {
            let error = bad.parse::<IpRange>().unwrap_err();
            assert!(matches!(error, RangeError::Form(_)), "{bad}: {error}");
        }
        for (bad, length) in [("10.7.0.1/33", 33), ("fd07::/129", 129)] {
            let address = ip(bad.split('/').next().unwrap());
            let error = bad.parse::<IpRange>();
            assert_eq!(error, Err(RangeError::Length { address, length }));
        }
    }

    #[test]
    fn an_address_is_in_a_range_of_its_kind() {
        for (text, inside, outside) in [
            ("10.7.0.9/24", "10.7.0.255", "10.7.1.0"),
            ("10.7.0.9/32", "10.7.0.9", "10.7.0.8"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("fd07::/64", "fd07::ffff:0:0:1", "fd07:0:0:1::"),
            ("::/0", "ffff::", "0.0.0.0"),
        ] {
            assert!(range(text).contains(ip(inside)), "{text}");
            assert!(!range(text).contains(ip(outside)), "{text}");
        }
    }
}
