//! What a server does with real sockets: ports, places, and large refusals.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{Request, Response, TransportError, TransportLimits};
use support::{Echo, LIMITS, client, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn connect(url: &str) -> TcpStream {
    let address = url.strip_prefix("http://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: h\r\n\r\n";

async fn answered(stream: &mut TcpStream) -> String {
    let mut answer = vec![0; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn the_url_names_the_port_that_was_bound() {
    let listener = serve("127.0.0.1:0", LIMITS, Arc::default()).await.unwrap();
    assert!(listener.url().starts_with("http://127.0.0.1:"));
    assert!(!listener.url().ends_with(":0"));
}

#[tokio::test]
async fn ipv6_is_served_and_its_addresses_are_seen() {
    let echo = Arc::new(Echo::default());
    let listener = serve("[::1]:0", LIMITS, echo.clone()).await.unwrap();
    assert!(listener.url().starts_with("http://[::1]:"));
    let client = client(listener.url(), LIMITS).unwrap();
    let response = client.exchange(Request::post("/", b"six".to_vec())).await;
    assert_eq!(response.unwrap().body, b"six");
    let peer = echo.seen.lock().unwrap()[0].peer;
    assert_eq!(peer, Some("::1".parse::<IpAddr>().unwrap()));
}

#[tokio::test]
async fn ipv4_addresses_are_seen() {
    let echo = Arc::new(Echo::default());
    let listener = serve("127.0.0.1:0", LIMITS, echo.clone()).await.unwrap();
    let mut request = Request::get("/");
    request.peer = Some("192.0.2.1".parse().unwrap());
    let client = client(listener.url(), LIMITS).unwrap();
    client.exchange(request).await.unwrap();
    let peer = echo.seen.lock().unwrap()[0].peer;
    assert_eq!(peer, Some("127.0.0.1".parse::<IpAddr>().unwrap()));
}

#[tokio::test]
async fn a_limit_that_lets_nothing_through_is_refused_by_its_name() {
    for (name, limits) in [
        (
            "connections",
            TransportLimits {
                connections: 0,
                ..LIMITS
            },
        ),
        (
            "idle_secs",
            TransportLimits {
                idle_secs: 0,
                ..LIMITS
            },
        ),
        (
            "request_secs",
            TransportLimits {
                request_secs: 0,
                ..LIMITS
            },
        ),
    ] {
        let refused = serve("127.0.0.1:0", limits, Arc::default()).await.err();
        let Some(TransportError::Listen { reason, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert!(reason.contains(&format!("transport.limits.{name} = 0")));
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
    let listener = serve("127.0.0.1:0", limits, Arc::default()).await.unwrap();
    let client = client(listener.url(), limits).unwrap();
    let body = vec![1; 100_000];
    let response = client.exchange(Request::post("/", body.clone())).await;
    assert_eq!(response, Ok(Response { status: 200, body }));
    listener.shutdown().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let limits = TransportLimits {
        connections: 2,
        ..LIMITS
    };
    let listener = serve("127.0.0.1:0", limits, Arc::default()).await.unwrap();
    let mut inside = Vec::new();
    for _ in 0..limits.connections {
        let mut stream = connect(listener.url()).await;
        stream.write_all(GET).await.unwrap();
        assert!(answered(&mut stream).await.starts_with("HTTP/1.1 200"));
        inside.push(stream);
    }
    let mut outside = connect(listener.url()).await;
    outside.write_all(GET).await.unwrap();
    // Real time, but only towards a failure: a place that is not needed is given at once.
    let early = timeout(Duration::from_millis(100), answered(&mut outside)).await;
    assert!(early.is_err(), "it was served beyond the limit");
    inside.pop();
    assert!(answered(&mut outside).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn a_refused_body_does_not_cost_the_client_its_answer() {
    let limits = TransportLimits {
        body_bytes: 10,
        ..LIMITS
    };
    let listener = serve("127.0.0.1:0", limits, Arc::default()).await.unwrap();
    // Far more than the socket's buffers take, so that the refusal comes while it is sent.
    let mut stream = connect(listener.url()).await;
    let head = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 30000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![0; 30_000_000]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn a_shutdown_closes_idle_connections_and_frees_the_port() {
    let listener = serve("127.0.0.1:0", LIMITS, Arc::default()).await.unwrap();
    let url = listener.url().to_owned();
    let mut idle = connect(&url).await;
    let mut kept_alive = connect(&url).await;
    kept_alive.write_all(GET).await.unwrap();
    assert!(answered(&mut kept_alive).await.starts_with("HTTP/1.1 200"));
    // Neither peer closes; the limit of a request is far away.
    let limit = Duration::from_secs(LIMITS.request_secs / 2);
    timeout(limit, listener.shutdown()).await.unwrap();
    assert_eq!(answered(&mut idle).await, "");
    assert_eq!(answered(&mut kept_alive).await, "");
    let address = url.strip_prefix("http://").unwrap();
    assert!(serve(address, LIMITS, Arc::default()).await.is_ok());
}
