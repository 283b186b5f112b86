//! Exchanges with somebody on the way: replays, forged refusals, floods, and the passing of time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::transport::{Exchange, Request, Response};
use pqfw_memory::{Interceptor, RequestFate, SeededWorld};
use pqfw_session::exchange::{ChannelExchange, Resend, ServiceLimits};
use pqfw_session::{Alert, ChannelError};

use crate::exchanges::{Direct, Echo, serve};
use crate::support::people::{CHEAP, config, pinned};
use crate::support::{run, world};

fn forged(status: u16) -> RequestFate {
    let body = Vec::new();
    RequestFate::Forge(Response { status, body })
}

fn code(response: &Response) -> Option<Alert> {
    Alert::of(*response.body.last()?)
}

#[test]
fn requests_are_taken_in_any_order_and_each_once() {
    run(async {
        let (echo, direct) = serve(config(2, &[CHEAP]), ServiceLimits::default());
        let (_, world) = world(3);
        let client = ChannelExchange::new(config(1, &[CHEAP]), direct.clone(), world.clone());
        client.request("POST", "/", b"first").await.unwrap();
        // Held back on the way, then let go in the other order.
        let slow = Interceptor::new(direct.clone()).on_request({
            let mut sent = 0;
            move |_| {
                sent += 1;
                if sent > 2 {
                    RequestFate::Drop
                } else {
                    RequestFate::Pass
                }
            }
        });
        let slow = Arc::new(slow);
        let client = ChannelExchange::new(config(1, &[CHEAP]), slow.clone(), world);
        for n in 0..10 {
            assert!(client.request("POST", "/", &[n]).await.is_err());
        }
        let requests: Vec<Request> = slow
            .recorded()
            .into_iter()
            .filter_map(|crossing| match crossing {
                pqfw_memory::Crossing::Request(request) if request.route.ends_with("/r") => {
                    Some(request)
                }
                _ => None,
            })
            .collect();
        assert_eq!(requests.len(), 10);
        let before = echo.0.lock().unwrap().len();
        for request in requests.iter().rev() {
            let response = direct.exchange(request.clone()).await.unwrap();
            assert_eq!(response.status, 200);
        }
        for request in &requests {
            let response = direct.exchange(request.clone()).await.unwrap();
            assert_eq!(
                (response.status, code(&response)),
                (409, Some(Alert::IllegalParameter))
            );
        }
        assert_eq!(echo.0.lock().unwrap().len(), before + 10);
        // Everything about a request is bound: counter, session and every byte.
        let template = &requests[0];
        let mut zero = template.clone();
        zero.body[..8].fill(0);
        assert_eq!(direct.exchange(zero).await.unwrap().status, 409);
        let mut far = template.clone();
        far.body[..8].fill(0xff);
        assert_eq!(direct.exchange(far).await.unwrap().status, 409);
        let mut other = template.clone();
        other.body[7] = 99;
        let refused = direct.exchange(other).await.unwrap();
        assert_eq!(
            (refused.status, code(&refused)),
            (400, Some(Alert::BadRecordMac))
        );
        let mut short = template.clone();
        short.body.truncate(7);
        assert_eq!(direct.exchange(short).await.unwrap().status, 400);
        for session in [None, Some("0".repeat(32)), Some("x".into())] {
            let stranger = Request {
                session,
                ..template.clone()
            };
            assert_eq!(direct.exchange(stranger).await.unwrap().status, 401);
        }
        let finish = Request::post("/pqfw/1/finish", Vec::new());
        assert_eq!(direct.exchange(finish).await.unwrap().status, 401);
        assert_eq!(
            direct
                .exchange(Request::get("/pqfw/1/r"))
                .await
                .unwrap()
                .status,
            404
        );
    });
}

#[test]
fn a_forged_refusal_repeats_no_request_that_changes_something() {
    run(async {
        for status in [401, 425] {
            for (method, resend, again) in [
                ("POST", Resend::SafeMethods, false),
                ("GET", Resend::SafeMethods, true),
                ("POST", Resend::Everything, true),
            ] {
                let (echo, direct) = serve(config(2, &[CHEAP]), ServiceLimits::default());
                let (_, world) = world(3);
                let mut forge = true;
                let wire = Interceptor::new(direct.clone()).on_request(move |request| {
                    if request.route.ends_with("/r") && std::mem::take(&mut forge) {
                        return forged(status);
                    }
                    RequestFate::Pass
                });
                let client = ChannelExchange::new(config(1, &[CHEAP]), Arc::new(wire), world);
                let client = client.resending(resend);
                let outcome = client.request(method, "/", b"").await;
                let expected = if status == 425 { 1 << 16 } else { 1 };
                if again {
                    assert_eq!(outcome.unwrap().counter, expected, "{status} {method}");
                } else {
                    let unanswered = ChannelError::Unanswered { status };
                    assert_eq!(outcome.err(), Some(unanswered));
                    assert!(echo.0.lock().unwrap().is_empty());
                    let next = client.request(method, "/", b"").await.unwrap();
                    assert_eq!(next.counter, expected);
                }
            }
        }
    });
}

#[test]
fn endless_forged_refusals_cost_a_session_and_not_the_client() {
    run(async {
        let (_, direct) = serve(config(2, &[CHEAP]), ServiceLimits::default());
        let (_, world) = world(3);
        let mut left = 200;
        let wire = Interceptor::new(direct.clone()).on_request(move |request| {
            if request.route.ends_with("/r") && left > 0 {
                left -= 1;
                return forged(425);
            }
            RequestFate::Pass
        });
        let client = ChannelExchange::new(config(1, &[CHEAP]), Arc::new(wire), world);
        let mut answered = 0;
        for _ in 0..210 {
            match client.request("POST", "/", b"").await {
                Ok(_) => answered += 1,
                Err(error) => assert_eq!(error, ChannelError::Unanswered { status: 425 }),
            }
        }
        assert_eq!(answered, 10);
    });
}

#[test]
fn a_forged_response_is_not_believed_and_harms_nothing() {
    run(async {
        let (_, direct) = serve(config(2, &[CHEAP]), ServiceLimits::default());
        let (_, world) = world(3);
        let mut forge = 3;
        let wire = Interceptor::new(direct).on_response(move |request, response| {
            if request.route.ends_with("/r") && forge > 0 {
                forge -= 1;
                response.body[forge] ^= 1;
            }
            pqfw_memory::ResponseFate::Pass
        });
        let client = ChannelExchange::new(config(1, &[CHEAP]), Arc::new(wire), world);
        for _ in 0..3 {
            let error = client.request("POST", "/", b"").await.err().unwrap();
            assert!(matches!(
                error,
                ChannelError::Refused {
                    alert: Alert::BadRecordMac,
                    ..
                }
            ));
        }
        assert_eq!(client.request("POST", "/", b"").await.unwrap().counter, 4);
    });
}

#[test]
fn a_flood_of_hellos_takes_no_more_than_its_room() {
    run(async {
        let limits = ServiceLimits {
            handshakes: 16,
            sessions: 3,
            ..ServiceLimits::default()
        };
        let (_, direct) = serve(config(2, &[CHEAP]), limits);
        let (_, world) = world(3);
        let capture = Arc::new(Interceptor::new(direct.clone()));
        let client = ChannelExchange::new(config(1, &[CHEAP]), capture.clone(), world.clone());
        client.request("POST", "/", b"").await.unwrap();
        let Some(pqfw_memory::Crossing::Request(hello)) = capture.recorded().first().cloned()
        else {
            unreachable!("a client says hello first")
        };
        for _ in 0..100 {
            assert_eq!(direct.exchange(hello.clone()).await.unwrap().status, 200);
            assert!(direct.service.counts().0 <= 16);
        }
        for _ in 0..10 {
            let client = ChannelExchange::new(config(1, &[CHEAP]), direct.clone(), world.clone());
            client.request("POST", "/", b"").await.unwrap();
            assert!(direct.service.counts().1 <= 3);
        }
    });
}

#[test]
fn a_peer_with_many_sessions_loses_its_own_and_nobody_elses() {
    run(async {
        let limits = ServiceLimits {
            sessions: 4,
            sessions_each: 3,
            ..ServiceLimits::default()
        };
        let (seeded, _, direct, _) = timed(limits);
        let client = |who| {
            let (_, world) = world(3);
            ChannelExchange::new(config(who, &[CHEAP]), direct.clone(), world)
        };
        let ask = async |client: &ChannelExchange| {
            seeded.advance(Duration::from_secs(1));
            client.request("POST", "/", b"").await
        };
        let quiet = client(1);
        ask(&quiet).await.unwrap();
        let loud = [(); 5].map(|()| client(4));
        for one in &loud {
            ask(one).await.unwrap();
        }
        assert_eq!(direct.service.counts().1, 4);
        let gone = Some(ChannelError::Unanswered { status: 401 });
        for (number, one) in loud.iter().enumerate() {
            let answer = ask(one).await;
            if number < 2 {
                assert_eq!(answer.err(), gone, "the longest idle of its own");
            } else {
                assert!(answer.is_ok(), "{number}");
            }
        }
        ask(&quiet).await.unwrap();
        // A third one finds the house full, and has none of its own to lose.
        ask(&client(5)).await.unwrap();
        assert_eq!(direct.service.counts().1, 4);
        assert_eq!(ask(&loud[2]).await.err(), gone, "the longest idle of all");
        ask(&quiet).await.unwrap();
    });
}

#[test]
fn what_is_over_is_forgotten_though_nobody_comes() {
    run(async {
        let (seeded, _, direct, client) = timed(ServiceLimits::default());
        client.request("POST", "/", b"").await.unwrap();
        let hello = direct.seen.lock().unwrap()[0].clone();
        direct.exchange(hello).await.unwrap();
        assert_eq!(direct.service.counts(), (1, 1));
        let now = || direct.world.now();
        let due = direct.service.sweep(now()).unwrap();
        assert_eq!(due, now().since_start + Duration::from_secs(10));
        seeded.advance(Duration::from_secs(10));
        let due = direct.service.sweep(now()).unwrap();
        assert_eq!(direct.service.counts(), (0, 1));
        assert_eq!(due, now().since_start + Duration::from_secs(11 * 60 - 10));
        seeded.advance(Duration::from_secs(11 * 60 - 10));
        // Any request does it, too.
        direct
            .exchange(Request::post("/", Vec::new()))
            .await
            .unwrap();
        assert_eq!(direct.service.counts(), (0, 0));
        assert_eq!(direct.service.sweep(now()), None);
    });
}

/// A client and a service that share a clock.
fn timed(limits: ServiceLimits) -> (Arc<SeededWorld>, Arc<Echo>, Arc<Direct>, ChannelExchange) {
    let (echo, direct) = serve(config(2, &[CHEAP]), limits);
    let (seeded, world) = world(3);
    let direct = Arc::new(Direct {
        service: direct.service.clone(),
        world: world.clone(),
        seen: Mutex::default(),
    });
    let client = ChannelExchange::new(config(1, &[CHEAP]), direct.clone(), world);
    (seeded, echo, direct, client)
}

#[test]
fn sessions_end_by_age_and_the_client_makes_new_ones_before() {
    run(async {
        let (seeded, _, direct, client) = timed(ServiceLimits::default());
        let counter = async || client.request("POST", "/", b"").await.unwrap().counter;
        assert_eq!(counter().await, 1);
        seeded.advance(Duration::from_secs(599));
        assert_eq!(counter().await, 2);
        seeded.advance(Duration::from_secs(1));
        assert_eq!(counter().await, 1);
        assert_eq!(direct.service.counts(), (0, 2));
        seeded.advance(Duration::from_secs(659));
        assert_eq!(counter().await, 1);
        assert_eq!(direct.service.counts(), (0, 2), "the first is forgotten");
    });
}

#[test]
fn a_request_that_is_held_back_dies_with_its_session() {
    run(async {
        for (seconds, status) in [(659, 200), (660, 401)] {
            let (seeded, echo, direct, _) = timed(ServiceLimits::default());
            let held = Arc::new(Mutex::new(None));
            let hold = held.clone();
            let wire = Interceptor::new(direct.clone()).on_request(move |request| {
                if request.route.ends_with("/r") {
                    *hold.lock().unwrap() = Some(request.clone());
                    return RequestFate::Drop;
                }
                RequestFate::Pass
            });
            let (_, world) = world(3);
            let client = ChannelExchange::new(config(1, &[CHEAP]), Arc::new(wire), world);
            assert!(client.request("POST", "/unlock", b"").await.is_err());
            seeded.advance(Duration::from_secs(seconds));
            let held = held.lock().unwrap().take().unwrap();
            assert_eq!(direct.exchange(held).await.unwrap().status, status);
            assert_eq!(echo.0.lock().unwrap().len(), usize::from(status == 200));
        }
    });
}

#[test]
fn a_handshake_that_is_not_finished_in_time_is_not_finished() {
    run(async {
        for (seconds, finished) in [(9, true), (10, false)] {
            let (seeded, _, direct, _) = timed(ServiceLimits::default());
            let (_, world) = world(4);
            let slow = Interceptor::new(direct.clone()).on_request(move |request| {
                if request.route.ends_with("/finish") {
                    seeded.advance(Duration::from_secs(seconds));
                }
                RequestFate::Pass
            });
            let client = ChannelExchange::new(config(1, &[CHEAP]), Arc::new(slow), world);
            let answer = client.request("POST", "/", b"").await;
            let expected = (!finished).then_some(ChannelError::HandshakeGone);
            assert_eq!(answer.err(), expected);
        }
        let (_, _, direct, _) = timed(ServiceLimits::default());
        let empty = Request::post("/pqfw/1/hello", Vec::new());
        assert_eq!(direct.exchange(empty).await.unwrap().status, 400);
    });
}

#[test]
fn a_peer_that_is_not_accepted_is_told_so() {
    run(async {
        let stranger = config(7, &[CHEAP]).identities()[0].fingerprint().clone();
        let (_, direct) = serve(pinned(2, &[CHEAP], &stranger), ServiceLimits::default());
        let (_, world) = world(3);
        let client = ChannelExchange::new(config(1, &[CHEAP]), direct.clone(), world);
        let refused = ChannelError::RefusedExchange {
            status: 403,
            code: Some(Alert::UnknownPeer.code()),
        };
        assert_eq!(client.request("GET", "/", b"").await.err(), Some(refused));
        assert_eq!(direct.service.counts(), (0, 0));
        assert!(client.exporter().is_none());
    });
}
