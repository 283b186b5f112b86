//! The door and its places, with visitors that a test makes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io;
use std::sync::Arc;

use pqfw_framework::transport::TransportLimits;
use pqfw_runtime::desk::{Door, Stop, open, usable};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::yield_now;

const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 1000,
    header_bytes: 500,
    connections: 2,
    idle_secs: 60,
    request_secs: 30,
    per_ip_per_minute: 0,
};

/// A visitor stays until its semaphore lets it go.
type Visitor = (u8, Arc<Semaphore>);

struct Doorway(Mutex<mpsc::UnboundedReceiver<io::Result<Visitor>>>);

impl Door for Doorway {
    type Visitor = Visitor;

    async fn next(&self) -> io::Result<Visitor> {
        let next = self.0.lock().await.recv().await;
        match next {
            Some(next) => next,
            None => std::future::pending().await,
        }
    }
}

struct House {
    listener: Box<dyn pqfw_framework::transport::Listener>,
    street: mpsc::UnboundedSender<io::Result<Visitor>>,
    seen: mpsc::UnboundedReceiver<(char, u8)>,
}

fn house() -> House {
    let (street, arrivals) = mpsc::unbounded_channel();
    let (note, seen) = mpsc::unbounded_channel();
    let drive = move |(name, leave): Visitor, mut stop: Stop| {
        let note = note.clone();
        async move {
            note.send(('+', name)).unwrap();
            tokio::select! {
                _ = leave.acquire() => note.send(('-', name)).unwrap(),
                () = stop.requested() => {
                    note.send(('!', name)).unwrap();
                    drop(leave.acquire().await);
                }
            }
        }
    };
    let door = Doorway(Mutex::new(arrivals));
    let listener = open("here".into(), door, LIMITS, drive);
    House {
        listener,
        street,
        seen,
    }
}

async fn many_turns() {
    for _ in 0..100 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn visitors_beyond_the_limit_wait_outside_and_an_error_is_no_visitor() {
    let mut house = house();
    assert_eq!(house.listener.url(), "here");
    let leave: Vec<_> = (0..4).map(|_| Arc::new(Semaphore::new(0))).collect();
    house.street.send(Err(io::ErrorKind::Other.into())).unwrap();
    for (name, leave) in (0..).zip(&leave) {
        house.street.send(Ok((name, leave.clone()))).unwrap();
    }
    assert_eq!(house.seen.recv().await, Some(('+', 0)));
    assert_eq!(house.seen.recv().await, Some(('+', 1)));
    many_turns().await;
    assert!(house.seen.try_recv().is_err(), "a third one was let in");
    leave[1].add_permits(1);
    assert_eq!(house.seen.recv().await, Some(('-', 1)));
    assert_eq!(house.seen.recv().await, Some(('+', 2)));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_tells_those_inside_and_waits_for_them() {
    let mut house = house();
    let leave = Arc::new(Semaphore::new(0));
    house.street.send(Ok((0, leave.clone()))).unwrap();
    assert_eq!(house.seen.recv().await, Some(('+', 0)));
    let shutdown = tokio::spawn(house.listener.shutdown());
    assert_eq!(house.seen.recv().await, Some(('!', 0)));
    many_turns().await;
    assert!(!shutdown.is_finished(), "it did not wait");
    assert!(house.street.send(Ok((1, leave.clone()))).is_err());
    leave.add_permits(1);
    shutdown.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_no_longer_than_the_limit() {
    let mut house = house();
    let forever = Arc::new(Semaphore::new(0));
    house.street.send(Ok((0, forever))).unwrap();
    assert_eq!(house.seen.recv().await, Some(('+', 0)));
    let began = tokio::time::Instant::now();
    house.listener.shutdown().await;
    assert_eq!(began.elapsed().as_secs(), LIMITS.request_secs);
}

#[test]
fn a_limit_that_lets_nothing_through_is_named() {
    assert_eq!(usable(&LIMITS), Ok(()));
    let with = |change: fn(&mut TransportLimits)| {
        let mut limits = LIMITS;
        change(&mut limits);
        usable(&limits)
    };
    assert_eq!(with(|limits| limits.connections = 0), Err("connections"));
    assert_eq!(with(|limits| limits.idle_secs = 0), Err("idle_secs"));
    assert_eq!(with(|limits| limits.request_secs = 0), Err("request_secs"));
}
