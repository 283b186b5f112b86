//! What a client makes of servers that misbehave: each variant of `TransportError` by its name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pqfw_framework::transport::{
    Request, Response, Transport, TransportError, TransportLimits, TransportSettings,
};
use pqfw_http::HttpTransport;
use pqfw_memory::SeededWorld;
use support::{Echo, LIMITS, client, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that reads a whole request, says something and closes. It counts the requests.
async fn saying(reply: impl Into<Vec<u8>>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let (counted, reply) = (requests.clone(), reply.into());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if read_request(&mut stream).await {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            stream.write_all(&reply).await.unwrap();
        }
    });
    (url, requests)
}

async fn read_request(stream: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"the end") {
        match stream.read_u8().await {
            Ok(byte) => seen.push(byte),
            Err(_) => return false,
        }
    }
    true
}

async fn outcome(url: &str, limits: TransportLimits) -> Result<Response, TransportError> {
    let request = Request::post("/", b"the end".to_vec());
    client(url, limits).unwrap().exchange(request).await
}

#[tokio::test]
async fn unsupported_is_what_other_deliveries_would_be() {
    // HTTP delivers all there is to deliver; the trait's own default is what others answer with.
    struct Nothing;
    impl Transport for Nothing {
        fn info(&self) -> pqfw_framework::transport::TransportInfo {
            HttpTransport.info()
        }
    }
    let settings = TransportSettings {
        listen: "127.0.0.1:0".into(),
        connect: "http://127.0.0.1:1".into(),
        limits: LIMITS,
        tls: None,
    };
    let unsupported = TransportError::Unsupported {
        transport: "http",
        delivery: pqfw_framework::transport::Delivery::Exchange,
        has: "exchanges".into(),
    };
    assert_eq!(
        Nothing.connect_exchange(&settings).err(),
        Some(unsupported.clone())
    );
    let world = Arc::new(SeededWorld::new(0));
    let served = Nothing.serve_exchange(&settings, Arc::new(Echo::default()), world);
    assert_eq!(served.await.err(), Some(unsupported));
}

#[test]
fn address_is_refused_before_anything_is_sent_and_without_a_runtime() {
    let tls = client("https://127.0.0.1:1", LIMITS).err();
    let Some(TransportError::Address { reason, .. }) = tls else {
        panic!("{tls:?}");
    };
    assert!(reason.contains("`transport.tls`"));
    assert!(client("http://127.0.0.1:1", LIMITS).is_ok());
}

#[tokio::test]
async fn address_is_what_a_bad_method_or_route_gives() {
    let client = client("http://127.0.0.1:1", LIMITS).unwrap();
    let mut bad_method = Request::get("/");
    bad_method.method = "GET /evil HTTP/1.1\r\n".into();
    for request in [bad_method, Request::get("/ x"), Request::get("/\r\nx: y")] {
        let outcome = client.exchange(request).await;
        assert!(
            matches!(outcome, Err(TransportError::Address { .. })),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn listen_is_refused_where_somebody_listens() {
    let first = serve("127.0.0.1:0", LIMITS, Arc::default()).await.unwrap();
    let address = first.url().strip_prefix("http://").unwrap();
    let second = serve(address, LIMITS, Arc::default()).await.err();
    assert!(
        matches!(second, Some(TransportError::Listen { .. })),
        "{second:?}"
    );
}

#[tokio::test]
async fn connect_says_that_nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let outcome = outcome(&url, LIMITS).await;
    let Err(TransportError::Connect { address, reason }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(address, url);
    assert!(reason.contains("refused"), "{reason}");
}

#[tokio::test]
async fn broken_is_a_peer_that_speaks_something_else() {
    let (url, _) = saying(b"SSH-2.0-OpenSSH_9.6\r\n").await;
    let outcome = outcome(&url, LIMITS).await;
    assert!(
        matches!(outcome, Err(TransportError::Broken { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn broken_is_a_peer_that_hangs_up_and_the_request_is_not_sent_again() {
    let (url, requests) = saying(b"").await;
    let outcome = outcome(&url, LIMITS).await;
    assert!(
        matches!(outcome, Err(TransportError::Broken { .. })),
        "{outcome:?}"
    );
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn broken_is_a_response_that_ends_early() {
    let (url, _) = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort").await;
    let outcome = outcome(&url, LIMITS).await;
    assert!(
        matches!(outcome, Err(TransportError::Broken { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn broken_is_a_head_without_end() {
    let head = [b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'h'; 100_000]].concat();
    let (url, _) = saying(head).await;
    let outcome = outcome(&url, LIMITS).await;
    assert!(
        matches!(outcome, Err(TransportError::Broken { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn too_large_holds_for_declared_and_for_streamed_responses() {
    let limit = |body_bytes| TransportLimits {
        body_bytes,
        ..LIMITS
    };
    for reply in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\n123\r\n2\r\n45\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n12345",
    ] {
        let (url, _) = saying(reply).await;
        for enough in [5, 6] {
            let response = outcome(&url, limit(enough)).await;
            assert_eq!(response.unwrap().body, b"12345");
        }
        let too_large = TransportError::TooLarge {
            address: url.clone(),
            limit: 4,
        };
        assert_eq!(outcome(&url, limit(4)).await, Err(too_large));
    }
}

#[tokio::test]
async fn a_base_path_is_put_before_the_route() {
    let echo = Arc::new(Echo::default());
    let listener = serve("127.0.0.1:0", LIMITS, echo.clone()).await.unwrap();
    for base in ["", "/", "/below/here", "/below/here/"] {
        let client = client(&format!("{}{base}", listener.url()), LIMITS).unwrap();
        client.exchange(Request::get("/a")).await.unwrap();
    }
    let seen = echo.seen.lock().unwrap();
    let routes: Vec<_> = seen.iter().map(|request| &*request.route).collect();
    assert_eq!(routes, ["/a", "/a", "/below/here/a", "/below/here/a"]);
}

#[tokio::test]
async fn connections_are_kept_alive_and_used_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        // One connection serves all; a second one would not be accepted.
        let (mut stream, _) = listener.accept().await.unwrap();
        for _ in 0..5 {
            assert!(read_request(&mut stream).await);
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(reply).await.unwrap();
        }
    });
    let client = client(&url, LIMITS).unwrap();
    for _ in 0..5 {
        let request = Request::post("/", b"the end".to_vec());
        assert_eq!(client.exchange(request).await.unwrap().body, b"ok");
    }
    server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_replaced() {
    let echo = Arc::new(Echo::default());
    let listener = serve("127.0.0.1:0", LIMITS, echo.clone()).await.unwrap();
    let url = listener.url().to_owned();
    let client = client(&url, LIMITS).unwrap();
    client.exchange(Request::get("/1")).await.unwrap();
    listener.shutdown().await;
    let address = url.strip_prefix("http://").unwrap();
    let _again = serve(address, LIMITS, echo.clone()).await.unwrap();
    client.exchange(Request::get("/2")).await.unwrap();
    assert_eq!(echo.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_exchange_that_is_dropped_leaves_the_client_usable() {
    let listener = serve("127.0.0.1:0", LIMITS, Arc::default()).await.unwrap();
    let client = client(listener.url(), LIMITS).unwrap();
    for _ in 0..20 {
        let exchange = client.exchange(Request::post("/", vec![0; 10_000]));
        tokio::select! {
            biased;
            _ = exchange => {}
            () = tokio::task::yield_now() => {}
        }
        assert!(client.exchange(Request::get("/")).await.is_ok());
    }
}
