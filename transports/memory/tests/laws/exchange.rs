//! The laws of exchanges.

use std::sync::{Arc, Mutex, mpsc};

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{
    Exchange, ExchangeService, Listener, Request, Response, TransportError, TransportLimits,
    TransportSettings,
};
use pqfw_framework::world::Now;

use super::{BODY_BYTES, NONSENSE, Subject, address_in, many_turns, settings, world};

/// A service made of a closure.
struct Answer<F>(F);

impl<F> ExchangeService for Answer<F>
where
    F: Fn(Now, &mut dyn CryptoRng, &Request) -> Response + Send + Sync,
{
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response {
        (self.0)(now, rng, request)
    }
}

impl Subject {
    async fn serve(
        &self,
        answer: impl Fn(Now, &mut dyn CryptoRng, &Request) -> Response + Send + Sync + 'static,
    ) -> Box<dyn Listener> {
        self.serve_with(settings(self.listen), answer).await
    }

    async fn serve_with(
        &self,
        settings: TransportSettings,
        answer: impl Fn(Now, &mut dyn CryptoRng, &Request) -> Response + Send + Sync + 'static,
    ) -> Box<dyn Listener> {
        self.transport
            .serve_exchange(&settings, Arc::new(Answer(answer)), world())
            .await
            .unwrap()
    }

    fn connect(&self, listener: &dyn Listener) -> Arc<dyn Exchange> {
        self.connect_url(listener.url())
    }

    fn connect_url(&self, url: &str) -> Arc<dyn Exchange> {
        self.transport.connect_exchange(&settings(url)).unwrap()
    }
}

fn echo(_: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
    Response {
        status: 200,
        body: request.body.clone(),
    }
}

pub(crate) async fn bytes_of_every_value_arrive_unchanged(subject: &Subject) {
    let listener = subject.serve(echo).await;
    let client = subject.connect(&*listener);
    for body in [(0..=255).collect(), Vec::new(), b"\r\n\r\n".to_vec()] {
        let response = client.exchange(Request::post("/", body.clone())).await;
        assert_eq!(response, Ok(Response { status: 200, body }));
    }
}

pub(crate) async fn method_route_and_status_arrive_unchanged(subject: &Subject) {
    let listener = subject
        .serve(|_, _, request| Response {
            status: request.route.rsplit('/').next().unwrap().parse().unwrap(),
            body: format!("{} {}", request.method, request.route).into_bytes(),
        })
        .await;
    let client = subject.connect(&*listener);
    for method in [
        "GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND",
    ] {
        for status in [200, 201, 400, 404, 422, 500, 503, 599] {
            let route = format!("/pqc/a%2Fb/~{method}/{status}");
            let request = Request {
                method: method.into(),
                ..Request::get(&route)
            };
            let body = format!("{method} {route}").into_bytes();
            assert_eq!(
                client.exchange(request).await,
                Ok(Response { status, body })
            );
        }
    }
}

pub(crate) async fn each_service_gets_time_and_chance_from_its_world(subject: &Subject) {
    let listener = subject
        .serve(|now, rng, _| Response {
            status: 200,
            body: [now.day().into_bytes(), rng.next_u64().to_be_bytes().into()].concat(),
        })
        .await;
    let client = subject.connect(&*listener);
    let first = client.exchange(Request::get("/")).await.unwrap().body;
    let second = client.exchange(Request::get("/")).await.unwrap().body;
    assert!(first.starts_with(b"2026-01-01"));
    assert_ne!(first, second);
}

pub(crate) async fn a_request_body_is_refused_above_the_limit_alone(subject: &Subject) {
    let (seen, lengths) = mpsc::channel();
    let listener = subject
        .serve(move |_, _, request| {
            seen.send(request.body.len()).unwrap();
            Response {
                status: 200,
                body: Vec::new(),
            }
        })
        .await;
    let client = subject.connect(&*listener);
    for (length, status) in [
        (BODY_BYTES - 1, 200),
        (BODY_BYTES, 200),
        (BODY_BYTES + 1, 413),
        (BODY_BYTES * 1000, 413),
    ] {
        let response = client.exchange(Request::post("/", vec![0; length])).await;
        let response = response.unwrap();
        assert_eq!(response.status, status, "{length}");
        let detail = br#"{"detail":"the request body is too large"}"#;
        assert_eq!(response.body == detail, status == 413);
    }
    drop(listener);
    assert_eq!(lengths.try_iter().collect::<Vec<_>>(), [999, 1000]);
}

pub(crate) async fn a_response_body_is_refused_above_the_limit_alone(subject: &Subject) {
    let listener = subject
        .serve(|_, _, request| Response {
            status: 200,
            body: vec![7; request.route.trim_start_matches('/').parse().unwrap()],
        })
        .await;
    let client = subject.connect(&*listener);
    for length in [BODY_BYTES - 1, BODY_BYTES] {
        let response = client.exchange(Request::get(&format!("/{length}"))).await;
        assert_eq!(response.unwrap().body.len(), length);
    }
    for length in [BODY_BYTES + 1, BODY_BYTES * 1000] {
        let too_large = TransportError::TooLarge {
            address: listener.url().into(),
            limit: BODY_BYTES,
        };
        let response = client.exchange(Request::get(&format!("/{length}"))).await;
        assert_eq!(response, Err(too_large));
    }
}

pub(crate) async fn exchanges_at_once_do_not_mix(subject: &Subject) {
    let listener = subject.serve(echo).await;
    let client = subject.connect(&*listener);
    let exchanges: Vec<_> = (0..64_u8)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                for round in 0..4 {
                    let body = vec![number, round];
                    let response = client.exchange(Request::post("/", body.clone())).await;
                    assert_eq!(response, Ok(Response { status: 200, body }));
                }
            })
        })
        .collect();
    for exchange in exchanges {
        exchange.await.unwrap();
    }
}

pub(crate) async fn large_bodies_arrive_whole(subject: &Subject) {
    let large = |address: &str| {
        let mut settings = settings(address);
        settings.limits.body_bytes = LARGE_BYTES;
        settings
    };
    let listener = subject.serve_with(large(subject.listen), echo).await;
    let client = subject.transport.connect_exchange(&large(listener.url()));
    let client = client.unwrap();
    let body: Vec<u8> = (0..LARGE_BYTES).map(|at| (at % 251) as u8).collect();
    let exchanges: Vec<_> = (0..4)
        .map(|_| {
            let (client, body) = (client.clone(), body.clone());
            tokio::spawn(async move {
                let response = client.exchange(Request::post("/", body.clone())).await;
                assert!(response.unwrap().body == body);
            })
        })
        .collect();
    for exchange in exchanges {
        exchange.await.unwrap();
    }
}

const LARGE_BYTES: usize = 5_000_000;

pub(crate) async fn thousands_of_exchanges_at_once_are_all_answered(subject: &Subject) {
    let many = |address: &str| {
        let mut settings = settings(address);
        settings.limits = TransportLimits {
            connections: EXCHANGES_AT_ONCE,
            request_secs: 300,
            ..settings.limits
        };
        settings
    };
    let listener = subject.serve_with(many(subject.listen), echo).await;
    let client = subject.transport.connect_exchange(&many(listener.url()));
    let client = client.unwrap();
    let exchanges: Vec<_> = (0..EXCHANGES_AT_ONCE)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let body = format!("number {number}").into_bytes();
                let response = client.exchange(Request::post("/", body.clone())).await;
                assert_eq!(response, Ok(Response { status: 200, body }));
            })
        })
        .collect();
    for exchange in exchanges {
        exchange.await.unwrap();
    }
}

const EXCHANGES_AT_ONCE: usize = 2500;

pub(crate) async fn an_exchange_that_is_dropped_takes_no_other_with_it(subject: &Subject) {
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.clone();
    let listener = subject
        .serve(move |now, rng, request| {
            if request.route == "/slow" {
                entered.send(()).unwrap();
                drop(closed.lock().unwrap());
            }
            echo(now, rng, request)
        })
        .await;
    let client = subject.connect(&*listener);
    let exchange = |route: &str| {
        let (client, request) = (client.clone(), Request::post(route, b"body".to_vec()));
        tokio::spawn(async move { client.exchange(request).await })
    };
    // Released by a thread of its own, since a transport may answer on the one that asks.
    let (release, released) = mpsc::channel::<()>();
    let (held, holds) = mpsc::channel();
    let holder = std::thread::spawn(move || {
        let guard = gate.lock().unwrap();
        held.send(()).unwrap();
        released.recv().unwrap();
        drop(guard);
    });
    holds.recv().unwrap();
    let (dropped, kept) = (exchange("/slow"), exchange("/slow"));
    entries.recv().await.unwrap();
    entries.recv().await.unwrap();
    dropped.abort();
    for _ in 0..10 {
        assert_eq!(exchange("/").await.unwrap().unwrap().body, b"body");
    }
    release.send(()).unwrap();
    assert_eq!(kept.await.unwrap().unwrap().body, b"body");
    holder.join().unwrap();
}

pub(crate) async fn a_client_finds_a_server_that_is_there_again(subject: &Subject) {
    let first = subject.serve(echo).await;
    let url = first.url().to_owned();
    let client = subject.connect(&*first);
    client.exchange(Request::get("/")).await.unwrap();
    first.shutdown().await;
    let gone = client.exchange(Request::get("/")).await;
    assert!(gone.is_err(), "{gone:?}");
    let listen = match url.strip_prefix("memory:") {
        Some(_) => url.clone(),
        None => address_in(&url).to_owned(),
    };
    let _again = subject.serve_with(settings(&listen), echo).await;
    // The first may meet the end of the old connection; none is sent twice.
    loop {
        match client.exchange(Request::post("/", b"again".to_vec())).await {
            Ok(response) => return assert_eq!(response.body, b"again"),
            Err(TransportError::Broken { .. } | TransportError::Connect { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn a_session_arrives_and_what_is_none_does_not(subject: &Subject) {
    let listener = subject
        .serve(|_, _, request| Response {
            status: 200,
            body: format!("{:?}", request.session).into_bytes(),
        })
        .await;
    let client = subject.connect(&*listener);
    let longest = "s".repeat(Request::SESSION_LIMIT);
    for session in [None, Some("a-B_9"), Some(&*longest)] {
        let session = session.map(str::to_owned);
        let body = format!("{session:?}").into_bytes();
        let request = Request {
            session,
            ..Request::get("/")
        };
        let response = client.exchange(request).await;
        assert_eq!(response, Ok(Response { status: 200, body }));
    }
}

pub(crate) async fn a_panic_is_answered_and_survived(subject: &Subject) {
    let listener = subject
        .serve(|now, rng, request| match request.route.as_str() {
            "/panic" => std::panic::resume_unwind(Box::new("a test's panic")),
            _ => echo(now, rng, request),
        })
        .await;
    let client = subject.connect(&*listener);
    for _ in 0..3 {
        let failed = client.exchange(Request::get("/panic")).await;
        assert_eq!(failed, Ok(internal_error()));
        let fine = client.exchange(Request::get("/")).await;
        assert_eq!(fine.unwrap().status, 200);
    }
}

pub(crate) async fn a_status_that_is_none_is_our_fault(subject: &Subject) {
    let listener = subject
        .serve(|_, _, request| Response {
            status: request.route.trim_start_matches('/').parse().unwrap(),
            body: Vec::new(),
        })
        .await;
    let client = subject.connect(&*listener);
    for status in [0, 99, 100, 101, 199, 600, 1000, u16::MAX] {
        let response = client.exchange(Request::get(&format!("/{status}"))).await;
        assert_eq!(response, Ok(internal_error()), "{status}");
    }
}

fn internal_error() -> Response {
    Response {
        status: 500,
        body: br#"{"detail":"Internal Server Error"}"#.to_vec(),
    }
}

pub(crate) async fn a_route_must_begin_with_a_slash_and_end_before_a_query(subject: &Subject) {
    let listener = subject.serve(echo).await;
    let client = subject.connect(&*listener);
    for route in ["", "a", "@evil.example/", "/a?b=c", "/a#b"] {
        let outcome = client.exchange(Request::get(route)).await;
        assert!(
            matches!(outcome, Err(TransportError::Address { .. })),
            "{route}: {outcome:?}"
        );
    }
}

pub(crate) async fn fresh_addresses_differ(subject: &Subject) {
    let (one, other) = (subject.serve(echo).await, subject.serve(echo).await);
    assert_ne!(one.url(), other.url());
    // A real address is taken once it is taken.
    let taken = settings(address_in(one.url()));
    let third = subject
        .transport
        .serve_exchange(&taken, Arc::new(Answer(echo)), world())
        .await;
    assert!(matches!(third, Err(TransportError::Listen { .. })));
}

pub(crate) async fn nobody_answers_after_a_shutdown(subject: &Subject) {
    let listener = subject.serve(echo).await;
    let url = listener.url().to_owned();
    let client = subject.connect(&*listener);
    client.exchange(Request::get("/")).await.unwrap();
    listener.shutdown().await;
    let outcome = subject.connect_url(&url).exchange(Request::get("/")).await;
    assert!(
        matches!(outcome, Err(TransportError::Connect { .. })),
        "{outcome:?}"
    );
}

pub(crate) async fn nobody_answers_after_a_drop(subject: &Subject) {
    let listener = subject.serve(echo).await;
    let url = listener.url().to_owned();
    drop(listener);
    // A task may have to end first.
    loop {
        let outcome = subject.connect_url(&url).exchange(Request::get("/")).await;
        if matches!(outcome, Err(TransportError::Connect { .. })) {
            return;
        }
        many_turns().await;
    }
}

pub(crate) async fn a_shutdown_waits_for_the_exchange_under_way(subject: &Subject) {
    let (entered, mut entries) = tokio::sync::mpsc::unbounded_channel();
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let listener = subject
        .serve(move |now, rng, request| {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap();
            echo(now, rng, request)
        })
        .await;
    let client = subject.connect(&*listener);
    let exchange = tokio::spawn(async move {
        let request = Request::post("/", b"slow".to_vec());
        client.exchange(request).await
    });
    entries.recv().await.unwrap();
    let shutdown = tokio::spawn(listener.shutdown());
    many_turns().await;
    assert!(!shutdown.is_finished(), "the shutdown did not wait");
    release.send(()).unwrap();
    assert_eq!(exchange.await.unwrap().unwrap().body, b"slow");
    shutdown.await.unwrap();
}

pub(crate) async fn nonsense_is_no_address(subject: &Subject) {
    for nonsense in NONSENSE {
        let connect = subject.transport.connect_exchange(&settings(nonsense));
        assert!(
            matches!(connect, Err(TransportError::Address { .. })),
            "{nonsense}"
        );
        let settings = settings(nonsense);
        let serve = subject
            .transport
            .serve_exchange(&settings, Arc::new(Answer(echo)), world())
            .await;
        assert!(
            matches!(serve, Err(TransportError::Address { .. })),
            "{nonsense}"
        );
    }
}
