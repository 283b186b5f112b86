//! The answering end.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{ExchangeService, Request, Response};
use pqfw_framework::world::Now;
use pqfw_memory::SeededWorld;
use pqfw_runtime::desk::{Desk, RequestHead, ResponseHead, Stop, Stopper};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, advance, sleep, timeout};

use super::*;
use crate::exchange::server::{IN_FLIGHT, drive};
use crate::frame::{Outgoing, cancel};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Tells what it was asked; `/large` is answered with zeros and `/gate` when the gate opens.
struct Echo {
    gate: Mutex<mpsc::Receiver<()>>,
    seen: Mutex<Vec<Request>>,
}

impl ExchangeService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        self.seen.lock().unwrap().push(request.clone());
        if request.route == "/gate" {
            self.gate.lock().unwrap().recv().unwrap();
        }
        let body = match request.route.as_str() {
            "/large" => vec![b'0'; LARGE_BYTES],
            route => format!("{} {route} {}", request.method, request.body.len()).into_bytes(),
        };
        Response { status: 200, body }
    }
}

const LARGE_BYTES: usize = 1 << 20;

struct Peer {
    raw: Raw,
    server: JoinHandle<()>,
    stopper: Stopper,
    desk: Arc<Desk>,
    world: Arc<SeededWorld>,
    echo: Arc<Echo>,
    gate: mpsc::Sender<()>,
}

async fn peer_with(limits: TransportLimits) -> Peer {
    let (gate, closed) = mpsc::channel();
    let echo = Arc::new(Echo {
        gate: Mutex::new(closed),
        seen: Mutex::default(),
    });
    let world = Arc::new(SeededWorld::new(0));
    let desk = Desk::with_workers(limits, echo.clone(), world.clone(), 1);
    let desk = Arc::new(desk);
    let (stopper, stop) = Stop::pair();
    let (ours, theirs) = duplex(1024);
    let server = tokio::spawn(drive(
        theirs,
        "192.0.2.1".parse().unwrap(),
        desk.clone(),
        stop,
    ));
    Peer {
        raw: Raw::new(ours, Side::Client).await,
        server,
        stopper,
        desk,
        world,
        echo,
        gate,
    }
}

async fn peer() -> Peer {
    peer_with(LIMITS).await
}

fn head(route: &str) -> Vec<u8> {
    let head = RequestHead::of(&Request::get(route)).unwrap();
    head.encode().unwrap()
}

fn message(id: u32, head: Vec<u8>, body: &[u8]) -> Vec<u8> {
    let mut message = Outgoing::new(id, head, Arc::new(body.to_vec()));
    std::iter::from_fn(|| message.chunk()).flatten().collect()
}

fn get(id: u32, route: &str) -> Vec<u8> {
    message(id, head(route), b"")
}

/// A head without the end of its message.
fn begin(id: u32, route: &str) -> Vec<u8> {
    let mut frames = get(id, route);
    frames[1] = 0;
    frames
}

fn body_frame(id: u32, last: bool, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[2, u8::from(last)][..], &length, &id.to_be_bytes(), body].concat()
}

impl Peer {
    async fn response(&mut self) -> (u32, u16, String) {
        let (id, head, body) = self.raw.message().await;
        let status = ResponseHead::decode(&head).unwrap().status;
        (id, status, String::from_utf8(body).unwrap())
    }

    async fn is_answered(&mut self, id: u32, status: u16, body: &str) {
        assert_eq!(self.response().await, (id, status, body.to_owned()));
    }

    async fn is_refused(&mut self, id: u32, status: u16, detail: &str) {
        let body = format!(r#"{{"detail":"{detail}"}}"#);
        self.is_answered(id, status, &body).await;
    }

    async fn is_told_goodbye_and_closed(&mut self, last: u32) -> Duration {
        let began = Instant::now();
        assert_eq!(self.raw.event().await, Some(Event::Goodbye { last }));
        assert_eq!(self.raw.event().await, None);
        began.elapsed()
    }

    async fn is_closed_without_a_word(&mut self) {
        assert_eq!(self.raw.event().await, None);
    }
}

/// Waits until the only worker is at it.
async fn worker_is_busy(desk: &Desk) {
    // While a thread computes, tokio's paused clock moves only by hand.
    while desk.free_workers() > 0 {
        yield_now().await;
    }
}

fn seen(echo: &Echo) -> Vec<String> {
    let seen = echo.seen.lock().unwrap();
    seen.iter().map(|request| request.route.clone()).collect()
}

async fn many_turns() {
    for _ in 0..1000 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_answered_under_their_ids() {
    let mut peer = peer().await;
    peer.raw.send(get(1, "/a")).await;
    peer.is_answered(1, 200, "GET /a 0").await;
    peer.raw.send(message(7, head("/b"), b"body")).await;
    peer.is_answered(7, 200, "GET /b 4").await;
    let seen = peer.echo.seen.lock().unwrap();
    assert_eq!(seen[1].body, b"body");
    assert_eq!(seen[1].peer, Some("192.0.2.1".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_ends_its_direction_is_answered_still() {
    let mut peer = peer().await;
    peer.raw.send(get(1, "/a")).await;
    peer.raw.stream.shutdown().await.unwrap();
    let (mut answered, mut goodbye) = (false, false);
    while let Some(event) = peer.raw.event().await {
        answered |= matches!(event, Event::Complete { id: 1, .. });
        goodbye |= event == Event::Goodbye { last: 1 };
    }
    assert!(answered && goodbye);
}

#[tokio::test(start_paused = true)]
async fn half_a_request_never_reaches_the_service() {
    let mut peer = peer().await;
    peer.raw.send(begin(1, "/half")).await;
    peer.raw.stream.shutdown().await.unwrap();
    while peer.raw.event().await.is_some() {}
    assert!(seen(&peer.echo).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_breaks_the_framing_ends_the_connection() {
    for wrong in [
        b"\x09\0\0\0\0\0\0\x01".to_vec(),
        get(0, "/"),
        body_frame(3, true, b"x"),
    ] {
        let mut peer = peer().await;
        peer.raw.send(wrong).await;
        peer.is_closed_without_a_word().await;
    }
    let (mut ours, theirs) = duplex(1024);
    let other = peer().await;
    let (_stopper, stop) = Stop::pair();
    let served = drive(theirs, "::1".parse().unwrap(), other.desk.clone(), stop);
    let server = tokio::spawn(served);
    ours.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    ours.read_to_end(&mut said).await.unwrap();
    assert_eq!(said, PREFACE, "it says what it speaks, and no more");
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broken_head_is_refused_and_the_connection_goes_on() {
    let mut peer = peer().await;
    let head = |method: &str, route: &str, session: Option<&str>| {
        let (method, route, session) = (method.into(), route.into(), session.map(str::to_owned));
        let head = RequestHead {
            method,
            route,
            session,
        };
        head.encode().unwrap()
    };
    for (id, (head, detail)) in (1..).zip([
        (b"?".to_vec(), "the request head is broken"),
        (head("", "/", None), "the request names no method"),
        (head("GET", "*", None), "the request names no path"),
        (
            head("GET", "/", Some("a b")),
            "the session is not a session's name",
        ),
    ]) {
        peer.raw.send(message(id, head, &[7; 100])).await;
        peer.is_refused(id, 400, detail).await;
    }
    peer.raw.send(get(9, "/a")).await;
    peer.is_answered(9, 200, "GET /a 0").await;
    assert_eq!(seen(&peer.echo), ["/a"]);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_refused_above_the_limit_alone() {
    let mut peer = peer().await;
    let padding = LIMITS.header_bytes - head("/").len();
    for (id, (length, fits)) in (1..).zip([
        (padding - 1, true),
        (padding, true),
        (padding + 1, false),
        (60_000, false),
    ]) {
        let route = format!("/{}", "r".repeat(length));
        peer.raw.send(get(id, &route)).await;
        match fits {
            true => peer.is_answered(id, 200, &format!("GET {route} 0")).await,
            false => {
                peer.is_refused(id, 431, "the request head is too large")
                    .await
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_is_refused_as_soon_as_it_passes_the_limit_and_the_connection_goes_on() {
    let mut peer = peer().await;
    for (id, length) in (1..).zip([LIMITS.body_bytes - 1, LIMITS.body_bytes]) {
        peer.raw
            .send(message(id, head("/"), &vec![7; length]))
            .await;
        peer.is_answered(id, 200, &format!("GET / {length}")).await;
    }
    peer.raw.send(begin(3, "/")).await;
    peer.raw
        .send(body_frame(3, false, &vec![7; LIMITS.body_bytes + 1]))
        .await;
    // The body goes on: the refusal comes before its end.
    peer.is_refused(3, 413, "the request body is too large")
        .await;
    peer.raw.send(body_frame(3, false, &[7; 10_000])).await;
    peer.raw.send(cancel(3)).await;
    peer.raw.send(get(4, "/")).await;
    peer.is_answered(4, 200, "GET / 0").await;
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_address_are_refused_above_the_limit_alone() {
    let mut peer = peer_with(TransportLimits {
        per_ip_per_minute: 2,
        ..LIMITS
    })
    .await;
    for id in 1..=2 {
        peer.raw.send(get(id, "/")).await;
        peer.is_answered(id, 200, "GET / 0").await;
    }
    peer.raw.send(message(3, head("/"), &[7; 500])).await;
    peer.is_refused(3, 429, "too many requests in this minute")
        .await;
    peer.world.advance(Duration::from_secs(60));
    peer.raw.send(get(4, "/")).await;
    peer.is_answered(4, 200, "GET / 0").await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_at_the_limit() {
    let mut peer = peer().await;
    let waited = peer.is_told_goodbye_and_closed(0).await;
    assert_eq!(waited.as_secs(), LIMITS.idle_secs);
    peer.server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_request_begins_with_the_last_answer() {
    let mut peer = peer().await;
    for id in 1..=3 {
        sleep(Duration::from_secs(LIMITS.idle_secs) - MILLISECOND).await;
        peer.raw.send(get(id, "/")).await;
        peer.is_answered(id, 200, "GET / 0").await;
    }
    let waited = peer.is_told_goodbye_and_closed(3).await;
    assert_eq!(waited.as_secs(), LIMITS.idle_secs);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_cut_off_at_the_limit() {
    let mut peer = peer().await;
    let began = Instant::now();
    let trickle = [get(1, "/trickle"), vec![0; 1000]].concat();
    // Short of a whole head, however often it comes.
    for byte in trickle.iter().take(15).cycle() {
        if peer.raw.stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_secs(10)).await;
        assert!(began.elapsed() < Duration::from_secs(LIMITS.idle_secs + 30));
    }
    assert!(began.elapsed() >= Duration::from_secs(LIMITS.idle_secs));
    assert!(seen(&peer.echo).is_empty());
}

#[tokio::test(start_paused = true)]
async fn cancellations_of_nothing_do_not_keep_a_connection_open() {
    let mut peer = peer().await;
    let began = Instant::now();
    while peer.raw.stream.write_all(&cancel(1)).await.is_ok() {
        sleep(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(LIMITS.idle_secs + 5));
    }
    assert!(began.elapsed() >= Duration::from_secs(LIMITS.idle_secs));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_waited_for_until_the_limit_and_then_the_connection_ends() {
    let limit = Duration::from_secs(LIMITS.request_secs);
    let mut peer = peer().await;
    peer.raw.send(begin(1, "/")).await;
    sleep(limit - 2 * MILLISECOND).await;
    peer.raw.send(body_frame(1, true, b"x")).await;
    peer.is_answered(1, 200, "GET / 1").await;

    peer.raw.send(begin(2, "/")).await;
    let began = Instant::now();
    let (mut receiving, mut sending) = tokio::io::split(peer.raw.stream);
    let trickle = tokio::spawn(async move {
        while sending.write_all(&body_frame(2, false, b"x")).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut rest = Vec::new();
    receiving.read_to_end(&mut rest).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), limit.as_secs());
    let detail = b"the body took too long to arrive";
    assert!(rest.windows(detail.len()).any(|bytes| bytes == detail));
    trickle.abort();
}

#[tokio::test(start_paused = true)]
async fn a_slow_service_is_given_up_at_the_limit_and_keeps_its_worker() {
    let limit = Duration::from_secs(LIMITS.request_secs);
    let mut peer = peer().await;
    peer.raw.send(get(1, "/gate")).await;
    worker_is_busy(&peer.desk).await;
    advance(limit + MILLISECOND).await;
    peer.is_refused(1, 504, "the answer took too long to compute")
        .await;

    // The only worker is still at it, and what waits for it is given up differently.
    peer.raw.send(get(2, "/next")).await;
    many_turns().await;
    advance(limit + MILLISECOND).await;
    peer.is_refused(2, 503, "all workers are busy").await;

    peer.gate.send(()).unwrap();
    peer.raw.send(get(3, "/after")).await;
    peer.is_answered(3, 200, "GET /after 0").await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_ends_the_connection_at_the_limit() {
    let mut peer = peer().await;
    peer.raw.send(get(1, "/large")).await;
    let began = Instant::now();
    let limit = Duration::from_secs(LIMITS.request_secs);
    let ended = timeout(limit + Duration::from_secs(3), peer.server).await;
    assert!(ended.is_ok(), "the server still waits");
    assert!(began.elapsed() >= limit);
}

#[tokio::test(start_paused = true)]
async fn a_connection_reads_no_more_requests_than_it_has_places_for() {
    let peer = peer().await;
    let past = u32::try_from(IN_FLIGHT).unwrap() + 1;
    let (mut receiving, mut sending) = tokio::io::split(peer.raw.stream);
    let asking = tokio::spawn(async move {
        sending.write_all(&get(1, "/gate")).await.unwrap();
        for id in 2..=past {
            sending.write_all(&get(id, "/")).await.unwrap();
        }
        // More than the pipe holds.
        let rest: Vec<_> = (past + 1..past + 200).flat_map(|id| get(id, "/")).collect();
        sending.write_all(&rest).await.unwrap();
        sending
    });
    worker_is_busy(&peer.desk).await;
    many_turns().await;
    assert!(!asking.is_finished(), "it reads without end");
    assert!(seen(&peer.echo).len() <= 1);
    peer.gate.send(()).unwrap();
    let taking = tokio::spawn(async move {
        let mut buffer = [0; 1000];
        while receiving.read(&mut buffer).await.unwrap() > 0 {}
    });
    let _sending = asking.await.unwrap();
    peer.stopper.stop();
    taking.await.unwrap();
    assert!(seen(&peer.echo).len() > IN_FLIGHT);
}

#[tokio::test(start_paused = true)]
async fn a_connection_reads_no_more_bodies_than_it_has_room_for() {
    let mut peer = peer().await;
    peer.raw.send(message(1, head("/gate"), &[7; 10])).await;
    worker_is_busy(&peer.desk).await;
    // There is room for four KiB, and each body takes up one.
    let (receiving, mut sending) = tokio::io::split(peer.raw.stream);
    let asking = tokio::spawn(async move {
        for id in 2..10 {
            let full = message(id, head("/"), &[7; 1000]);
            sending.write_all(&full).await.unwrap();
        }
        sending
    });
    many_turns().await;
    assert!(!asking.is_finished(), "it reads without end");
    peer.gate.send(()).unwrap();
    let sending = asking.await.unwrap();
    drop((sending, receiving));
    peer.server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_request_is_not_answered_and_keeps_its_place_while_it_computes() {
    let mut peer = peer().await;
    peer.raw.send(get(1, "/gate")).await;
    worker_is_busy(&peer.desk).await;
    peer.raw.send(get(2, "/waits-and-is-cancelled")).await;
    peer.raw.send([cancel(1), cancel(2)].concat()).await;
    many_turns().await;
    // Its worker is busy still.
    assert_eq!(peer.desk.free_workers(), 0);
    peer.raw.send(get(3, "/after")).await;
    peer.gate.send(()).unwrap();
    peer.is_answered(3, 200, "GET /after 0").await;
    assert_eq!(seen(&peer.echo), ["/gate", "/after"]);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_cancelled_on_its_way_is_given_up() {
    let mut peer = peer().await;
    peer.raw.send(get(1, "/large")).await;
    let Some(Event::Began { id: 1, .. }) = peer.raw.event().await else {
        panic!("no response");
    };
    peer.raw.send(cancel(1)).await;
    peer.raw.send(get(2, "/next")).await;
    assert_eq!(peer.raw.event().await, Some(Event::Cancelled { id: 1 }));
    peer.is_answered(2, 200, "GET /next 0").await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_closes_an_idle_connection_at_once() {
    for after_a_request in [false, true] {
        let mut peer = peer().await;
        if after_a_request {
            peer.raw.send(get(1, "/")).await;
            peer.is_answered(1, 200, "GET / 0").await;
        }
        peer.stopper.stop();
        let last = u32::from(after_a_request);
        assert_eq!(peer.is_told_goodbye_and_closed(last).await, Duration::ZERO);
        let ended = timeout(Duration::from_secs(1), &mut peer.server).await;
        assert!(ended.is_ok(), "it lingered for nobody");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_requests_under_way_finish_and_takes_no_more() {
    let mut peer = peer().await;
    peer.raw.send(begin(5, "/")).await;
    sleep(MILLISECOND).await;
    peer.stopper.stop();
    sleep(MILLISECOND).await;
    peer.raw.send(body_frame(5, true, b"xy")).await;
    peer.raw.send(get(6, "/too-late")).await;
    assert_eq!(peer.raw.event().await, Some(Event::Goodbye { last: 5 }));
    peer.is_answered(5, 200, "GET / 2").await;
    assert_eq!(peer.raw.event().await, None);
    assert_eq!(seen(&peer.echo), ["/"]);
}
