//! Every key of a profile: taken with its type, and followed or refused where it was written.

#![expect(
    clippy::unwrap_used,
    reason = "a profile that cannot be read has failed"
)]

use std::time::Duration;

use pqfw_framework::interface::Protocol;
use pqfw_framework::interface::{InterfaceSettings, IpRange};
use pqfw_framework::profile::{Origin, Overrides, Profile, ProfileError, schema};
use pqfw_framework::registry::Registry;
use pqfw_pqvpn::PeerId;
use pqfw_pqvpn::config::{Bootstrap, InterfaceMode, KeyPlace, Settings};
use pqfw_pqvpn::session::Buckets;
use pqfw_pqvpn::trust::TrustMode;

const SHORT: &str = "profile = 1\nsystem = \"pqvpn\"\n";

fn registry() -> Registry {
    Registry::builder()
        .with(pqfw_pqvpn::plugin())
        .build()
        .unwrap()
}

fn read(text: &str, set: &[(&str, &str)]) -> Result<Settings, ProfileError> {
    let set = set
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()));
    let overrides = Overrides {
        set: set.collect(),
        ..Overrides::default()
    };
    let text = format!("{SHORT}{text}");
    Settings::read(&Profile::resolve(&text, "mine", &overrides, &registry())?)
}

/// What a line of a file changes.
fn with(text: &str) -> Settings {
    read(text, &[]).unwrap()
}

fn error(text: &str) -> ProfileError {
    read(text, &[]).unwrap_err()
}

#[test]
fn the_shipped_profile_is_safe() {
    let settings = with("");
    assert_eq!(settings.nickname, "node");
    assert_eq!(settings.listen, "127.0.0.1:9000");
    assert_eq!(settings.trust, TrustMode::Pinned);
    assert_eq!(settings.known_peers_file, "known_peers.toml");
    assert_eq!(settings.handshakes_per_minute, 30);
    assert_eq!(settings.most_jobs, 64);
    assert_eq!(settings.workers().most_jobs, 64);
    assert_eq!(settings.receive_buffer_bytes, None);
    assert_eq!(settings.rekey_after, Duration::from_secs(600));
    assert_eq!(settings.rekey_grace, Duration::from_secs(60));
    assert_eq!(settings.buckets, Buckets::default());
    let prefix = "pqvpn_keys_".to_owned();
    assert_eq!(settings.keys, KeyPlace::Temporary { prefix });
    assert_eq!((settings.metrics, settings.control.listen), (None, None));
    assert_eq!(settings.control.socket, "control.sock");
    assert!(settings.forwards.is_empty() && settings.exposes.is_empty());
    let terms = settings.trust_terms();
    assert!(terms.allow.is_empty());
    assert_eq!(
        (terms.mode, terms.file.as_str()),
        (TrustMode::Pinned, "known_peers.toml")
    );
    assert_eq!(settings.mode, InterfaceMode::None);
    assert!(!settings.interface.full_tunnel && settings.bootstrap.is_empty());
}

fn routes(digits: &str, range: &str) -> String {
    let peer = digits.repeat(32);
    format!("[[peer_routes]]\npeer = 'sha256:{peer}'\nranges = ['{range}']\n")
}

#[test]
fn a_node_keeps_its_keys_where_it_is_told() {
    let files = |signature: &str, kem: &str| KeyPlace::Files {
        signature: signature.into(),
        kem: kem.into(),
    };
    let kept = "keys.runtime_temp_keys = false\n";
    assert_eq!(
        with(kept).keys,
        files("pqvpn-signature.pem", "pqvpn-kem.pem")
    );
    let named = "peer.ed25519_sk_file = 'a.pem'\npeer.brainpoolP512r1_sk_file = 'b.pem'";
    assert_eq!(
        with(&format!("{kept}{named}")).keys,
        files("a.pem", "b.pem")
    );
}

#[test]
fn a_node_calls_whom_it_is_told() {
    let id = "0a".repeat(32);
    let told = with(&format!(
        "bootstrap.peers = ['hub.example:1', '[::1]:2#{id}']"
    ));
    let bootstrap = |place: &str, peer| Bootstrap {
        place: place.into(),
        peer,
    };
    let all = [
        bootstrap("hub.example:1", None),
        bootstrap("[::1]:2", Some(PeerId([10; 32]))),
    ];
    assert_eq!(told.bootstrap, all);
}

#[test]
fn an_interface_is_as_the_profile_says() {
    let text = "[interface]\nmode = 'tun'\nname = 'vpn7'\naddresses = ['10.7.0.1/24', 'fd07::1/64']\n\
                mtu = 1400\nroutes = ['192.0.2.0/24']\nfull_tunnel = true\n";
    let told = with(&format!(
        "{text}{}{}",
        routes("0a", "10.7.0.2/32"),
        routes("0b", "0.0.0.0/0")
    ));
    assert_eq!(told.mode, InterfaceMode::Tun);
    let range = |text: &str| -> IpRange { text.parse().unwrap() };
    let expected = InterfaceSettings {
        name: "vpn7".into(),
        addresses: vec![range("10.7.0.1/24"), range("fd07::1/64")],
        mtu: 1400,
        // What is everything is routed by `full_tunnel` alone.
        routes: vec![range("192.0.2.0/24"), range("10.7.0.2/32")],
        full_tunnel: true,
        outside: Vec::new(),
    };
    assert_eq!(told.interface, expected);
    let owner = |text: &str| told.ranges.peer_of(text.parse().unwrap());
    assert_eq!(owner("10.7.0.2"), Some(PeerId([10; 32])));
    assert_eq!(owner("10.7.0.3"), Some(PeerId([11; 32])));
}

#[test]
fn each_key_is_followed() {
    let set = |line: &str| with(line);
    assert_eq!(set("peer.nickname = 'hub-1'").nickname, "hub-1");
    let rate = set("security.handshake_per_minute_per_ip = 7");
    assert_eq!(rate.handshakes_per_minute, 7);
    assert_eq!(set("network.bind_host = '::1'").listen, "[::1]:9000");
    assert_eq!(set("network.listen_port = 51820").listen, "127.0.0.1:51820");
    assert_eq!(set("network.max_concurrent_datagrams = 9").most_jobs, 9);
    let buffer = set("network.udp_recv_buffer_size = 4194304");
    assert_eq!(buffer.receive_buffer_bytes, Some(4 << 20));
    let rekey = set("rekey.interval_seconds = 90");
    assert_eq!(rekey.rekey_after, Duration::from_secs(90));
    let rekey = set("rekey.threshold_seconds = 5");
    assert_eq!(rekey.rekey_grace, Duration::from_secs(5));
    let padded = set("traffic_obfuscation.enabled = true").buckets;
    assert_eq!(
        [1, 129, 1401].map(|length| padded.fit(length)),
        [128, 256, 1401]
    );
    let padded = set("[traffic_obfuscation]\nenabled = true\nbuckets = [300, 100]").buckets;
    assert_eq!([1, 101].map(|length| padded.fit(length)), [100, 300]);
    assert_eq!(
        set("traffic_obfuscation.buckets = [9]").buckets,
        Buckets::default()
    );
    for (line, mode) in [
        ("security.tofu = true", TrustMode::Tofu),
        ("security.tofu = false", TrustMode::Pinned),
        ("security.strict_tofu = true", TrustMode::StrictTofu),
        ("security.strict_tofu = false", TrustMode::Pinned),
        (
            "[security]\ntofu = true\nstrict_tofu = true",
            TrustMode::StrictTofu,
        ),
        (
            "[security]\ntofu = true\nstrict_tofu = false",
            TrustMode::Tofu,
        ),
        ("peers.mode = 'tofu'", TrustMode::Tofu),
        ("peers.mode = 'allow-list'", TrustMode::AllowList),
        (
            "peers.mode = 'tofu'\nsecurity.strict_tofu = true",
            TrustMode::StrictTofu,
        ),
        (
            "peers.mode = 'allow-list'\nsecurity.tofu = false",
            TrustMode::AllowList,
        ),
        ("peers.mode = 'tofu'\nsecurity.tofu = true", TrustMode::Tofu),
    ] {
        assert_eq!(set(line).trust, mode, "{line}");
    }
    for line in ["security.known_peers_file = 'a'", "peers.file = 'a'"] {
        assert_eq!(set(line).known_peers_file, "a");
    }
    // Both names with one value are one.
    for line in [
        "peers.file = 'a'\nsecurity.known_peers_file = 'a'",
        "transport.listen = '[::1]:7'\n[network]\nbind_host = '::1'\nlisten_port = 7",
        "transport.listen = '[::1]:7'\nnetwork.listen_port = 7",
    ] {
        with(line);
    }
    // What is off in the sample may be said.
    for line in [
        "[security]\nrequire_hybrid_handshake = true\nstrict_sig_verify = true",
        "bootstrap.peers = []",
        "[relay]\nenabled = false\naccept_circuits = false\nexit_policy = 'deny-all'",
        "[metrics]\nprometheus = false\nbind_host = '127.0.0.2'\nbind_port = 1",
        "[logging]\nfile = 'a.log'\nlevel = 'debug'",
        "[keys]\nruntime_temp_keys = true\ntemp_keys_prefix = 'x'",
        "policy = ['legacy-compat', 'hybrid']",
    ] {
        with(line);
    }
}

#[test]
fn operators_keys_are_followed() {
    let keys = with("keys.temp_keys_prefix = 'mine-'").keys;
    let prefix = "mine-".to_owned();
    assert_eq!(keys, KeyPlace::Temporary { prefix });
    let metrics = with("[metrics]\nprometheus = true\nbind_host = '::1'\nbind_port = 7").metrics;
    assert_eq!(metrics, Some("[::1]:7".parse().unwrap()));
    let off = with("[metrics]\nbind_port = 7").metrics;
    assert_eq!(off, None);
    let control = "[control]\nsocket = ''\nlisten = '127.0.0.1:7'\ntoken_file = 't.sec'";
    let control = with(control).control;
    assert_eq!(
        (control.socket.as_str(), control.token_file.as_str()),
        ("", "t.sec")
    );
    assert_eq!(control.listen, Some("127.0.0.1:7".parse().unwrap()));
    let id = PeerId([10; 32]);
    let allow = with(&format!("peers.allow = ['{id}']")).trust_terms().allow;
    assert_eq!(allow, [id]);
}

const USERSPACE: &str = "[interface]\nmode = 'userspace'\naddresses = ['10.7.0.1/24']\n";

#[test]
fn ports_are_forwarded_and_exposed_in_user_space() {
    let forward = "[[forward]]\nlisten = '127.0.0.1:8080'\nto = '10.7.0.2:80'\n\
                   [[forward]]\nprotocol = 'udp'\nlisten = '127.0.0.1:53'\nto = '10.7.0.2:53'\n";
    let expose = "[[expose]]\nport = 80\nto = '127.0.0.1:3000'\n";
    let settings = with(&format!("{USERSPACE}{forward}{expose}"));
    assert_eq!(settings.mode, InterfaceMode::Userspace);
    let [tcp, udp] = &settings.forwards[..] else {
        panic!("two forwards");
    };
    assert_eq!((tcp.protocol, udp.protocol), (Protocol::Tcp, Protocol::Udp));
    assert_eq!(tcp.to, "10.7.0.2:80".parse().unwrap());
    let [exposed] = &settings.exposes[..] else {
        panic!("one expose");
    };
    assert_eq!((exposed.port, exposed.protocol), (80, Protocol::Tcp));
    for (text, path, says) in [
        (forward.to_owned(), "forward", "userspace"),
        (expose.to_owned(), "expose", "userspace"),
        (format!("{USERSPACE}{expose}{expose}"), "expose", "twice"),
        (
            format!("{USERSPACE}full_tunnel = true"),
            "interface.full_tunnel",
            "tun alone",
        ),
        (
            "[[expose]]\nport = 0\nto = '127.0.0.1:1'".to_owned(),
            "expose.[0].port",
            "must not be 0",
        ),
        (
            "peers.allow = ['me']".to_owned(),
            "peers.allow",
            "no peer id",
        ),
    ] {
        let ProfileError::Value {
            path: at, reason, ..
        } = error(&text)
        else {
            panic!("{text}: {}", error(&text));
        };
        assert_eq!(at, path, "{text}");
        assert!(reason.contains(says), "{text}: {reason}");
    }
}

#[test]
fn what_a_node_does_not_take_is_refused_where_it_stands() {
    let id = "0a".repeat(32);
    let with_id = |place: &str| format!("bootstrap.peers = ['{place}#{id}']");
    let two_owners = || routes("0a", "10.7.0.1/24") + &routes("0b", "10.7.0.2/24");
    for (line, key, says) in [
        ("security.require_hybrid_handshake = false", "", "only true"),
        ("security.strict_sig_verify = false", "", "only true"),
        (
            "peer.ed25519_sk_file = 'a.pem'",
            "peer.ed25519_sk_file",
            "such keys have no files",
        ),
        (
            "peer.brainpoolP512r1_sk_file = 'a.pem'",
            "peer.brainpoolP512r1_sk_file",
            "such keys have no files",
        ),
        ("peer.ed25519_sk_file = '../a.pem'", "", "letters"),
        ("peer.nickname = 'a b'", "", "letters"),
        ("peer.nickname = ''", "", "letters"),
        ("keys.temp_keys_prefix = '../up'", "", "letters"),
        (
            "security.handshake_per_minute_per_ip = 0",
            "",
            "must not be 0",
        ),
        ("network.max_concurrent_datagrams = 0", "", "must not be 0"),
        ("rekey.interval_seconds = 0", "", "must not be 0"),
        ("rekey.threshold_seconds = 601", "", "is longer than"),
        ("relay.enabled = true", "", "no circuits"),
        ("relay.accept_circuits = true", "", "no circuits"),
        ("relay.exit_policy = 'allow-all'", "", "no circuits"),
        ("relay.exit_policy = 'reduced'", "", "no circuits"),
        ("relay.exit_policy = 'rules'", "", "no circuits"),
        ("relay.exit_policy = 'some'", "", "is none of"),
        ("metrics.bind_host = 'here'", "", "invalid"),
        ("traffic_obfuscation.buckets = []", "", "one at least"),
        ("traffic_obfuscation.buckets = [0]", "", "one at least"),
        ("traffic_obfuscation.buckets = [65476]", "", "one at least"),
        (&with_id("hub"), "", "is neither"),
        (&with_id(":1"), "", "is neither"),
        (&with_id("hub:0"), "", "is neither"),
        ("bootstrap.peers = ['hub:1#me']", "", "is neither"),
        ("peers.mode = 'open'", "", "open to nobody"),
        ("interface.mode = 'tun'", "", "needs interface.addresses"),
        (
            "interface.addresses = ['10.7.0.1/24', '10.7.1.1/24']",
            "",
            "one of IPv4",
        ),
        ("interface.addresses = ['hub']", "", "no range"),
        ("interface.routes = ['10.7.0.0/33']", "", "no 33 bits"),
        ("interface.name = 'sixteen-letters-'", "", "1 to 15"),
        ("interface.name = '..'", "", "1 to 15"),
        ("interface.name = 'a/b'", "", "letters"),
        ("interface.mtu = 1279", "", "1280 to"),
        ("interface.mtu = 65476", "", "1280 to 65475 bytes"),
        (
            "[[peer_routes]]\npeer = 'me'\nranges = []",
            "peer_routes",
            "no peer id",
        ),
        (&two_owners(), "peer_routes", "10.7.0.2/24 is of"),
        ("policy = 'modern'", "", "require_hybrid_handshake"),
        ("network.bind_host = 'hub.example'", "", "invalid"),
        (
            "transport.listen = 'memory:'\nnetwork.listen_port = 1",
            "transport.listen",
            "parts of",
        ),
        (
            "transport.listen = '[::1]:7'\nnetwork.listen_port = 8",
            "network.listen_port",
            "keep one",
        ),
        (
            "transport.listen = '[::1]:7'\nnetwork.bind_host = '::2'",
            "network.bind_host",
            "keep one",
        ),
        (
            "peers.file = 'a'\nsecurity.known_peers_file = 'b'",
            "security.known_peers_file",
            "keep one",
        ),
        (
            "peers.mode = 'pinned'\nsecurity.tofu = true",
            "security.tofu",
            "keep one",
        ),
        (
            "peers.mode = 'pinned'\nsecurity.strict_tofu = true",
            "security.strict_tofu",
            "keep one",
        ),
        (
            "peers.mode = 'tofu'\nsecurity.tofu = false",
            "security.tofu",
            "keep one",
        ),
    ] {
        let key = match key {
            "" => line.split(' ').next().unwrap(),
            key => key,
        };
        let ProfileError::Value {
            path,
            place,
            reason,
        } = error(line)
        else {
            panic!("{line}: {}", error(line));
        };
        let path = path.split('[').next().unwrap().trim_end_matches('.');
        assert_eq!(path, key, "{line}");
        assert!(
            matches!(place, Origin::File { line: 3 | 4, .. }),
            "{line}: {place}"
        );
        assert!(reason.contains(says), "{line}: {reason}");
    }
}

#[test]
fn a_key_is_named_as_it_is_written() {
    for (line, key) in [
        ("network.listen_prot = 1", "network.listen_prot"),
        ("pqvpn.nothing = 1", "pqvpn.nothing"),
        ("keys.runtime_temp_key = true", "keys.runtime_temp_key"),
        ("netwrok.listen_port = 1", "netwrok"),
    ] {
        match error(line) {
            ProfileError::UnknownKey { path, .. } => assert_eq!(path, key),
            other => panic!("{line}: {other}"),
        }
    }
    let set = read("", &[("network.listen_port", "many")]).unwrap_err();
    let text = "--set: `network.listen_port`: `many` is not an integer 0 to 65535";
    assert_eq!(set.to_string(), text);
    // What is set wins over the file, under either name.
    let file = "transport.listen = '[::1]:1'\npeers.mode = 'pinned'";
    let set = read(
        file,
        &[("network.listen_port", "2"), ("security.tofu", "true")],
    )
    .unwrap();
    assert_eq!(
        (set.listen.as_str(), set.trust),
        ("[::1]:2", TrustMode::Tofu)
    );
    let file = "network.listen_port = 1\nsecurity.tofu = true";
    let common = [
        ("transport.listen", "[::1]:2"),
        ("peers.mode", "allow-list"),
    ];
    let set = read(file, &common).unwrap();
    assert_eq!(
        (set.listen.as_str(), set.trust),
        ("[::1]:2", TrustMode::AllowList)
    );
}

#[test]
fn the_schema_has_the_systems_keys_where_they_are_written() {
    let schema = schema(&registry());
    for key in ["network", "peer", "rekey", "security"] {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    let keys = &schema["$defs"]["Keys"]["properties"];
    assert!(keys["runtime_temp_keys"].is_object(), "{keys}");
    assert!(keys["dir"].is_object());
}
