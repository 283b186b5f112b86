//! Dialect `channel`: the roles, the refusals, and the scenario, on streams in memory.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::splice::Silent;
use pqfw_framework::system::{Event, Failure, Host, Role, RunError};
use pqfw_framework::transport::{Connection, Transport};
use pqfw_mlkem_tcp::channel::client::Caller;
use pqfw_mlkem_tcp::channel::error::ChatError;
use pqfw_mlkem_tcp::channel::forward;
use pqfw_mlkem_tcp::channel::purpose::{MOST_LINE, Purpose};
use pqfw_mlkem_tcp::config::Config;
use pqfw_session::ChannelError;

use crate::support::machine::{Machine, Running, Typed, never, profile};

const CHANNEL: (&str, &str) = ("dialect", "channel");

async fn serve(house: &Machine, set: &[(&str, &str)]) -> Running {
    house.serve(&[&[CHANNEL], set].concat()).await
}

async fn connect(machine: &Machine, url: &str, typed: &str) -> Result<(), RunError> {
    let set = [CHANNEL, ("transport.connect", url)];
    let typed = Typed::all(typed.as_bytes());
    machine.run(Role::Client, &set, typed, never()).await
}

fn caller(machine: &Machine, url: &str, typed: Typed) -> Caller {
    let profile = profile(&[CHANNEL, ("transport.connect", url)]);
    let mut host = machine.host(&profile, typed);
    let network: Arc<dyn Transport> = machine.network.clone();
    host.outside.transports.insert("memory", network);
    let bounds = Config::default().bounds(&host.settings.limits);
    Caller::new(host, &profile, bounds).unwrap()
}

async fn warning(machine: &Machine, words: &str) {
    let says = |event: &Event| matches!(event, Event::Warning(text) if text.contains(words));
    machine.told.until(says).await;
}

async fn open(caller: &Caller, purpose: &Purpose) -> Connection {
    caller.open(purpose).await.unwrap().connection
}

#[tokio::test]
async fn every_step_of_the_demo_ends_as_it_should() {
    let machine = Machine::new();
    let demo = machine.run(Role::Demo, &[CHANNEL], Typed::nothing(), never());
    demo.await.unwrap();
    let count = |is: fn(&Event) -> bool| machine.told.events().iter().filter(|e| is(e)).count();
    let steps = count(|event| matches!(event, Event::Step { .. }));
    assert_eq!(steps, count(|event| matches!(event, Event::Passed(_))));
    assert_eq!(steps, 11);
}

#[tokio::test]
async fn a_server_hears_who_says_what_and_ends_with_the_client() {
    let house = Machine::new();
    let server = serve(&house, &[]).await;
    let client = house.beside();
    connect(&client, &server.url, "hello\n\u{1b}[2J\nlast")
        .await
        .unwrap();
    let lines = house.told.lines();
    let texts: Vec<_> = lines
        .iter()
        .map(|line| line.split_once(": ").unwrap())
        .collect();
    let name = texts[0].0;
    assert_eq!(name.len(), 16);
    let escaped = "\\u{1b}[2J";
    assert_eq!(texts, [(name, "hello"), (name, escaped), (name, "last")]);
    server.stop().await;
    assert!(client.told.warnings()[0].contains("on first use"));
}

#[tokio::test]
async fn a_stranger_is_refused_and_another_server_is_not_believed() {
    let house = Machine::new();
    let server = serve(&house, &[("peers.mode", "pinned")]).await;
    let client = house.beside();
    let refused = connect(&client, &server.url, "x").await.unwrap_err();
    assert_eq!(refused.failure, Failure::Authentication, "{refused}");
    warning(&house, "is not accepted").await;
    assert_eq!(house.told.lines(), [""; 0]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_conversation_ends_that_connection_alone() {
    let house = Machine::new();
    let server = serve(&house, &[("mlkem-tcp.max_frame_bytes", "8")]).await;
    let client = house.beside();
    let caller = caller(&client, &server.url, Typed::nothing());
    let mut good = open(&caller, &Purpose::Chat).await;
    for (bytes, error) in [
        (&b"123456789"[..], ChatError::LongLine(8)),
        (b"\xff\n", ChatError::NotText),
    ] {
        let mut bad = open(&caller, &Purpose::Chat).await;
        bad.writer.write_all(bytes).await.unwrap();
        warning(&house, &error.to_string()).await;
        assert_eq!(error.failure(), Failure::Operation);
        let cut = bad.reader.read(&mut [0]).await.unwrap_err();
        assert!(cut.to_string().contains("without close_notify"), "{cut}");
    }
    drop(open(&caller, &Purpose::Chat).await);
    warning(&house, "without close_notify").await;
    good.writer.write_all(b"alive\n").await.unwrap();
    good.writer.finish().await.unwrap();
    assert_eq!(
        good.reader.read(&mut [0]).await,
        Ok(0),
        "an end that is proved"
    );
    assert!(house.told.lines()[0].ends_with(": alive"));
    server.stop().await;
}

#[tokio::test]
async fn a_server_does_what_its_operator_allows() {
    let house = Machine::new();
    let server = serve(&house, &[]).await;
    let caller = caller(&house.beside(), &server.url, Typed::all(b"bytes"));
    let forward = Purpose::Forward("memory:secret".into());
    for (purpose, words) in [(Purpose::Pipe, "no pipes"), (forward, "forward.allow")] {
        match caller.ask(&purpose).await {
            Err(ChatError::Refused(reason)) => assert!(reason.contains(words), "{reason}"),
            other => panic!("{:?}", other.map(drop)),
        }
        let said = ChatError::NotServed(String::new());
        warning(&house, &said.to_string()).await;
        warning(&house, words).await;
    }
    let refused = caller.send(never()).await.unwrap_err();
    assert_eq!(refused.failure, Failure::Operation, "{refused}");
    let strange = Purpose::Forward("no target".into());
    let refused = caller.ask(&strange).await.map(drop).unwrap_err();
    assert!(matches!(&refused, ChatError::Refused(_)), "{refused}");
    warning(
        &house,
        &ChatError::FirstLine("forward no target".into()).to_string(),
    )
    .await;
    server.stop().await;

    let again = house.restarted();
    let server = serve(&again, &[("mlkem-tcp.accept_pipe", "true")]).await;
    let caller = self::caller(&house.beside(), &server.url, Typed::all(b"bytes"));
    caller.send(never()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_let_go() {
    let house = Machine::new();
    let server = serve(&house, &[]).await;
    let caller = caller(&house.beside(), &server.url, Typed::nothing());
    let mut silent = open(&caller, &Purpose::Chat).await;
    silent.writer.write_all(b"x\n").await.unwrap();
    house
        .told
        .until(|event| matches!(event, Event::Line(_)))
        .await;
    house.world.advance(Duration::from_secs(3600));
    warning(&house, &ChatError::Idle(Silent(3600)).to_string()).await;
    let cut = silent.reader.read(&mut [0]).await;
    assert!(cut.is_err(), "cut off, not closed");
    for (error, failure) in [
        (ChatError::Early("x"), Failure::Network),
        (ChatError::Idle(Silent(1)), Failure::Network),
        (ChatError::Unread(1), Failure::Network),
        (
            ChatError::Channel(ChannelError::Truncated(None)),
            Failure::Network,
        ),
    ] {
        assert_eq!(error.failure(), failure);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_first_line_has_an_end() {
    let house = Machine::new();
    let server = serve(&house, &[]).await;
    let caller = caller(&house.beside(), &server.url, Typed::nothing());
    let long = Purpose::Forward("a".repeat(MOST_LINE));
    let _long = open(&caller, &long).await;
    warning(&house, &ChatError::LongLine(MOST_LINE).to_string()).await;
    server.stop().await;
    let nowhere = caller.open(&Purpose::Chat).await.map(drop).unwrap_err();
    assert!(matches!(&nowhere, ChatError::Transport(_)), "{nowhere}");
    assert_eq!(nowhere.failure(), Failure::Network);
}

#[tokio::test]
async fn a_local_port_reaches_what_the_server_reaches() {
    let house = Machine::new();
    let inner = house.beside();
    let hidden = serve(&inner, &[]).await;
    let allow = format!("[\"{}\"]", hidden.url);
    let mut run = {
        let set = [CHANNEL, ("mlkem-tcp.forward.allow", &allow)];
        let profile = profile(&set);
        let mut host: Host = house.host(&profile, Typed::nothing());
        let network: Arc<dyn Transport> = house.network.clone();
        host.outside.transports.insert("memory", network);
        use pqfw_framework::system::System;
        tokio::spawn(pqfw_mlkem_tcp::MlkemTcp.run(Role::Server, &profile, host, never()))
    };
    let url = house.told.url().await;

    let near = house.beside();
    let caller = caller(&near, &url, Typed::nothing());
    let network = house.network.clone();
    let target = hidden.url.clone();
    let door = tokio::spawn(async move {
        forward::serve(caller, &*network, "memory:", &target, never()).await
    });
    let local = near.told.url().await;
    let guest = house.beside();
    connect(&guest, &local, "through two channels\n")
        .await
        .unwrap();
    assert!(inner.told.lines()[0].ends_with(": through two channels"));
    let _: Fingerprint = Fingerprint::parse(&inner.told.fingerprint().await).unwrap();
    door.abort();
    run.abort();
    assert!((&mut run).await.is_err());
    hidden.stop().await;
}

#[tokio::test]
async fn a_target_without_a_transport_is_a_usage_error() {
    let house = Machine::new();
    let set = [CHANNEL, ("mlkem-tcp.forward.allow", "[\"localhost\"]")];
    let refused = house
        .run(Role::Server, &set, Typed::nothing(), never())
        .await;
    assert_eq!(refused.unwrap_err().failure, Failure::Usage);
    let network = house.network.clone();
    let caller = caller(&house, "memory:a", Typed::nothing());
    let refused = forward::serve(caller, &*network, "memory:", "x", never()).await;
    assert_eq!(refused.unwrap_err().failure, Failure::Usage);
}
