//! Role `node`: packets between interfaces, whom they may be from, whom a node remembers, and how a
//! run ends. The sockets are real, the interfaces are of the test.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

mod machine;
#[path = "../node/people.rs"]
mod people;

use pqfw_framework::interface::InterfaceError;
use pqfw_framework::system::{Event, Failure};

use machine::{Machine, packet};

const KEPT: (&str, &str) = ("keys.runtime_temp_keys", "false");
const TUN: (&str, &str) = ("interface.mode", "tun");

/// The line of an operator who knows somebody.
fn known(id: &str) -> String {
    format!("version = 1\n[[peer]]\nname = \"*\"\nfingerprint = \"{id}\"\n")
}

fn routes(id: &str, range: &str) -> String {
    format!("[{{ peer = '{id}', ranges = ['{range}'] }}]")
}

/// Two nodes, the second of which calls the first; each has what it needs to know of the other.
async fn pair(mode: &str, knows: bool) -> [machine::Running; 2] {
    let [one, two] = [Machine::new(), Machine::new()];
    let ids = [one.id().await, two.id().await];
    if knows {
        one.write("known_peers.toml", &known(&ids[1]));
        two.write("known_peers.toml", &known(&ids[0]));
    }
    let of = |range: usize| format!("10.7.0.{range}/32");
    let first = [
        KEPT,
        TUN,
        ("peers.mode", mode),
        ("interface.addresses", "['10.7.0.1/24']"),
        ("peer_routes", &routes(&ids[1], &of(2))),
    ];
    let first = one.run(&first).await;
    let to = first.url().strip_prefix("udp://").unwrap().to_owned();
    let calls = format!("['{to}#{}']", ids[0]);
    let second = [
        KEPT,
        TUN,
        ("peers.mode", mode),
        ("interface.addresses", "['10.7.0.2/24']"),
        ("peer_routes", &routes(&ids[0], &of(1))),
        ("bootstrap.peers", &calls),
    ];
    let second = two.run(&second).await;
    for node in [&first, &second] {
        node.until(|event| matches!(event, Event::Info(text) if text.contains(": up at")))
            .await;
    }
    [first, second]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_go_between_peers_that_know_each_other_and_to_nobody_else() {
    let [one, two] = pair("pinned", true).await;
    let there = packet("10.7.0.1", "10.7.0.2", 700);
    one.interface.put(there.clone());
    assert_eq!(two.interface.next().await, there);
    let back = packet("10.7.0.2", "10.7.0.1", 1420);
    two.interface.put(back.clone());
    assert_eq!(one.interface.next().await, back);
    // To nobody; then from somebody else's address, which the other end drops.
    one.interface.put(packet("10.7.0.1", "10.9.0.1", 100));
    one.interface.put(packet("10.9.0.1", "10.7.0.2", 100));
    one.interface.put(there.clone());
    assert_eq!(two.interface.next().await, there, "and nothing before it");
    let (one, two) = (one.stop().await.unwrap(), two.stop().await.unwrap());
    let fact = |events: &[Event], wanted: &str| {
        let mut values = events.iter().filter_map(|event| match event {
            Event::Fact { name, value } if name == wanted => Some(value.clone()),
            _ => None,
        });
        values.next().unwrap()
    };
    assert_eq!(fact(&one, "packets_from_interface"), "4");
    assert_eq!(fact(&one, "packets_to_interface"), "1");
    assert_eq!(fact(&one, "dropped_unrouted"), "1");
    assert_eq!(fact(&two, "packets_to_interface"), "2");
    assert_eq!(fact(&two, "dropped_foreign"), "1");
    for name in ["dropped_unsent", "dropped_undelivered", "dropped_untaken"] {
        assert_eq!(
            (fact(&one, name), fact(&two, name)),
            ("0".into(), "0".into())
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_of_first_use_is_remembered_and_has_no_addresses() {
    let [one, two] = pair("tofu", false).await;
    for node in [&one, &two] {
        let no_addresses = |event: &Event| matches!(event, Event::Info(text) if text.ends_with("on first use; it has no addresses"));
        node.until(no_addresses).await;
        assert!(node.read("known_peers.toml").contains("first_seen = \"20"));
    }
    assert!(two.read("known_peers.toml").contains("name = \"127.0.0.1:"));
    assert!(one.read("known_peers.toml").contains("name = \"*\""));
    one.interface.put(packet("10.7.0.1", "10.7.0.2", 100));
    one.interface.fail();
    let ended = one.ended().await.unwrap_err();
    assert_eq!(ended.failure, Failure::Operation);
    let broken = InterfaceError::Broken {
        name: "pqvpn0".into(),
        reason: "pulled out".into(),
    };
    assert_eq!(ended.message, broken.to_string());
    let unrouted = |event: &Event| matches!(event, Event::Fact { name, value } if name == "dropped_unrouted" && value == "1");
    assert!(one.events().iter().any(unrouted));
    two.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_without_interfaces_says_so_and_a_node_without_one_runs() {
    let machine = Machine::without_interfaces();
    let wanted = [TUN, ("interface.addresses", "['10.7.0.1/24']")];
    let refused = machine.fails(&wanted).await;
    assert_eq!(refused.failure, Failure::Usage);
    let none = InterfaceError::None("this world has none");
    assert_eq!(refused.message, none.to_string());
    machine.run(&[]).await.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_keys_are_the_same_after_a_restart() {
    let machine = Machine::new();
    let id = machine.id().await;
    assert_eq!(machine.id().await, id);
    machine.write("pqvpn-kem.pem", "no key");
    let refused = machine.fails(&[KEPT]).await;
    assert_eq!(refused.failure, Failure::Usage);
    assert!(
        refused.message.starts_with("keys/pqvpn-kem.pem"),
        "{refused}"
    );
}
