//! How conversations end: by silence, by a server that goes or speaks, by the operator.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::system::{Event, Failure, Role, RunError};
use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamReader, StreamService, Transport,
};
use pqfw_mlkem_tcp::lines::LineError;
use pqfw_mlkem_tcp::session::SessionError;

use crate::support::machine::{Machine, Running, Typed, never, profile};
use crate::support::people::{plain, server};
use crate::support::suite;

/// A server that sends this, and then ends or waits.
struct Odd {
    sends: Vec<u8>,
    ends: bool,
}

impl StreamService for Odd {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        let (sends, ends) = (self.sends.clone(), self.ends);
        Box::pin(async move {
            let _ = connection.writer.write_all(&sends).await;
            if ends {
                let _ = connection.writer.finish().await;
            } else {
                drain(&mut *connection.reader).await;
            }
        })
    }
}

async fn drain(reader: &mut dyn StreamReader) {
    while let Ok(1..) = reader.read(&mut [0; 64]).await {}
}

async fn listen(house: &Machine, odd: Odd) -> Box<dyn Listener> {
    let settings = profile(&[]).transport_settings();
    let world = house.world.clone();
    house
        .network
        .serve_stream(&settings, Arc::new(odd), world)
        .await
        .unwrap()
}

fn greeting() -> Vec<u8> {
    server(&suite(), plain(&suite())).greeting().unwrap()
}

async fn type_to(house: &Machine, url: &str, typed: Typed) -> Result<(), RunError> {
    let client = house.beside();
    let set = [
        ("transport.connect", url),
        ("mlkem-tcp.max_frame_bytes", "5000"),
    ];
    client.run(Role::Client, &set, typed, never()).await
}

#[tokio::test]
async fn a_server_that_goes_or_speaks_ends_a_client_that_thinks() {
    let spoken = [greeting(), vec![7]].concat();
    for (sends, ends, ending) in [
        (Vec::new(), true, SessionError::NoGreeting),
        (greeting(), true, SessionError::Gone),
        (spoken, false, SessionError::Unexpected),
    ] {
        let house = Machine::new();
        let listener = listen(&house, Odd { sends, ends }).await;
        let typed = Typed::and_thinks(b"half a line");
        let ended = type_to(&house, listener.url(), typed).await;
        assert_eq!(ended, Err(ending.into()));
        listener.shutdown().await;
    }
}

#[tokio::test]
async fn a_server_without_a_key_is_waited_for_so_long_and_no_longer() {
    let house = Machine::new();
    let sends = greeting()[..100].to_vec();
    let listener = listen(&house, Odd { sends, ends: false }).await;
    let client = type_to(&house, listener.url(), Typed::nothing());
    let mut client = Box::pin(client);
    let early = async { tokio::task::yield_now().await };
    tokio::select! { biased; _ = &mut client => panic!("too early"), () = early => {} }
    house.world.advance(Duration::from_secs(30));
    assert_eq!(client.await, Err(SessionError::Idle(30).into()));
}

#[tokio::test]
async fn a_silent_client_is_ended_and_a_server_that_stops_ends_all() {
    let house = Machine::new();
    let running: Running = house.serve(&[("transport.limits.idle_secs", "60")]).await;
    let settings = profile(&[("transport.connect", &running.url)]).transport_settings();
    let mut silent = house.network.connect_stream(&settings).await.unwrap();
    let key_sent = |event: &Event| matches!(event, Event::Line(line) if line.starts_with("Public"));
    house.told.until(key_sent).await;
    // The server has told of the key, and waits for the client from the next moment on.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    house.world.advance(Duration::from_secs(60));
    drain(&mut *silent.reader).await;
    let idle = SessionError::Idle(60).to_string();
    house
        .told
        .until(|event| matches!(event, Event::Warning(text) if text.ends_with(&idle)))
        .await;

    let mut other = house.network.connect_stream(&settings).await.unwrap();
    let mut first = [0; 4];
    assert_eq!(other.reader.read(&mut first).await, Ok(4));
    running.stop().await;
    drain(&mut *other.reader).await;
    assert_eq!(house.told.lines().last().unwrap(), "Server shutting down.");
}

#[tokio::test]
async fn a_server_for_one_session_ends_with_it() {
    let house = Machine::new();
    let set = [("mlkem-tcp.once", "true")];
    let server = house.run(Role::Server, &set, Typed::nothing(), never());
    let server = tokio::spawn(server);
    let url = house.told.url().await;
    type_to(&house, &url, Typed::all(b"hello\nexit\n"))
        .await
        .unwrap();
    assert_eq!(server.await.unwrap(), Ok(()));
    let lines = house.told.lines();
    let last = ["Client requested to exit.", "Server shutting down."];
    assert!(lines.ends_with(&last.map(str::to_owned)), "{lines:?}");
}

#[tokio::test]
async fn the_operator_ends_a_client_that_thinks() {
    let house = Machine::new();
    let running = house.serve(&[]).await;
    let client = house.beside();
    let told = client.told.clone();
    let stop = async move {
        told.until(|event| matches!(event, Event::Prompt(_))).await;
    };
    let set = [("transport.connect", running.url.as_str())];
    let typed = Typed::and_thinks(b"half a line");
    let run = client.run(Role::Client, &set, typed, Box::pin(stop));
    assert_eq!(run.await, Ok(()));
    assert_eq!(client.told.lines().last().unwrap(), "Client exiting.");
    running.stop().await;
    assert!(!house.told.lines().iter().any(|line| line.contains("half")));
}

#[tokio::test]
async fn an_input_that_cannot_be_sent_is_named() {
    let house = Machine::new();
    let running = house.serve(&[]).await;
    for (typed, expected) in [
        (vec![b'a'; 5001], LineError::TooLong(5000)),
        (b"\xff\n".to_vec(), LineError::Text),
    ] {
        let ended = type_to(&house, &running.url, Typed::all(&typed)).await;
        assert_eq!(ended, Err(RunError::new(Failure::Usage, expected)));
    }
    running.stop().await;
}
