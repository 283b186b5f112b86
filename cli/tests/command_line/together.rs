//! Systems beside each other and through each other: one key for all, and one as the other's network.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use crate::mcp::Host;
use crate::support::{Server, pqfw};
use crate::vpn::{Node, is_up};

const FREE: &str = "--set=transport.listen=127.0.0.1:0";
const KEYS: &str = "--set=keys.dir=keys";

/// Starts a server, and gives it with the fingerprint that it says it has.
fn serve(here: &Path, name: &str, args: &[&str]) -> (Server, String) {
    let file = format!("{name}.json");
    let ready = ["--ready-file", &file, KEYS, FREE];
    let (command, rest) = match args.iter().position(|arg| *arg == "--") {
        Some(place) => args.split_at(place),
        None => (args, &[][..]),
    };
    let server = pqfw(here, &[command, &ready, rest].concat()).serve();
    let ready = fs::read_to_string(here.join(file)).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let fingerprint = ready["fingerprint"].as_str().unwrap().to_owned();
    (server, fingerprint)
}

#[test]
fn four_systems_on_one_node_have_one_identity_and_serve_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let run = |system| ["run", "--role=server", "--profile", system];
    let (qu3, identity) = serve(here, "qu3", &run("qu3"));
    let initial = ["--set=qflare.initial={ w = [2] }"];
    let (qflare, second) = serve(here, "qflare", &[&run("qflare")[..], &initial].concat());
    let accept = ["--set=mlkem-tcp.accept_pipe=true"];
    let (chat, third) = serve(here, "chat", &[&run("mlkem-tcp")[..], &accept].concat());
    let program = env!("CARGO_BIN_EXE_pqfw");
    let bridge = [
        "mcp",
        "serve",
        "--set=transport.kind=quic",
        "--",
        program,
        "mcp",
        "demo-server",
    ];
    let (mcp, fourth) = serve(here, "mcp", &bridge);
    assert_eq!([&second, &third, &fourth], [&identity; 3]);
    assert!(mcp.url.starts_with("quic://"), "{}", mcp.url);

    // Each believes that key and none else, and all are served while the others are.
    let mine = "--set=keys.dir=mine";
    let mut host = Host::connect(here, &["--to", &mcp.url, "--server", &identity, mine]);
    host.initialize();
    let token = pqfw(here, &["qflare", "token", "create", "camera-7", KEYS])
        .run()
        .ok()
        .stdout;
    let (_, hex) = identity.split_once(':').unwrap();
    assert!(token.contains(hex), "{token}");
    fs::write(here.join("token"), &token).unwrap();
    let enrol = [
        "qflare",
        "device",
        "enroll",
        "--token-file=token",
        "--server",
    ];
    pqfw(here, &[&enrol[..], &[&qflare.url, mine]].concat())
        .run()
        .ok();
    let infer = [
        "qu3",
        "run-inference",
        "model_caps",
        "hello",
        "--server",
        &qu3.url,
        mine,
    ];
    assert!(pqfw(here, &infer).run().ok().stdout.contains("HELLO"));
    let pin = format!("--set=peers.allow=['{identity}']");
    let send = [
        "chat",
        "send",
        "--to",
        &chat.url,
        "--set=peers.mode=allow-list",
        &pin,
        mine,
    ];
    pqfw(here, &send).run_with(b"a line").ok();
    assert_eq!(host.add(1)["result"]["content"][0]["text"], "5");
    assert_eq!(host.end(), (Some(0), String::new()));
    for server in [qu3, qflare, chat, mcp] {
        let (code, said) = server.terminate();
        assert_eq!(code, 0, "{said:?}");
    }
}

#[test]
fn a_client_of_qu3_goes_through_a_tunnel_of_pqvpn() {
    let home = tempfile::tempdir().unwrap();
    let (qu3, identity) = serve(
        home.path(),
        "qu3",
        &["run", "--role=server", "--profile=qu3"],
    );
    let service = qu3.url.strip_prefix("http://").unwrap();
    let (hub, guest) = (
        Node::new(home.path(), "hub"),
        Node::new(home.path(), "guest"),
    );
    let (hub_id, guest_id) = (hub.kept_id(), guest.kept_id());
    let expose = format!("expose = [{{ port = 80, to = '{service}' }}]\n");
    hub.profile(&[Node::beside("10.7.0.1", &guest_id, "10.7.0.2"), expose].concat());
    let running = hub.start(&[]);
    let place = running.url.strip_prefix("udp://").unwrap();
    let calls = format!(
        "bootstrap.peers = ['{place}#{hub_id}']\n\
         forward = [{{ listen = '127.0.0.1:0', to = '10.7.0.1:80' }}]\n"
    );
    guest.profile(&[Node::beside("10.7.0.2", &hub_id, "10.7.0.1"), calls].concat());
    let calling = guest.start(&[]);
    guest.until("sessions", is_up);
    hub.until("sessions", is_up);

    let forward = guest.ready()["urls"]["forward"]
        .as_str()
        .unwrap()
        .to_owned();
    let through = forward.replace("tcp://", "http://");
    let ask = |url: &str| {
        let target = ["--server", url, "--set=keys.dir=client"];
        let ask = ["qu3", "run-inference", "model_reverse", "through"];
        pqfw(home.path(), &[&ask[..], &target].concat())
            .run()
            .ok()
            .stdout
    };
    let answer = ask(&through);
    assert!(answer.contains("hguorht"), "{answer}");
    let keys = [
        "qu3",
        "inspect-keys",
        "--json",
        "--server",
        &through,
        "--set=keys.dir=client",
    ];
    let keys = pqfw(home.path(), &keys).run().ok().stdout;
    assert!(keys.contains(&identity), "{keys}");
    for server in [calling, running, qu3] {
        let (code, said) = server.terminate();
        assert_eq!(code, 0, "{said:?}");
    }
}
