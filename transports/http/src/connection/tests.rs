//! Every limit of a connection, at it, below and above: on a pipe in memory, with tokio's clock
//! paused, so that a minute passes as soon as everybody waits.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{self, ExchangeService};
use pqfw_framework::world::Now;
use pqfw_memory::SeededWorld;
use pqfw_runtime::desk::Stopper;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, sleep, timeout};

use super::*;

const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 1000,
    header_bytes: 500,
    connections: 10,
    idle_secs: 60,
    request_secs: 30,
    per_ip_per_minute: 0,
};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Tells what it was asked; `/large` is answered with `0`s and `/gate` when the gate opens.
struct Echo {
    gate: Mutex<mpsc::Receiver<()>>,
}

impl ExchangeService for Echo {
    fn respond(
        &self,
        _: Now,
        _: &mut dyn CryptoRng,
        request: &transport::Request,
    ) -> transport::Response {
        if request.route == "/gate" {
            self.gate.lock().unwrap().recv().unwrap();
        }
        let body = match request.route.as_str() {
            "/large" => vec![b'0'; LARGE_BYTES],
            _ => {
                let (method, route, length) = (&request.method, &request.route, request.body.len());
                format!("{method} {route} {length}").into_bytes()
            }
        };
        transport::Response { status: 200, body }
    }
}

const LARGE_BYTES: usize = 1 << 20;

/// A peer with a raw connection to a server.
struct Peer {
    stream: DuplexStream,
    server: JoinHandle<()>,
    stopper: Stopper,
    desk: Arc<Desk>,
    world: Arc<SeededWorld>,
    gate: mpsc::Sender<()>,
}

impl Peer {
    fn new(limits: TransportLimits) -> Self {
        let (gate, closed) = mpsc::channel();
        let closed = Mutex::new(closed);
        let world = Arc::new(SeededWorld::new(0));
        let service = Arc::new(Echo { gate: closed });
        let desk = Arc::new(Desk::with_workers(limits, service, world.clone(), 1));
        let (stopper, stop) = Stop::pair();
        let (stream, server) = connect(&desk, "192.0.2.1", stop);
        Self {
            stream,
            server,
            stopper,
            desk,
            world,
            gate,
        }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn response(&mut self) -> Reply {
        Reply::read(&mut self.stream).await
    }

    async fn asks(&mut self, bytes: impl AsRef<[u8]>) -> Reply {
        self.send(bytes).await;
        self.response().await
    }

    /// Waits for the server's end of the connection, and says how long that took.
    async fn is_closed_after(&mut self) -> Duration {
        let began = Instant::now();
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        began.elapsed()
    }
}

fn connect(desk: &Arc<Desk>, peer: &str, stop: Stop) -> (DuplexStream, JoinHandle<()>) {
    let (ours, theirs) = duplex(1024);
    let server = drive(theirs, peer.parse().unwrap(), desk.clone(), stop);
    (ours, tokio::spawn(server))
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    async fn read(stream: &mut DuplexStream) -> Self {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split_once("content-length: ").map_or(0, |(_, rest)| {
            let (length, _) = rest.split_once("\r\n").unwrap();
            length.parse().unwrap()
        });
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        Self {
            status: head["http/1.1 ".len()..][..3].parse().unwrap(),
            head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    fn assert_refused(&self, status: u16, detail: &str) {
        assert_eq!(self.status, status);
        assert_eq!(self.body, format!(r#"{{"detail":"{detail}"}}"#));
        assert!(self.head.contains("content-type: application/json\r\n"));
    }

    fn assert_served(&self, body: &str) {
        assert_eq!((self.status, &*self.body), (200, body));
    }

    fn closes(&self) -> bool {
        self.head.contains("connection: close\r\n")
    }
}

fn get(route: &str) -> String {
    format!("GET {route} HTTP/1.1\r\nhost: h\r\n\r\n")
}

fn post_head(length: usize) -> String {
    format!("POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n")
}

fn post(length: usize) -> Vec<u8> {
    [post_head(length).into_bytes(), vec![b'x'; length]].concat()
}

const CHUNKED: &str = "POST /p HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_connection_serves_one_request_after_the_other() {
    let mut peer = Peer::new(LIMITS);
    for _ in 0..3 {
        peer.asks(get("/a")).await.assert_served("GET /a 0");
        peer.asks(post(10)).await.assert_served("POST /p 10");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_json_and_name_no_server() {
    let reply = Peer::new(LIMITS).asks(get("/")).await;
    assert!(reply.head.contains("content-type: application/json\r\n"));
    assert!(!reply.head.contains("server:"));
    assert!(!reply.closes());
}

#[tokio::test(start_paused = true)]
async fn the_route_loses_its_query_and_keeps_its_escapes() {
    let mut peer = Peer::new(LIMITS);
    let reply = peer.asks(get("/a%2Fb/../c?d=e?f")).await;
    reply.assert_served("GET /a%2Fb/../c 0");
    let reply = peer.asks(get("http://elsewhere.example/a?b")).await;
    reply.assert_served("GET /a 0");
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_head_has_no_body() {
    let mut peer = Peer::new(LIMITS);
    peer.send("HEAD /a HTTP/1.1\r\nhost: h\r\n\r\n").await;
    let mut head = vec![0; 1024];
    let length = peer.stream.read(&mut head).await.unwrap();
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test(start_paused = true)]
async fn what_has_no_path_is_refused() {
    for line in ["OPTIONS *", "CONNECT host.example:443"] {
        let mut peer = Peer::new(LIMITS);
        let reply = peer
            .asks(format!("{line} HTTP/1.1\r\nhost: h\r\n\r\n"))
            .await;
        reply.assert_refused(400, "the request names no path");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_refused() {
    let mut peer = Peer::new(LIMITS);
    assert_eq!(peer.asks("\x16\x03\x01\x02\r\n\r\n").await.status, 400);
    peer.is_closed_after().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_is_refused_above_the_limit_alone() {
    for (excess, status) in [(-1, 200), (0, 200), (1, 431), (10_000, 431)] {
        let mut head = String::from("GET / HTTP/1.1\r\nhost: ");
        let padding = LIMITS.header_bytes - head.len() - 4;
        head.extend(std::iter::repeat_n(
            'h',
            padding.checked_add_signed(excess).unwrap(),
        ));
        head.push_str("\r\n\r\n");
        let peer = Peer::new(LIMITS);
        // A head beyond the pipe's buffer is refused before it is sent.
        let (mut stream, mut sending) = tokio::io::split(peer.stream);
        let sending = tokio::spawn(async move { sending.write_all(head.as_bytes()).await });
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(line, *format!("HTTP/1.1 {status}").as_bytes(), "{excess}");
        sending.abort();
        peer.server.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_declared_body_is_refused_above_the_limit_before_it_is_sent() {
    for length in [LIMITS.body_bytes - 1, LIMITS.body_bytes] {
        let reply = Peer::new(LIMITS).asks(post(length)).await;
        reply.assert_served(&format!("POST /p {length}"));
    }
    for length in [LIMITS.body_bytes + 1, usize::MAX / 2] {
        let mut peer = Peer::new(LIMITS);
        let reply = peer.asks(post_head(length)).await;
        reply.assert_refused(413, "the request body is too large");
        assert!(reply.closes());
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_waits_for_leave_gets_none_above_the_limit() {
    let expecting = |length| {
        let head = post_head(length);
        head.replace("host: h\r\n", "host: h\r\nexpect: 100-continue\r\n")
    };
    let mut peer = Peer::new(LIMITS);
    assert_eq!(
        peer.asks(expecting(LIMITS.body_bytes + 1)).await.status,
        413
    );
    let mut peer = Peer::new(LIMITS);
    assert_eq!(peer.asks(expecting(3)).await.status, 100);
    peer.asks("xyz").await.assert_served("POST /p 3");
}

#[tokio::test(start_paused = true)]
async fn a_streamed_body_is_refused_as_soon_as_it_passes_the_limit() {
    for (last, status) in [("7", 200), ("8", 200), ("9", 413)] {
        let mut peer = Peer::new(LIMITS);
        peer.send(CHUNKED).await;
        for _ in 0..(LIMITS.body_bytes - 8) / 16 {
            peer.send("10\r\n0123456789abcdef\r\n").await;
        }
        let digits = last.parse().unwrap();
        peer.send(format!("{last}\r\n{}\r\n", "x".repeat(digits)))
            .await;
        // The body goes on: only the refusal comes before its end.
        if status == 200 {
            peer.send("0\r\n\r\n").await;
        }
        assert_eq!(peer.response().await.status, status, "{last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_read_by_a_peer_that_goes_on_sending() {
    let peer = Peer::new(LIMITS);
    let (mut receiving, mut sending) = tokio::io::split(peer.stream);
    let sending = tokio::spawn(async move {
        sending.write_all(&post(100_000)).await.unwrap();
        sending.shutdown().await.unwrap();
    });
    sending.await.unwrap();
    let mut answer = String::new();
    receiving.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.ends_with(r#"{"detail":"the request body is too large"}"#));
}

#[tokio::test(start_paused = true)]
async fn a_broken_body_never_reaches_the_service() {
    let mut peer = Peer::new(LIMITS);
    peer.send(format!("{CHUNKED}zz\r\n")).await;
    let mut answer = String::new();
    peer.stream.read_to_string(&mut answer).await.unwrap();
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_at_the_limit() {
    let mut peer = Peer::new(LIMITS);
    assert_eq!(peer.is_closed_after().await.as_secs(), LIMITS.idle_secs);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_kept_alive_is_closed_at_the_limit() {
    let mut peer = Peer::new(LIMITS);
    for _ in 0..3 {
        sleep(Duration::from_secs(LIMITS.idle_secs) - 2 * MILLISECOND).await;
        peer.asks(get("/")).await.assert_served("GET / 0");
    }
    assert_eq!(peer.is_closed_after().await.as_secs(), LIMITS.idle_secs);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_cut_off_at_the_limit() {
    let mut peer = Peer::new(LIMITS);
    let began = Instant::now();
    while peer.stream.write_all(b"G").await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(LIMITS.idle_secs + 5));
    }
    assert!(began.elapsed() >= Duration::from_secs(LIMITS.idle_secs));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_waited_for_until_the_limit() {
    let limit = Duration::from_secs(LIMITS.request_secs);
    let mut peer = Peer::new(LIMITS);
    peer.send(post_head(2)).await;
    peer.send("x").await;
    sleep(limit - 2 * MILLISECOND).await;
    peer.asks("y").await.assert_served("POST /p 2");

    peer.send(post_head(2)).await;
    peer.send("x").await;
    let began = Instant::now();
    let reply = peer.response().await;
    reply.assert_refused(408, "the body took too long to arrive");
    assert!(reply.closes());
    assert_eq!(began.elapsed().as_secs(), limit.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_is_given_up_at_the_limit_and_keeps_its_worker() {
    let limit = Duration::from_secs(LIMITS.request_secs);
    let mut peer = Peer::new(LIMITS);
    peer.send(get("/gate")).await;
    // While a thread computes, tokio's paused clock moves only by hand.
    while peer.desk.free_workers() > 0 {
        tokio::task::yield_now().await;
    }
    advance(limit + MILLISECOND).await;
    let reply = peer.response().await;
    reply.assert_refused(504, "the answer took too long to compute");
    assert!(!reply.closes());

    // The only worker is still at it, and what waits for it is given up differently.
    peer.send(get("/next")).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    advance(limit + MILLISECOND).await;
    let reply = peer.response().await;
    reply.assert_refused(503, "all workers are busy");

    peer.gate.send(()).unwrap();
    peer.asks(get("/after")).await.assert_served("GET /after 0");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_is_dropped_at_the_limit() {
    let mut peer = Peer::new(LIMITS);
    peer.send(get("/large")).await;
    let began = Instant::now();
    // The end of the connection lingers a little for a peer that might still read.
    let limit = Duration::from_secs(LIMITS.request_secs);
    let ended = timeout(limit + Duration::from_secs(3), peer.server).await;
    assert!(ended.is_ok(), "the server still waits");
    assert!(began.elapsed() >= limit);
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_arrives_whole() {
    let reply = Peer::new(LIMITS).asks(get("/large")).await;
    assert_eq!(reply.body.len(), LARGE_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_arrives_whole_before_the_connection_closes() {
    let closing = get("/large").replace("host: h", "connection: close");
    let reply = Peer::new(LIMITS).asks(closing).await;
    assert_eq!(reply.body.len(), LARGE_BYTES);
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_address_are_refused_above_the_limit_alone() {
    let mut peer = Peer::new(TransportLimits {
        per_ip_per_minute: 2,
        ..LIMITS
    });
    peer.asks(get("/1")).await.assert_served("GET /1 0");
    peer.asks(get("/2")).await.assert_served("GET /2 0");
    let reply = peer.asks(get("/3")).await;
    reply.assert_refused(429, "too many requests in this minute");
    assert!(reply.head.contains("retry-after: 60\r\n"), "{}", reply.head);
    assert!(reply.closes());

    let (_stopper, stop) = Stop::pair();
    let (mut other, _) = connect(&peer.desk, "192.0.2.2", stop.clone());
    other.write_all(get("/").as_bytes()).await.unwrap();
    Reply::read(&mut other).await.assert_served("GET / 0");

    peer.world.advance(Duration::from_secs(60));
    let (mut again, _) = connect(&peer.desk, "192.0.2.1", stop);
    again.write_all(get("/").as_bytes()).await.unwrap();
    Reply::read(&mut again).await.assert_served("GET / 0");
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_an_idle_connection_at_once() {
    for after_a_request in [false, true] {
        let mut peer = Peer::new(LIMITS);
        if after_a_request {
            peer.asks(get("/")).await.assert_served("GET / 0");
        }
        peer.stopper.stop();
        assert_eq!(peer.is_closed_after().await, Duration::ZERO);
        let ended = timeout(Duration::from_secs(1), &mut peer.server).await;
        assert!(ended.is_ok(), "it lingered for nobody");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_request_under_way_finish() {
    let mut peer = Peer::new(LIMITS);
    peer.send(post_head(2)).await;
    peer.send("x").await;
    sleep(MILLISECOND).await;
    peer.stopper.stop();
    sleep(MILLISECOND).await;
    let reply = peer.asks("y").await;
    reply.assert_served("POST /p 2");
    assert!(reply.closes());
    assert_eq!(peer.is_closed_after().await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_connection_is_heard_too() {
    let peer = Peer::new(LIMITS);
    let (stopper, stop) = Stop::pair();
    stopper.stop();
    let (mut late, _) = connect(&peer.desk, "192.0.2.1", stop);
    assert_eq!(late.read(&mut [0]).await.unwrap(), 0);
}
