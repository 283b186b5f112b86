//! The layer: nothing reaches the service behind it that is not signed in a session.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::World;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::gate::Gate;
use pqfw_mcp::signed::handshake::PqcHandshake;
use pqfw_mcp::signed::layer::{PqcLayer, PqcService, Signer, Whole};
use pqfw_mcp::signed::message::{MessageSigner, parse};
use tower_layer::Layer;
use tower_service::Service;

use crate::support::{CLIENT, House, SERVER, greet, identity, suite};

/// A body, and whose it was.
type Seen = (String, Option<Signer>);

/// Answers with what it was asked, and notes who asked.
#[derive(Clone, Default)]
struct Behind {
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Option<&'static str>,
}

impl Service<Request<Whole>> for Behind {
    type Response = Response<Whole>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Whole>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Whole>) -> Self::Future {
        let signer = request.extensions().get::<Signer>().cloned();
        let text = String::from_utf8(request.body().bytes().to_vec()).unwrap();
        self.seen.lock().unwrap().push((text.clone(), signer));
        let answer = self.answer.map_or(text, str::to_owned);
        ready(Ok(Response::new(Whole::new(answer))))
    }
}

fn stand(house: &House, answer: Option<&'static str>) -> (PqcService<Behind>, Behind) {
    let gate = Gate::new(
        house.world.now(),
        identity(SERVER),
        &house.config,
        &suite(),
        Arc::new(MemoryStore::default()),
        Audit::default(),
        house.told.clone(),
    );
    let behind = Behind {
        answer,
        ..Behind::default()
    };
    let layer = PqcLayer::new(
        gate.unwrap(),
        house.world.clone(),
        house.told.clone(),
        1 << 16,
    );
    (layer.layer(behind.clone()), behind)
}

async fn send(
    service: &mut PqcService<Behind>,
    method: &str,
    path: &str,
    body: impl Into<Bytes>,
) -> (u16, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Whole::new(body)).unwrap();
    let response = service.call(request).await.unwrap();
    let text = String::from_utf8(response.body().bytes().to_vec()).unwrap();
    (response.status().as_u16(), text)
}

async fn session(house: &House, service: &mut PqcService<Behind>) -> String {
    let (now, mut rng) = (house.world.now(), house.world.rng());
    let (_, request) = PqcHandshake::initiate(&identity(CLIENT), now, &mut *rng).unwrap();
    let (status, text) = send(service, "POST", "/handshake", request.default_text()).await;
    assert_eq!(status, 200);
    let answer = parse(text.as_bytes()).unwrap();
    answer.get("session_id").unwrap().as_str().unwrap().into()
}

fn text(message: Object) -> String {
    Json::from(message).default_text()
}

#[tokio::test]
async fn a_signed_message_comes_bare_with_its_signer_and_its_answer_is_signed() {
    let house = House::new();
    let (mut service, behind) = stand(&house, None);
    let session = session(&house, &mut service).await;
    let message = house.sign(CLIENT, &greet("1"), &session);
    let (status, answer) = send(&mut service, "POST", "/mcp", text(message.clone())).await;
    assert_eq!(status, 200);
    let answer = parse(answer.as_bytes()).unwrap();
    let client = MessageSigner::new(identity(CLIENT));
    let verified = client.verify_message(answer.as_object().unwrap()).unwrap();
    assert_eq!(verified.envelope.signer, *identity(SERVER).did());
    assert_eq!(verified.message, greet("1"));
    let seen = behind.seen.lock().unwrap();
    let signer = seen[0].1.clone().unwrap();
    assert_eq!(signer.did, *identity(CLIENT).did());
    assert_eq!(signer.session, Some(session));
    assert_eq!(seen[0].0, text(greet("1")));
}

#[tokio::test]
async fn no_unsigned_post_comes_through_not_even_leniently() {
    for lenient in [false, true] {
        let house = House::with(|config| config.lenient = lenient);
        let (mut service, behind) = stand(&house, None);
        let session = session(&house, &mut service).await;
        let mut changed = house.sign(CLIENT, &greet("1"), &session);
        changed.insert("id", "2");
        let large = format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 16));
        for body in [
            "",
            "{}",
            "[]",
            "nonsense",
            &text(greet("1")),
            &text(changed),
            &large,
        ] {
            let (status, _) = send(&mut service, "POST", "/mcp", body.to_owned()).await;
            assert_eq!(status, 500, "{body:.40}");
        }
        assert!(behind.seen.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn other_methods_pass_without_a_signer_and_a_signature_counts_once() {
    let house = House::new();
    let (mut service, behind) = stand(&house, None);
    assert_eq!(send(&mut service, "GET", "/health", "").await.0, 200);
    let session = session(&house, &mut service).await;
    let message = text(house.sign(CLIENT, &greet("1"), &session));
    assert_eq!(
        send(&mut service, "POST", "/mcp", message.clone()).await.0,
        200
    );
    assert_eq!(send(&mut service, "POST", "/mcp", message).await.0, 500);
    let seen = behind.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].1, None);
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_an_error_and_is_never_sent_unsigned() {
    let house = House::new();
    let (mut service, _) = stand(&house, Some("secret"));
    let session = session(&house, &mut service).await;
    let message = text(house.sign(CLIENT, &greet("1"), &session));
    let (status, answer) = send(&mut service, "POST", "/mcp", message).await;
    assert_eq!((status, answer.contains("secret")), (500, false));
}

/// A body that comes in frames, or breaks off.
struct Frames(Vec<Result<&'static str, ()>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = ();

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ()>>> {
        let next = self.0.pop();
        Poll::Ready(next.map(|frame| frame.map(|text| Frame::data(Bytes::from(text)))))
    }
}

#[tokio::test]
async fn a_body_in_pieces_is_gathered_and_a_broken_one_refused() {
    let house = House::new();
    let (mut service, behind) = stand(&house, None);
    for (frames, status) in [(vec![Ok("b"), Ok("a")], 200), (vec![Err(()), Ok("a")], 500)] {
        let request = Request::get("/").body(Frames(frames)).unwrap();
        let response = service.call(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
    }
    assert_eq!(behind.seen.lock().unwrap()[0].0, "ab");
}
