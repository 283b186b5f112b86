//! What a client of exchanges does when connections end, and what is refused before there is one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{
    Connection, Exchange, ExchangeService, Request, Response, StreamService, TlsSettings, TlsTrust,
    Transport, TransportError, TransportLimits, TransportSettings,
};
use pqfw_framework::world::Now;
use pqfw_memory::SeededWorld;
use pqfw_tcp::TcpTransport;
use pqfw_tcp::frame::{Event, Inbox, PREFACE, Side, goodbye};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 1 << 20,
    header_bytes: 8192,
    connections: 10,
    idle_secs: 60,
    request_secs: 30,
    per_ip_per_minute: 0,
};

fn settings(address: &str) -> TransportSettings {
    TransportSettings {
        listen: address.into(),
        connect: address.into(),
        limits: LIMITS,
        tls: None,
    }
}

/// A server made of raw sockets, and a client of it.
async fn pair() -> (TcpListener, Arc<dyn Exchange>, String) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", server.local_addr().unwrap());
    let client = TcpTransport.connect_exchange(&settings(&url)).unwrap();
    (server, client, url)
}

async fn accept(server: &TcpListener) -> (TcpStream, Inbox) {
    let (mut stream, _) = server.accept().await.unwrap();
    stream.write_all(&PREFACE).await.unwrap();
    let inbox = Inbox::new(Side::Server, usize::MAX, usize::MAX);
    (stream, inbox)
}

/// Reads a whole request and gives its id and body.
async fn request(stream: &mut TcpStream, inbox: &mut Inbox) -> (u32, Vec<u8>) {
    loop {
        while let Some(event) = inbox.next().unwrap() {
            if let Event::Complete { id, body } = event {
                return (id, body);
            }
        }
        let mut buffer = [0; 1000];
        let length = stream.read(&mut buffer).await.unwrap();
        assert!(length > 0, "no request");
        inbox.push(&buffer[..length]);
    }
}

/// A response of status 200 without a body.
fn response(id: u32) -> Vec<u8> {
    [&[1, 1, 0, 2][..], &id.to_be_bytes(), &[0, 200]].concat()
}

fn post(body: &[u8]) -> Request {
    Request::post("/", body.to_vec())
}

#[tokio::test]
async fn a_request_that_was_sent_is_not_sent_again() {
    let (server, client, _) = pair().await;
    let asked = tokio::spawn(async move {
        let broken = client.exchange(post(b"first")).await;
        (broken, client.exchange(post(b"second")).await)
    });
    let (mut stream, mut inbox) = accept(&server).await;
    assert_eq!(
        request(&mut stream, &mut inbox).await,
        (1, b"first".to_vec())
    );
    drop(stream);
    // The next connection carries the next request, and the first is seen no more.
    let (mut stream, mut inbox) = accept(&server).await;
    assert_eq!(
        request(&mut stream, &mut inbox).await,
        (1, b"second".to_vec())
    );
    stream.write_all(&response(1)).await.unwrap();
    let (broken, answered) = asked.await.unwrap();
    assert!(
        matches!(broken, Err(TransportError::Broken { .. })),
        "{broken:?}"
    );
    assert_eq!(answered.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_that_was_not_taken_goes_over_the_next_connection() {
    let (server, client, _) = pair().await;
    let asked = tokio::spawn(async move { client.exchange(post(b"once")).await });
    let (mut stream, mut inbox) = accept(&server).await;
    request(&mut stream, &mut inbox).await;
    stream.write_all(&goodbye(0)).await.unwrap();
    let (mut next, mut inbox) = accept(&server).await;
    assert_eq!(request(&mut next, &mut inbox).await, (1, b"once".to_vec()));
    next.write_all(&response(1)).await.unwrap();
    assert_eq!(asked.await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up() {
    let (server, client, url) = pair().await;
    let asked = tokio::spawn(async move { client.exchange(post(b"")).await });
    let refusing = tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let (mut stream, _) = accept(&server).await;
            stream.write_all(&goodbye(0)).await.unwrap();
            connections.push(stream);
        }
    });
    let Err(TransportError::Broken { address, reason }) = asked.await.unwrap() else {
        panic!("it was answered");
    };
    assert_eq!(address, url);
    assert!(reason.contains("closes every connection"), "{reason}");
    refusing.abort();
}

#[tokio::test]
async fn another_protocol_is_told_from_ours() {
    let (server, client, _) = pair().await;
    let asked = tokio::spawn(async move { client.exchange(post(b"")).await });
    let (mut stream, _) = server.accept().await.unwrap();
    stream
        .write_all(b"HTTP/1.1 400 Bad Request\r\n")
        .await
        .unwrap();
    let Err(TransportError::Broken { reason, .. }) = asked.await.unwrap() else {
        panic!("it was answered");
    };
    assert!(reason.contains("exchange framing"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_at_the_limit() {
    let (_server, client, url) = pair().await;
    let silent = client.exchange(post(b"")).await;
    let timed_out = TransportError::TimedOut {
        address: url,
        secs: LIMITS.request_secs,
    };
    assert_eq!(silent, Err(timed_out));
}

#[tokio::test]
async fn a_request_without_a_form_is_refused_before_it_is_sent() {
    let (_server, client, _) = pair().await;
    for request in [
        Request::get("no slash"),
        Request::get("/a b"),
        Request::get(&format!("/{}", "r".repeat(65_530))),
        Request {
            method: "G T".into(),
            ..Request::get("/")
        },
        Request {
            session: Some(String::new()),
            ..Request::get("/")
        },
    ] {
        let outcome = client.exchange(request).await;
        assert!(
            matches!(outcome, Err(TransportError::Address { .. })),
            "{outcome:?}"
        );
    }
}

struct Nothing;

impl ExchangeService for Nothing {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, _: &Request) -> Response {
        let body = Vec::new();
        Response { status: 200, body }
    }
}

impl StreamService for Nothing {
    fn serve(&self, _: Connection) -> pqfw_framework::transport::BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

/// Tries everything, and gives what each says.
async fn refusals(settings: &TransportSettings) -> Vec<TransportError> {
    let world = Arc::new(SeededWorld::new(0));
    let tcp = TcpTransport;
    let served = tcp.serve_exchange(settings, Arc::new(Nothing), world.clone());
    let streams = tcp.serve_stream(settings, Arc::new(Nothing), world);
    [
        served.await.map(drop),
        streams.await.map(drop),
        tcp.bind_datagrams(settings).await.map(drop),
    ]
    .into_iter()
    .map(|outcome| outcome.unwrap_err())
    .collect()
}

#[tokio::test]
async fn tls_that_cannot_be_made_is_refused_rather_than_left_out() {
    let tls = TlsSettings {
        groups: Vec::new(),
        signatures: Vec::new(),
        identity: None,
        servers: TlsTrust::Carrier,
        clients: None,
        require_client: false,
        raw_public_keys: false,
        world: Arc::new(SeededWorld::new(0)),
    };
    let mut settings = settings("127.0.0.1:0");
    settings.tls = Some(Arc::new(tls));
    for refused in refusals(&settings).await {
        assert!(matches!(refused, TransportError::Tls(_)), "{refused:?}");
    }
    settings.connect = "tcp://127.0.0.1:1".into();
    let stream = TcpTransport.connect_stream(&settings).await.map(drop);
    assert!(matches!(stream, Err(TransportError::Tls(_))));
    let exchange = TcpTransport.connect_exchange(&settings).map(drop);
    assert!(matches!(exchange, Err(TransportError::Tls(_))));
}

#[tokio::test]
async fn a_limit_that_lets_nothing_through_is_refused_by_its_name() {
    for (name, limit) in [("connections", 0), ("idle_secs", 1), ("request_secs", 2)] {
        let mut settings = settings("127.0.0.1:0");
        match limit {
            0 => settings.limits.connections = 0,
            1 => settings.limits.idle_secs = 0,
            _ => settings.limits.request_secs = 0,
        }
        for refused in refusals(&settings).await {
            assert!(refused.to_string().contains(name), "{refused}");
        }
    }
}

#[tokio::test]
async fn the_largest_limits_are_usable() {
    let limits = TransportLimits {
        body_bytes: usize::MAX,
        header_bytes: usize::MAX,
        connections: usize::MAX,
        idle_secs: u64::MAX,
        request_secs: u64::MAX,
        per_ip_per_minute: u32::MAX,
    };
    let with = |address: &str| TransportSettings {
        limits,
        ..settings(address)
    };
    let world = Arc::new(SeededWorld::new(0));
    let served = with("127.0.0.1:0");
    let listener = TcpTransport.serve_exchange(&served, Arc::new(Nothing), world);
    let listener = listener.await.unwrap();
    let client = TcpTransport
        .connect_exchange(&with(listener.url()))
        .unwrap();
    let response = client.exchange(post(&vec![7; 100_000])).await;
    assert_eq!(response.unwrap().status, 200);
    listener.shutdown().await;
}
