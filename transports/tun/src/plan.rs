//! Which routes an interface needs.
//!
//! A full tunnel leaves the default route alone: two halves of everything are more special than it,
//! and a route to each of the other ends is more special than they are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use pqfw_framework::interface::{InterfaceSettings, IpRange};

/// The routes through an interface, without those that its addresses bring.
pub(crate) fn through(settings: &InterfaceSettings) -> Vec<IpRange> {
    let direct: Vec<_> = settings.addresses.iter().map(IpRange::network).collect();
    let wanted = settings.routes.iter().map(IpRange::network);
    let mut routes: Vec<_> = wanted.flat_map(halves).collect();
    if settings.full_tunnel {
        for everything in [
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Ipv6Addr::UNSPECIFIED.into(),
        ] {
            // An interface without an address of a kind carries none of it.
            let has_kind = |range: &IpRange| range.address().is_ipv4() == everything.is_ipv4();
            if settings.addresses.iter().any(has_kind) {
                routes.extend(IpRange::new(everything, 0).into_iter().flat_map(halves));
            }
        }
    }
    routes.sort_unstable();
    routes.dedup();
    routes.retain(|route| !direct.contains(route));
    routes
}

/// Everything as two halves, anything else as it is.
fn halves(range: IpRange) -> Vec<IpRange> {
    if !range.is_everything() {
        return vec![range];
    }
    let upper = match range.address() {
        IpAddr::V4(_) => Ipv4Addr::new(128, 0, 0, 0).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x8000, 0, 0, 0, 0, 0, 0, 0).into(),
    };
    let both = [range.address(), upper].map(|address| IpRange::new(address, 1));
    both.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<IpRange> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn planned(addresses: &[&str], routes: &[&str], full_tunnel: bool) -> Vec<String> {
        let settings = InterfaceSettings {
            name: "t".into(),
            addresses: ranges(addresses),
            mtu: 1420,
            routes: ranges(routes),
            full_tunnel,
            outside: Vec::new(),
        };
        through(&settings).iter().map(IpRange::to_string).collect()
    }

    #[test]
    fn what_the_addresses_bring_is_not_set_again() {
        let routes = ["10.7.0.2/24", "10.7.0.2/32", "192.0.2.9/24", "192.0.2.8/24"];
        let planned = planned(&["10.7.0.1/24"], &routes, false);
        assert_eq!(planned, ["10.7.0.2/32", "192.0.2.0/24"]);
    }

    #[test]
    fn everything_is_two_halves() {
        let planned = planned(&["10.7.0.1/24"], &["0.0.0.0/0"], true);
        assert_eq!(planned, ["0.0.0.0/1", "128.0.0.0/1"]);
    }

    #[test]
    fn a_full_tunnel_is_of_the_kinds_that_the_interface_has() {
        let both = planned(&["10.7.0.1/24", "fd07::1/64"], &[], true);
        assert_eq!(both, ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]);
        assert_eq!(planned(&["fd07::1/64"], &[], true), ["::/1", "8000::/1"]);
    }
}
