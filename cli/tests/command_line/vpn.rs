//! Two real nodes in user space: a forward carries data, an operator sees and changes sessions, and
//! keys go with their process however it ends.

#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Ran, Server, pqfw};

/// The suite for speed.
const FAST: &str = "suite = { kem = 'X25519+ML-KEM-768', signature = 'Ed25519+ML-DSA-65', \
                    aead = 'ChaCha20-Poly1305', kdf = 'HKDF-SHA512' }\n";
const LISTEN: &str = "transport.listen = '127.0.0.1:0'\n";

const KEPT: &str = "keys.runtime_temp_keys = false\n";

/// A node with a home of its own.
pub(crate) struct Node {
    home: PathBuf,
}

impl Node {
    pub(crate) fn new(home: &Path, name: &str) -> Self {
        let home = home.join(name);
        std::fs::create_dir(&home).unwrap();
        std::fs::create_dir(home.join("tmp")).unwrap();
        Self { home }
    }

    pub(crate) fn profile(&self, text: &str) {
        let head = format!("profile = 1\nsystem = 'pqvpn'\nrole = 'node'\n{FAST}{LISTEN}");
        std::fs::write(self.home.join("node.toml"), format!("{head}{text}")).unwrap();
    }

    pub(crate) fn start(&self, more: &[&str]) -> Server {
        let run = ["run", "--profile=node.toml", "--ready-file=ready.json"];
        let started = pqfw(&self.home, &[&run[..], more].concat());
        let tmp = self.home.join("tmp");
        started.env("TMPDIR", tmp.to_str().unwrap()).serve()
    }

    pub(crate) fn ready(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.home.join("ready.json")).unwrap())
            .unwrap()
    }

    fn vpn(&self, args: &[&str]) -> Ran {
        let vpn = ["vpn", args[0], "--profile=node.toml"];
        pqfw(&self.home, &[&vpn[..], &args[1..]].concat()).run()
    }

    /// Makes keys that stay, so that others can know it before they meet; says whose they are.
    pub(crate) fn kept_id(&self) -> String {
        self.profile(KEPT);
        assert_eq!(self.start(&[]).terminate().0, 0);
        self.ready()["fingerprint"].as_str().unwrap().to_owned()
    }

    /// A node in user space, with an address of its own and a peer that has another.
    pub(crate) fn beside(own: &str, peer: &str, address: &str) -> String {
        format!(
            "{KEPT}interface = {{ mode = 'userspace', addresses = ['{own}/24'] }}\n\
             peer_routes = [{{ peer = '{peer}', ranges = ['{address}/32'] }}]\n\
             peers = {{ mode = 'allow-list', allow = ['{peer}'] }}\n\
             metrics = {{ prometheus = true, bind_port = 0 }}\n"
        )
    }

    fn temporary(&self) -> usize {
        std::fs::read_dir(self.home.join("tmp")).unwrap().count()
    }

    /// Asks until there is an answer that will do.
    pub(crate) fn until(&self, command: &str, good: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..500 {
            let answer = self.vpn(&[command, "--json"]).ok().json();
            if good(&answer) {
                return answer;
            }
        }
        panic!("{command}: not in time");
    }
}

/// Whether there is one session.
pub(crate) fn is_up(answer: &Value) -> bool {
    let sessions = answer["sessions"].as_array();
    sessions.is_some_and(|rows| rows.len() == 1)
}

/// A service that gives back what it gets.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            stream.write_all(&bytes).unwrap();
        }
    });
    address
}

fn sent(to: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(to.strip_prefix("tcp://").unwrap()).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    back
}

#[test]
fn two_nodes_carry_a_port_and_an_operator_sees_it() {
    let home = tempfile::tempdir().unwrap();
    let (hub, guest) = (
        Node::new(home.path(), "hub"),
        Node::new(home.path(), "guest"),
    );
    let (hub_id, guest_id) = (hub.kept_id(), guest.kept_id());
    let expose = format!("expose = [{{ port = 80, to = '{}' }}]\n", echo());
    hub.profile(&[Node::beside("10.7.0.1", &guest_id, "10.7.0.2"), expose].concat());
    let running = hub.start(&["--pid-file=hub.pid"]);
    let place = running.url.strip_prefix("udp://").unwrap();
    let calls = format!(
        "bootstrap.peers = ['{place}#{hub_id}']\n\
         forward = [{{ listen = '127.0.0.1:0', to = '10.7.0.1:80' }}]\n"
    );
    guest.profile(&[Node::beside("10.7.0.2", &hub_id, "10.7.0.1"), calls].concat());
    let calling = guest.start(&[]);
    let session = guest.until("sessions", is_up)["sessions"][0].clone();
    assert_eq!(
        (session["peer"].as_str(), session["role"].as_str()),
        (Some(&hub_id[..]), Some("initiator"))
    );
    hub.until("sessions", is_up);

    let forward = guest.ready()["urls"]["forward"]
        .as_str()
        .unwrap()
        .to_owned();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    assert!(sent(&forward, &bytes) == bytes);

    // What threads carry beside the node counts as the rest does.
    for node in [&hub, &guest] {
        let status = node.vpn(&["status", "--json"]).ok().json();
        for count in ["bytes_sent", "bytes_received"] {
            assert!(status[count].as_u64().unwrap() > 300_000, "{status}");
        }
        for count in ["packets_sent", "packets_received"] {
            assert!(status[count].as_u64().unwrap() > 200, "{status}");
        }
    }
    let status = guest.vpn(&["status", "--json"]).ok().json();
    assert_eq!(status["sessions"], 1);
    assert_eq!(status["interface"], "userspace");
    assert_eq!(status["temporary_keys"], false);
    let people = guest.vpn(&["status"]).ok().stdout;
    assert!(
        people.contains("1, 1 peers known") && !people.contains('\u{1b}'),
        "{people}"
    );
    assert!(guest.vpn(&["peers"]).ok().stdout.contains("pinned"));
    assert!(guest.vpn(&["logs"]).ok().stdout.contains(": up at"));

    guest.vpn(&["rekey", &hub_id]).ok();
    guest.until("sessions", |answer| answer["sessions"][0]["rekeys"] == 1);
    assert!(sent(&forward, b"after new keys") == b"after new keys");
    guest
        .vpn(&["rekey", "nobody"])
        .fails(1, "nothing is known of `nobody`");

    let metrics = guest.ready()["urls"]["metrics"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut stream = TcpStream::connect(metrics.strip_prefix("http://").unwrap()).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    for line in [
        "pqvpn_sessions_active 1\n",
        "pqvpn_rekeys_performed 1\n",
        "pqvpn_handshake_latency_seconds_count 1\n",
        "pqvpn_drops_total{reason=\"unrouted\"}",
        &format!("pqvpn_handshakes_per_peer{{peer=\"{hub_id}\"}} 2\n"),
    ] {
        assert!(text.contains(line), "`{line}` is not in {text}");
    }

    let pid = std::fs::read_to_string(hub.home.join("hub.pid")).unwrap();
    assert!(pid.trim().parse::<u32>().is_ok(), "{pid}");
    guest.vpn(&["drop", &hub_id]).ok();
    guest.until("sessions", |answer| {
        answer["sessions"] == serde_json::json!([])
    });
    assert_eq!(calling.terminate().0, 0);
    assert_eq!(running.terminate().0, 0);
    assert!(!hub.home.join("hub.pid").exists());
    guest.vpn(&["status"]).fails(5, "control.sock");
}

#[test]
fn a_hub_tells_whom_it_refuses() {
    let home = tempfile::tempdir().unwrap();
    let (hub, guest) = (
        Node::new(home.path(), "hub"),
        Node::new(home.path(), "guest"),
    );
    let (hub_id, guest_id) = (hub.kept_id(), guest.kept_id());
    hub.profile(KEPT);
    let running = hub.start(&[]);
    let place = running.url.strip_prefix("udp://").unwrap();
    guest.profile(&format!(
        "{KEPT}bootstrap.peers = ['{place}#{hub_id}']\n\
         peers = {{ mode = 'allow-list', allow = ['{hub_id}'] }}\n"
    ));
    let calling = guest.start(&[]);
    hub.until("logs", |answer| {
        let lines = answer["logs"].as_array().unwrap().iter();
        let mut lines = lines.map(|line| line["text"].as_str().unwrap());
        lines.any(|line| line.starts_with(&guest_id) && line.ends_with("refused: it is not known"))
    });
    assert_eq!(calling.terminate().0, 0);
    let told = running.terminate().1;
    let warns = |line: &String| line.contains("WARN") && line.contains(&guest_id);
    assert!(told.iter().any(warns), "{told:?}");
}

#[test]
fn temporary_keys_go_with_their_process_however_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::new(home.path(), "node");
    node.profile("");
    let first = node.start(&[]);
    assert_eq!(node.temporary(), 1);
    let id = node.ready()["fingerprint"].clone();
    assert_eq!(first.terminate().0, 0);
    assert_eq!(node.temporary(), 0);
    // Dropped, a server is killed.
    drop(node.start(&[]));
    assert_eq!(node.temporary(), 1);
    let third = node.start(&[]);
    assert_eq!(node.temporary(), 1, "the dead one's are gone");
    assert_ne!(node.ready()["fingerprint"], id);
    assert_eq!((third.terminate().0, node.temporary()), (0, 0));
}

#[test]
fn kept_keys_have_one_id_which_their_files_show_and_their_successors_follow() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::new(home.path(), "node");
    node.profile("keys.dir = 'keys'\n");
    let keep = "--set=keys.runtime_temp_keys=false";
    let run = |command: &str, set: &[&str]| {
        let args = [&["vpn", "keys", command, "--profile=node.toml"], set].concat();
        pqfw(&node.home, &args).run()
    };
    run("show", &[keep]).fails(1, "there are no keys");
    let made = run("make", &[keep, "--json"]).ok().json();
    let mut ids = vec![made["peer_id"].as_str().unwrap().to_owned()];
    assert_eq!(run("make", &[keep, "--json"]).ok().json(), made);
    for _ in 0..2 {
        assert_eq!(node.start(&["--no-temp-keys"]).terminate().0, 0);
        ids.push(node.ready()["fingerprint"].as_str().unwrap().to_owned());
    }
    assert!(ids.iter().all(|id| *id == ids[0]) && node.temporary() == 0);
    let files = ["keys/pqvpn-kem.pem", "keys/pqvpn-signature.pem"];
    let shown = node.vpn(&["peer-id", files[0], files[1]]).ok();
    assert_eq!(shown.stdout.trim(), ids[0]);
    node.vpn(&["peer-id", files[0]]).fails(2, "over two keys");
    assert!(run("show", &[keep]).ok().stdout.contains(&ids[0]));
    run("show", &[]).fails(2, "no keys before it runs");
    let rotated = run("rotate", &[keep, "--json"]).ok().json();
    assert_eq!(rotated["former"], ids[0]);
    assert_eq!(node.start(&["--no-temp-keys"]).terminate().0, 0);
    assert_eq!(node.ready()["fingerprint"], rotated["peer_id"]);
}

#[test]
fn a_daemon_says_that_it_is_ready_and_needs_a_log() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::new(home.path(), "node");
    node.profile("");
    let run = ["run", "--profile=node.toml", "--daemonize"];
    pqfw(&node.home, &run).run().fails(2, "logging.file");
    node.profile("logging.file = 'node.log'\n");
    let more = [&run[..], &["--pid-file=node.pid"]].concat();
    let started = pqfw(&node.home, &more).run().ok();
    assert!(
        started.stderr.contains("ready system=pqvpn role=node"),
        "{}",
        started.stderr
    );
    let pid = std::fs::read_to_string(node.home.join("node.pid")).unwrap();
    let status = node.vpn(&["status", "--json"]).ok().json();
    assert_eq!(status["temporary_keys"], true);
    let busy = pqfw(
        &node.home,
        &["run", "--profile=node.toml", "--pid-file=node.pid"],
    )
    .run();
    busy.fails(1, "a process that runs has it");
    let ended = std::process::Command::new("kill")
        .args(["-TERM", pid.trim()])
        .status();
    assert!(ended.unwrap().success());
    while node.home.join("node.pid").exists() {
        std::thread::yield_now();
    }
}
