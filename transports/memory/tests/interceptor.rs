//! The attacker can do what it says, and nothing happens without it.

use std::sync::{Arc, Mutex};

use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};
use pqfw_memory::{Crossing, Interceptor, RECORDED_CROSSINGS, RequestFate, ResponseFate};

/// A server that counts and echoes.
#[derive(Default)]
struct Echo {
    seen: Mutex<Vec<Request>>,
}

impl Exchange for Echo {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let mut body = request.body.clone();
        if let Ok(mut seen) = self.seen.lock() {
            seen.push(request);
            body.push(u8::try_from(seen.len()).unwrap_or(u8::MAX));
        }
        Box::pin(async move { Ok(Response { status: 200, body }) })
    }
}

fn post(body: &[u8]) -> Request {
    Request::post("/a", body.to_vec())
}

#[tokio::test]
async fn an_idle_attacker_changes_nothing_and_records_all() {
    let server = Arc::new(Echo::default());
    let wire = Interceptor::new(server.clone());
    let response = wire.exchange(post(b"x")).await.unwrap();
    assert_eq!(response.body, b"x\x01");
    assert_eq!(*server.seen.lock().unwrap(), [post(b"x")]);
    let expected = [Crossing::Request(post(b"x")), Crossing::Response(response)];
    assert_eq!(wire.recorded(), expected);
}

#[tokio::test]
async fn requests_and_responses_can_be_changed() {
    let server = Arc::new(Echo::default());
    let wire = Interceptor::new(server.clone())
        .on_request(|request| {
            request.body.push(b'!');
            RequestFate::Pass
        })
        .on_response(|request, response| {
            assert_eq!(request.body, b"x!");
            response.status = 403;
            ResponseFate::Pass
        });
    let response = wire.exchange(post(b"x")).await.unwrap();
    assert_eq!((response.status, &*response.body), (403, &b"x!\x01"[..]));
    assert_eq!(*server.seen.lock().unwrap(), [post(b"x!")]);
    // The record shows what the honest ends sent.
    assert_eq!(wire.recorded()[0], Crossing::Request(post(b"x")));
    let honest = Response {
        status: 200,
        body: b"x!\x01".to_vec(),
    };
    assert_eq!(wire.recorded()[1], Crossing::Response(honest));
}

#[tokio::test]
async fn a_dropped_request_never_arrives() {
    let server = Arc::new(Echo::default());
    let wire = Interceptor::new(server.clone()).on_request(|_| RequestFate::Drop);
    let outcome = wire.exchange(post(b"x")).await;
    assert!(matches!(outcome, Err(TransportError::TimedOut { .. })));
    assert!(server.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_dropped_response_leaves_the_work_done() {
    let server = Arc::new(Echo::default());
    let wire = Interceptor::new(server.clone()).on_response(|_, _| ResponseFate::Drop);
    let outcome = wire.exchange(post(b"x")).await;
    assert!(matches!(outcome, Err(TransportError::TimedOut { .. })));
    assert_eq!(server.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_duplicate_arrives_twice_and_is_answered_once() {
    let server = Arc::new(Echo::default());
    let wire = Interceptor::new(server.clone()).on_request(|_| RequestFate::Duplicate);
    let response = wire.exchange(post(b"x")).await.unwrap();
    assert_eq!(response.body, b"x\x01");
    assert_eq!(*server.seen.lock().unwrap(), [post(b"x"), post(b"x")]);
    assert_eq!(wire.recorded().len(), 3);
}

#[tokio::test]
async fn a_forgery_keeps_the_server_in_the_dark() {
    let server = Arc::new(Echo::default());
    let forged = Response {
        status: 200,
        body: b"trust me".to_vec(),
    };
    let fate = RequestFate::Forge(forged.clone());
    let wire = Interceptor::new(server.clone()).on_request(move |_| fate.clone());
    assert_eq!(wire.exchange(post(b"x")).await, Ok(forged));
    assert!(server.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_record_forgets_the_oldest_at_its_limit() {
    let wire = Interceptor::new(Arc::new(Echo::default()));
    for number in 0..RECORDED_CROSSINGS / 2 {
        wire.exchange(post(&number.to_be_bytes())).await.unwrap();
    }
    assert_eq!(wire.recorded().len(), RECORDED_CROSSINGS);
    assert_eq!(wire.recorded()[0], Crossing::Request(post(&[0; 8])));
    wire.exchange(post(b"one more")).await.unwrap();
    let recorded = wire.recorded();
    assert_eq!(recorded.len(), RECORDED_CROSSINGS);
    assert_eq!(recorded[0], Crossing::Request(post(&1_usize.to_be_bytes())));
}
