//! A TUN device of the kernel, in a network namespace of the test's own thread. Where that is not
//! allowed the test says that it was skipped, and fails when `PQFW_REQUIRE_NETNS` is `1`.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;

use pqfw_framework::interface::{
    Interface, InterfaceError, InterfaceSettings, Interfaces, IpRange, PacketBatch,
};
use pqfw_tun::TunInterfaces;
use rustix::thread::UnshareFlags;

/// Does it in a network without interfaces, that is gone with the thread.
fn in_a_network(name: &str, test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        #[expect(
            deprecated,
            reason = "a new network is unsafe for nothing in this thread"
        )]
        let alone = rustix::thread::unshare(UnshareFlags::NEWNET);
        if alone.is_ok() {
            test();
        }
        alone
    });
    if let Err(why) = thread.join().unwrap() {
        let required = std::env::var("PQFW_REQUIRE_NETNS").is_ok_and(|value| value == "1");
        assert!(!required, "{name}: a network namespace is required: {why}");
        eprintln!("skipped {name}: no network namespace: {why}");
    }
}

fn settings(name: &str, routes: &[&str]) -> InterfaceSettings {
    let range = |text: &&str| -> IpRange { text.parse().unwrap() };
    InterfaceSettings {
        name: name.into(),
        addresses: ["10.7.0.1/24", "fd07::1/64"].iter().map(range).collect(),
        mtu: 1420,
        routes: routes.iter().map(range).collect(),
        full_tunnel: false,
        outside: Vec::new(),
    }
}

fn open(settings: &InterfaceSettings) -> Result<Arc<dyn Interface>, InterfaceError> {
    let left = tempfile::tempdir().unwrap();
    TunInterfaces::new(left.path()).open(settings)
}

/// The packets that come until one is to there: the kernel has some of its own to say.
fn packet_to(device: &dyn Interface, to: IpAddr) -> Vec<u8> {
    let mut batch = PacketBatch::new(1420);
    loop {
        device.receive(&mut batch).unwrap();
        let is_it = |packet: &&[u8]| match to {
            IpAddr::V4(v4) => packet[0] >> 4 == 4 && packet[16..20] == v4.octets(),
            IpAddr::V6(v6) => packet[0] >> 4 == 6 && packet[24..40] == v6.octets(),
        };
        if let Some(packet) = batch.packets().find(is_it) {
            return packet.to_vec();
        }
    }
}

#[test]
fn packets_go_through_a_device_with_addresses_and_routes() {
    in_a_network("packets", || {
        let device = open(&settings("t0", &["192.0.2.0/24"])).unwrap();
        assert_eq!(device.name(), "t0");
        for (own, to) in [
            ("10.7.0.1:7000", "10.7.0.2"),
            ("10.7.0.1:7001", "192.0.2.9"),
        ] {
            let socket = UdpSocket::bind(own).unwrap();
            let to: IpAddr = to.parse().unwrap();
            socket.send_to(b"there", (to, 9)).unwrap();
            let mut packet = packet_to(&*device, to);
            assert!(packet.ends_with(b"there"));
            // The same back: addresses and ports change places, and no sum does.
            packet[12..20].rotate_left(4);
            packet[20..24].rotate_left(2);
            let mut batch = PacketBatch::new(1420);
            assert!(batch.push(&packet));
            assert_eq!(device.send(&mut batch), Ok(1));
            let mut got = [0; 9];
            let (length, from) = socket.recv_from(&mut got).unwrap();
            assert_eq!((&got[..length], from.ip()), (&b"there"[..], to));
        }
        device.close();
        let mut batch = PacketBatch::new(1420);
        assert_eq!(device.receive(&mut batch), Err(InterfaceError::Closed));
    });
}

#[test]
fn what_the_kernel_does_not_open_is_said() {
    in_a_network("refusals", || {
        let first = open(&settings("t0", &[])).unwrap();
        let error = open(&settings("t0", &[])).err().unwrap();
        assert!(matches!(error, InterfaceError::Open { .. }), "{error}");
        drop(first);
        let to: IpAddr = "192.0.2.1".parse().unwrap();
        let full = InterfaceSettings {
            full_tunnel: true,
            outside: vec![to],
            ..settings("t0", &[])
        };
        assert_eq!(open(&full).err(), Some(InterfaceError::NoWayOut(to)));
    });
}

/// The routes of IPv4 that an operator would see.
fn routes() -> Vec<String> {
    let routes = route_manager::RouteManager::new().unwrap().list().unwrap();
    let main = routes
        .iter()
        .filter(|route| route.table() == 254 && route.destination().is_ipv4());
    let mut texts: Vec<_> = main
        .map(|route| format!("{}/{}", route.destination(), route.prefix()))
        .collect();
    texts.sort();
    texts
}

#[test]
fn a_full_tunnel_leads_around_its_other_ends_and_is_taken_back() {
    in_a_network("full tunnel", || {
        // What was the way out before: a device with a route to the other end's network.
        let link = open(&settings("link", &["192.0.2.0/24"])).unwrap();
        let before = routes();
        let left = tempfile::tempdir().unwrap();
        let tunnel = InterfaceSettings {
            addresses: vec!["10.8.0.1/24".parse().unwrap()],
            full_tunnel: true,
            outside: vec!["192.0.2.1".parse().unwrap()],
            ..settings("t0", &[])
        };
        let interfaces = TunInterfaces::new(left.path());
        let device = interfaces.open(&tunnel).unwrap();
        let during = routes();
        for route in ["0.0.0.0/1", "128.0.0.0/1", "192.0.2.1/32"] {
            assert!(during.contains(&route.to_owned()), "{route}");
        }
        let file = left.path().join("t0");
        let written = std::fs::read_to_string(&file).unwrap();
        drop(device);
        assert_eq!(routes(), before);
        assert!(!file.exists());

        // A process that was killed has taken nothing back: the next one does.
        let index: u32 = written
            .split_whitespace()
            .next_back()
            .unwrap()
            .parse()
            .unwrap();
        let route =
            route_manager::Route::new("192.0.2.1".parse().unwrap(), 32).with_if_index(index);
        route_manager::RouteManager::new()
            .unwrap()
            .add(&route)
            .unwrap();
        std::fs::write(&file, &written).unwrap();
        assert_ne!(routes(), before);
        drop(interfaces.open(&settings("t0", &[])).unwrap());
        assert_eq!(routes(), before);
        assert!(!file.exists());
        drop(link);
    });
}
