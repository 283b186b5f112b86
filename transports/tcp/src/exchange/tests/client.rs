//! The asking end.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{Request, Response};
use pqfw_runtime::desk::{RequestHead, ResponseHead};
use tokio::io::{AsyncReadExt, duplex};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep};

use super::*;
use crate::exchange::link::{Link, Lost};
use crate::frame::{Outgoing, cancel, goodbye};

async fn link() -> (Arc<Link>, Raw) {
    let (ours, theirs) = duplex(1024);
    let link = Link::open(ours, &LIMITS);
    (Arc::new(link), Raw::new(theirs, Side::Server).await)
}

fn head(route: &str) -> Vec<u8> {
    let head = RequestHead::of(&Request::get(route)).unwrap();
    head.encode().unwrap()
}

type Outcome = Result<Response, Lost>;

fn ask(link: &Arc<Link>, route: &str, body: &[u8]) -> JoinHandle<Outcome> {
    let (link, head, body) = (link.clone(), head(route), Arc::new(body.to_vec()));
    tokio::spawn(async move { link.ask(&head, &body).await })
}

fn response(id: u32, status: u16, body: &[u8]) -> Vec<u8> {
    let head = ResponseHead { status };
    let mut message = Outgoing::new(id, head.encode(), Arc::new(body.to_vec()));
    std::iter::from_fn(|| message.chunk()).flatten().collect()
}

fn ok(body: &[u8]) -> Outcome {
    let body = body.to_vec();
    Ok(Response { status: 200, body })
}

async fn many_turns() {
    for _ in 0..1000 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn responses_find_their_requests_in_any_order() {
    let (link, mut server) = link().await;
    let one = ask(&link, "/1", b"");
    assert_eq!(server.message().await, (1, head("/1"), Vec::new()));
    let two = ask(&link, "/2", b"body");
    assert_eq!(server.message().await, (2, head("/2"), b"body".to_vec()));
    server.send(response(2, 200, b"two")).await;
    server.send(response(1, 200, b"one")).await;
    assert_eq!(two.await.unwrap(), ok(b"two"));
    assert_eq!(one.await.unwrap(), ok(b"one"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_is_cancelled_and_its_late_response_ignored() {
    let (link, mut server) = link().await;
    let dropped = ask(&link, "/1", b"");
    server.message().await;
    dropped.abort();
    assert_eq!(server.event().await, Some(Event::Cancelled { id: 1 }));
    server.send(response(1, 200, b"late")).await;
    let next = ask(&link, "/2", b"");
    server.message().await;
    server.send(response(2, 200, b"next")).await;
    assert_eq!(next.await.unwrap(), ok(b"next"));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_dropped_while_it_is_sent_is_given_up() {
    let (link, mut server) = link().await;
    let dropped = ask(&link, "/1", &vec![7; 1 << 20]);
    let Some(Event::Began { id: 1, .. }) = server.event().await else {
        panic!("no request");
    };
    dropped.abort();
    assert_eq!(server.event().await, Some(Event::Cancelled { id: 1 }));
    let next = ask(&link, "/2", b"");
    while server.event().await
        != Some(Event::Complete {
            id: 2,
            body: Vec::new(),
        })
    {}
    server.send(response(2, 200, b"next")).await;
    assert_eq!(next.await.unwrap(), ok(b"next"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_comes_early_ends_the_sending() {
    let (link, mut server) = link().await;
    let refused = ask(&link, "/1", &vec![7; 1 << 20]);
    server.event().await;
    server.send(response(1, 413, b"no")).await;
    assert_eq!(refused.await.unwrap().unwrap().status, 413);
    assert_eq!(server.event().await, Some(Event::Cancelled { id: 1 }));
}

#[tokio::test(start_paused = true)]
async fn a_response_is_refused_above_the_limit_alone_and_cancelled() {
    let (link, mut server) = link().await;
    for (id, length) in (1..).zip([LIMITS.body_bytes - 1, LIMITS.body_bytes]) {
        let fits = ask(&link, "/", b"");
        server.message().await;
        server.send(response(id, 200, &vec![7; length])).await;
        assert_eq!(fits.await.unwrap().unwrap().body.len(), length);
    }
    let too_large = ask(&link, "/", b"");
    server.message().await;
    server
        .send(response(3, 200, &vec![7; LIMITS.body_bytes + 1]))
        .await;
    assert_eq!(too_large.await.unwrap(), Err(Lost::TooLarge));
    assert_eq!(server.event().await, Some(Event::Cancelled { id: 3 }));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_the_server_gives_up_is_broken() {
    let (link, mut server) = link().await;
    let asked = ask(&link, "/", b"");
    server.message().await;
    server.send(cancel(1)).await;
    assert!(matches!(asked.await.unwrap(), Err(Lost::Broken(_))));
    assert!(link.is_open());
}

#[tokio::test(start_paused = true)]
async fn what_a_goodbye_excludes_was_not_taken_and_the_rest_is_waited_for() {
    let (link, mut server) = link().await;
    let taken = ask(&link, "/1", b"");
    server.message().await;
    let not_taken = ask(&link, "/2", b"");
    server.message().await;
    server.send(goodbye(1)).await;
    assert_eq!(not_taken.await.unwrap(), Err(Lost::NotTaken));
    assert!(!link.is_open());
    assert_eq!(ask(&link, "/3", b"").await.unwrap(), Err(Lost::NotTaken));
    server.send(response(1, 200, b"one")).await;
    assert_eq!(taken.await.unwrap(), ok(b"one"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_ends_breaks_what_was_sent_and_nothing_else() {
    let (link, mut server) = link().await;
    let sent = ask(&link, "/1", &vec![7; 1 << 20]);
    server.event().await;
    let queued = ask(&link, "/2", b"");
    many_turns().await;
    drop(server);
    assert!(matches!(sent.await.unwrap(), Err(Lost::Broken(_))));
    assert_eq!(queued.await.unwrap(), Err(Lost::NotTaken));
    assert!(!link.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_breaks_the_framing_is_left() {
    for wrong in [
        vec![9; 8],
        response(1, 200, b"")[..9].to_vec(),
        response(1, 99, b""),
        Outgoing::new(1, vec![7; 501], Arc::default())
            .chunk()
            .unwrap(),
    ] {
        let (link, mut server) = link().await;
        let asked = ask(&link, "/", b"");
        server.message().await;
        server.send(wrong).await;
        drop(server);
        assert!(matches!(asked.await.unwrap(), Err(Lost::Broken(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_is_closed_before_the_server_does() {
    let (link, mut server) = link().await;
    let began = Instant::now();
    assert_eq!(server.event().await, None);
    assert_eq!(began.elapsed().as_secs(), LIMITS.idle_secs / 2);
    assert!(!link.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_connection_in_use_is_kept() {
    let (link, mut server) = link().await;
    let asked = ask(&link, "/", b"");
    server.message().await;
    sleep(Duration::from_secs(10 * LIMITS.idle_secs)).await;
    server.send(response(1, 200, b"at last")).await;
    assert_eq!(asked.await.unwrap(), ok(b"at last"));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_client_closes_its_connection() {
    let (link, mut server) = link().await;
    let asked = ask(&link, "/", b"");
    server.message().await;
    server.send(response(1, 200, b"")).await;
    asked.await.unwrap().unwrap();
    drop(link);
    assert_eq!(server.stream.read(&mut [0]).await.unwrap(), 0);
}
