//! The roles, each on a machine of its own: the words of deployed ends, and whom a client believes.

use pqfw_framework::system::{Event, Failure, Role, RunError, System};
use pqfw_mlkem_tcp::MlkemTcp;

use crate::support::machine::{Machine, Typed, never, profile};

const SIGNED: (&str, &str) = ("mlkem-tcp.signed", "true");

async fn ask(
    client: &Machine,
    url: &str,
    set: &[(&str, &str)],
    typed: &str,
) -> Result<(), RunError> {
    let set = [set, &[("transport.connect", url)]].concat();
    let typed = Typed::all(typed.as_bytes());
    client.run(Role::Client, &set, typed, never()).await
}

#[tokio::test]
async fn both_ends_say_the_words_of_deployed_ends() {
    let house = Machine::new();
    let server = house.serve(&[]).await;
    let client = house.beside();
    ask(&client, &server.url, &[], "hello\naß\x1b😀\n EXIT\nnever\n")
        .await
        .unwrap();
    let said = |text: &str| {
        let text = text.to_owned();
        move |event: &Event| *event == Event::Line(text.clone())
    };
    house.told.until(said("Client requested to exit.")).await;
    let url = server.url.clone();
    server.stop().await;
    assert_eq!(
        house.told.lines(),
        [
            &format!("Server listening on {url}"),
            "Connected by (memory:)",
            "Public key sent. Waiting for encrypted messages...",
            "Decrypted from client: hello",
            "Decrypted from client: aß\\u{1b}😀",
            "Decrypted from client:  EXIT",
            "Client requested to exit.",
            "Server shutting down.",
        ]
    );
    let begin = "Received server public key. Type messages to send. Type 'exit' to quit.";
    assert_eq!(client.told.lines(), [begin, "Client exiting."]);
    let prompts = client.told.events();
    let is_prompt = |event: &&Event| **event == Event::Prompt("> ".into());
    assert_eq!(prompts.iter().filter(is_prompt).count(), 3);
}

#[tokio::test]
async fn both_ends_warn_of_a_key_that_nobody_signed() {
    let house = Machine::new();
    let server = house.serve(&[]).await;
    let client = house.beside();
    ask(&client, &server.url, &[], "exit").await.unwrap();
    let [warning] = &client.told.warnings()[..] else {
        panic!("{:?}", client.told.warnings());
    };
    assert!(warning.contains("unauthenticated"), "{warning}");
    assert!(
        warning.contains(&house.told.fingerprint().await),
        "{warning}"
    );
    assert!(house.told.warnings()[0].contains("cannot tell"));
    server.stop().await;
}

#[tokio::test]
async fn a_signed_server_is_known_by_its_fingerprint_across_restarts() {
    let house = Machine::new();
    let server = house.serve(&[SIGNED]).await;
    let fingerprint = house.told.fingerprint().await;
    assert_eq!(house.told.warnings(), [""; 0]);

    let client = house.beside();
    ask(&client, &server.url, &[SIGNED], "exit").await.unwrap();
    let warning = client.told.warnings().remove(0);
    assert!(
        warning.contains("on first use") && warning.contains(&fingerprint),
        "{warning}"
    );
    server.stop().await;

    let again = house.restarted();
    let server = again.serve(&[SIGNED]).await;
    assert_eq!(again.told.fingerprint().await, fingerprint);
    let client = house.beside();
    let pins = format!("[\"{fingerprint}\"]");
    ask(
        &client,
        &server.url,
        &[SIGNED, ("mlkem-tcp.pins", &pins)],
        "exit",
    )
    .await
    .unwrap();
    assert_eq!(client.told.warnings(), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_client_sends_nothing_to_a_server_that_it_does_not_believe() {
    let house = Machine::new();
    let server = house.serve(&[]).await;
    let other = format!("[\"sha256:{}\"]", "0a".repeat(32));
    for set in [SIGNED, ("mlkem-tcp.pins", &other)] {
        let client = house.beside();
        let refused = ask(&client, &server.url, &[set], "secret\n")
            .await
            .unwrap_err();
        assert_eq!(refused.failure, Failure::Authentication, "{refused}");
        assert_eq!(client.told.lines(), [""; 0]);
    }
    server.stop().await;
    assert!(
        !house
            .told
            .lines()
            .iter()
            .any(|line| line.contains("secret"))
    );
}

#[tokio::test]
async fn an_identity_that_cannot_be_used_is_never_replaced() {
    let house = Machine::new();
    let profile = profile(&[SIGNED]);
    let host = house.host(&profile, Typed::nothing());
    host.keys.write("identity.pem", b"not a key", true).unwrap();
    let run = MlkemTcp.run(Role::Server, &profile, host.clone(), never());
    let refused = run.await.unwrap_err();
    assert_eq!(refused.failure, Failure::Usage, "{refused}");
    assert!(
        refused.message.starts_with("keys/identity.pem: "),
        "{refused}"
    );
    let kept = host.keys.read("identity.pem").unwrap().unwrap();
    assert_eq!(kept.expose(), b"not a key");
}

#[tokio::test]
async fn what_cannot_run_is_a_usage_error() {
    let machine = Machine::new();
    let pins = ("mlkem-tcp.pins", "[\"alice\"]");
    for (role, set, words) in [
        (Role::Client, &[pins][..], "`alice` is no fingerprint"),
        (Role::Node, &[], "no role `node`"),
    ] {
        let refused = machine
            .run(role, set, Typed::nothing(), never())
            .await
            .unwrap_err();
        assert_eq!(refused.failure, Failure::Usage);
        assert!(refused.message.contains(words), "{refused}");
    }
    let profile = profile(&[]);
    let mut host = machine.host(&profile, Typed::nothing());
    host.alternatives = vec![host.suite.clone()];
    let refused = MlkemTcp.run(Role::Server, &profile, host, never());
    let refused = refused.await.unwrap_err();
    assert_eq!(refused.failure, Failure::Usage);
    let words = "dialect demo-1 negotiates nothing";
    assert!(refused.message.starts_with(words), "{refused}");
}

#[test]
fn the_dialect_says_what_it_cannot_protect() {
    let info = MlkemTcp.info();
    let [channel, dialect] = &info.dialects[..] else {
        panic!("two dialects");
    };
    assert_eq!((channel.name, dialect.name), ("channel", "demo-1"));
    assert_eq!(channel.cannot_protect, []);
    let page = include_str!("../../../../docs/protocols/mlkem-tcp.md");
    for (index, (code, _)) in dialect.cannot_protect.iter().enumerate() {
        assert_eq!(*code, format!("MLT-{}", index + 1));
        assert!(
            page.contains(&format!("| {code} |")),
            "{code} is on the page"
        );
    }
    assert!(dialect.cannot_protect.len() >= 6);
}
