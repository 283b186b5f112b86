//! What happens by itself: a fresh exchange on a stream in its time, and the end of an epoch whose
//! key has refused too much.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{Connection, Exchange, StreamReader};
use pqfw_memory::{Interceptor, RequestFate, SeededWorld};
use pqfw_session::exchange::{ChannelExchange, ServiceLimits};
use pqfw_session::stream::{Secure, accept, connect};
use pqfw_session::{Alert, ChannelError};

use crate::exchanges::serve;
use crate::nonces::{Lines, end, watched};
use crate::streams::LIMIT;
use crate::support::people::{CHEAP, suite};
use crate::support::pipe::{CALM, pair};
use crate::support::{run, world};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// In place of 2^36.
const FRESH_AFTER_BYTES: u64 = 100_000;

struct Pair {
    near: Secure,
    far: Secure,
    clock: Arc<SeededWorld>,
    secrets: Arc<Lines>,
}

impl Pair {
    async fn open() -> Self {
        let suite = suite(CHEAP);
        let secrets = Arc::new(Lines::default());
        let near = end(1, &suite).with_fresh_after_bytes(FRESH_AFTER_BYTES);
        let near = Arc::new(near.insecure_with_keylog(secrets.clone()));
        let far = Arc::new(end(2, &suite).with_fresh_after_bytes(1));
        let (clock, world) = world(1);
        let pipes = pair(CALM, CALM);
        let (near, far) = tokio::join!(
            connect(&near, pipes.0, &world, LIMIT),
            accept(&far, pipes.1, &world, LIMIT)
        );
        Self {
            near: near.unwrap(),
            far: far.unwrap(),
            clock,
            secrets,
        }
    }

    async fn there(&mut self, bytes: u64) {
        carry(&mut self.near.connection, &mut self.far.connection, bytes).await;
    }

    async fn back(&mut self, bytes: u64) {
        carry(&mut self.far.connection, &mut self.near.connection, bytes).await;
    }

    /// Whether a fresh exchange has begun by itself; whether or not, one ends well then.
    async fn renewed(mut self) -> bool {
        let begun = !self.near.control.fresh_exchange().unwrap();
        for _ in 0..2 {
            self.there(1).await;
            self.back(1).await;
        }
        let secrets = self.secrets.0.lock().unwrap();
        for label in ["PQFW1_C_AP_1 ", "PQFW1_S_AP_1 "] {
            assert!(secrets.iter().any(|line| line.starts_with(label)));
        }
        assert!(!secrets.iter().any(|line| line.starts_with("PQFW1_C_AP_2 ")));
        begun
    }
}

async fn carry(from: &mut Connection, to: &mut Connection, bytes: u64) {
    let data = vec![1; usize::try_from(bytes).unwrap()];
    let read = async {
        let mut left = data.len();
        let mut buffer = vec![0; 5000];
        while left > 0 {
            let most = left.min(buffer.len());
            left -= read_some(&mut *to.reader, &mut buffer[..most]).await;
        }
    };
    let (written, ()) = tokio::join!(from.writer.write_all(&data), read);
    written.unwrap();
}

async fn read_some(reader: &mut dyn StreamReader, buffer: &mut [u8]) -> usize {
    let read = reader.read(buffer).await.unwrap();
    assert!(read > 0);
    read
}

#[test]
fn a_day_brings_new_secrets_whichever_way_the_data_goes() {
    run(async {
        for (after, fresh) in [(DAY - Duration::from_secs(1), false), (DAY, true)] {
            let mut writing = Pair::open().await;
            writing.clock.advance(after);
            writing.there(1).await;
            assert_eq!(writing.renewed().await, fresh, "writing");
            let mut reading = Pair::open().await;
            reading.clock.advance(after);
            reading.back(1).await;
            assert_eq!(reading.renewed().await, fresh, "reading");
        }
    });
}

#[test]
fn so_many_bytes_in_either_direction_bring_new_secrets() {
    run(async {
        for (bytes, fresh) in [(FRESH_AFTER_BYTES - 1, false), (FRESH_AFTER_BYTES, true)] {
            let mut writing = Pair::open().await;
            writing.there(bytes).await;
            // An end that writes looks before it does.
            writing.there(1).await;
            assert_eq!(writing.renewed().await, fresh, "writing");
            let mut reading = Pair::open().await;
            reading.back(bytes).await;
            assert_eq!(reading.renewed().await, fresh, "reading");
        }
    });
}

#[test]
fn the_count_begins_again_with_the_new_secrets() {
    run(async {
        let mut pair = Pair::open().await;
        for round in 1..=3 {
            pair.there(FRESH_AFTER_BYTES).await;
            for _ in 0..2 {
                pair.there(1).await;
                pair.back(1).await;
            }
            let secrets = pair.secrets.0.lock().unwrap();
            let of = |number| format!("PQFW1_C_AP_{number} ");
            assert!(secrets.iter().any(|line| line.starts_with(&of(round))));
            assert!(!secrets.iter().any(|line| line.starts_with(&of(round + 1))));
        }
    });
}

#[test]
fn what_came_before_new_secrets_brings_no_newer_ones() {
    run(async {
        let mut pair = Pair::open().await;
        pair.back(FRESH_AFTER_BYTES).await;
        for _ in 0..4 {
            pair.there(1).await;
            // Nothing but control messages comes back.
            let mut buffer = [0];
            tokio::select! {
                biased;
                _ = pair.near.connection.reader.read(&mut buffer) => panic!("data"),
                () = tokio::task::yield_now() => {}
            }
        }
        let secrets = pair.secrets.0.lock().unwrap();
        let has = |label| secrets.iter().any(|line| line.starts_with(label));
        assert!(has("PQFW1_C_AP_1 ") && !has("PQFW1_C_AP_2 "));
    });
}

#[test]
fn an_epoch_whose_key_has_refused_too_much_is_over_and_the_next_one_serves() {
    run(async {
        let (suite, _) = watched(|limits| limits.failed_opens = 3);
        let far = Arc::new(end(2, &suite));
        let (echo, direct) = serve(far, ServiceLimits::default());
        let tap = Arc::new(Interceptor::new(direct.clone()).on_request({
            let mut requests = 0;
            move |request| {
                requests += usize::from(request.route.ends_with("/r"));
                let held = requests == 2;
                if held {
                    RequestFate::Drop
                } else {
                    RequestFate::Pass
                }
            }
        }));
        let (_, world) = world(3);
        let client = ChannelExchange::new(Arc::new(end(1, &suite)), tap.clone(), world);
        assert_eq!(client.request("POST", "/", b"1").await.unwrap().counter, 1);
        assert!(client.request("POST", "/", b"held").await.is_err());
        let held = tap.recorded().into_iter().rev().find_map(|crossing| {
            let pqfw_memory::Crossing::Request(request) = crossing else {
                return None;
            };
            Some(request)
        });
        let mut forged = held.clone().unwrap();
        *forged.body.last_mut().unwrap() ^= 1;
        for status in [400, 400, 400, 425, 425] {
            let answer = direct.exchange(forged.clone()).await.unwrap();
            assert_eq!(answer.status, status);
            let alert = answer.body.last().and_then(|code| Alert::of(*code));
            assert_eq!(alert, Some(Alert::BadRecordMac));
        }
        // What was sealed before is refused as well, and so is the next one, which was not carried
        // out; its successor goes under the next key.
        assert_eq!(direct.exchange(held.unwrap()).await.unwrap().status, 425);
        let unanswered = ChannelError::Unanswered { status: 425 };
        let refused = client.request("POST", "/", b"2").await;
        assert_eq!(refused.err(), Some(unanswered));
        let next = client.request("POST", "/", b"3").await.unwrap();
        assert_eq!(next.counter, 1 << 16);
        {
            let heard = echo.0.lock().unwrap();
            let heard: Vec<_> = heard.iter().map(|(_, asked)| &asked.body).collect();
            assert_eq!(heard, [b"1", b"3"]);
        }

        // A request that changes nothing is sent again by itself.
        forged.body[..8].copy_from_slice(&(1_u64 << 16 | 9).to_be_bytes());
        for _ in 0..3 {
            assert_eq!(direct.exchange(forged.clone()).await.unwrap().status, 400);
        }
        let again = client.request("GET", "/", b"").await.unwrap();
        assert_eq!(again.counter, 2 << 16);
    });
}
