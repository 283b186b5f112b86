//! Waiting in real time, over loopback sockets. The limits are tested to the millisecond beside
//! the code, on a paused clock; here we see once that the real clock is connected. Each test takes
//! a second.

mod support;

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{Request, TransportError, TransportLimits};
use support::{LIMITS, client, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

/// More than a second and less than patience.
const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_slow_loris_is_cut_off() {
    let limits = TransportLimits {
        idle_secs: 1,
        ..LIMITS
    };
    let listener = serve("127.0.0.1:0", limits, Arc::default()).await.unwrap();
    let address = listener.url().strip_prefix("http://").unwrap();
    let (mut receiving, mut sending) = TcpStream::connect(address).await.unwrap().into_split();
    let trickle = tokio::spawn(async move {
        while sending.write_all(b"G").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let mut rest = Vec::new();
    let closed = timeout(SOON, receiving.read_to_end(&mut rest)).await;
    // A reset says it as well.
    assert!(closed.is_ok(), "the server still waits");
    assert!(rest.is_empty());
    trickle.abort();
}

#[tokio::test]
async fn timed_out_is_a_peer_that_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let limits = TransportLimits {
        request_secs: 1,
        ..LIMITS
    };
    let client = client(&url, limits).unwrap();
    let outcome = timeout(SOON, client.exchange(Request::get("/")))
        .await
        .unwrap();
    let timed_out = TransportError::TimedOut {
        address: url,
        secs: 1,
    };
    assert_eq!(outcome, Err(timed_out));
}

#[tokio::test]
async fn timed_out_is_a_peer_that_does_not_come_to_an_end() {
    let slow = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", slow.local_addr().unwrap());
    let drip = tokio::spawn(async move {
        let (mut stream, _) = slow.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
        stream.write_all(head).await.unwrap();
        while stream.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let limits = TransportLimits {
        request_secs: 1,
        ..LIMITS
    };
    let client = client(&url, limits).unwrap();
    let outcome = timeout(SOON, client.exchange(Request::get("/")))
        .await
        .unwrap();
    let timed_out = TransportError::TimedOut {
        address: url,
        secs: 1,
    };
    assert_eq!(outcome, Err(timed_out));
    drip.abort();
}
