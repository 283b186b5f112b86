//! What a client refuses of a server's answers.

use std::sync::Arc;

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};
use pqfw_mcp::signed::client::PqcMcpClient;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::message::MessageSigner;

use crate::support::{House, SERVER, STRANGER, identity, liar, with_envelope};

fn object(json: Json) -> Object {
    json.as_object().unwrap().clone()
}

async fn client(
    lenient: bool,
    lie: impl Fn(&House, &str, Json) -> Json + Send + Sync + 'static,
) -> (Arc<House>, PqcMcpClient) {
    let house = Arc::new(House::with(|config| config.lenient = lenient));
    let client = house.connect_through(liar(&house, lie)).await.unwrap();
    (house, client)
}

async fn greet(client: &PqcMcpClient) -> Result<Json, PqcTransportError> {
    let arguments = Json::object([("name", "World".into())]);
    client.call_tool("greet", &arguments).await
}

/// Refused in strict mode, warned about in lenient.
async fn only_lenient(
    lie: impl Fn(&House, &str, Json) -> Json + Send + Sync + Clone + 'static,
) -> PqcTransportError {
    let (house, lenient) = client(true, lie.clone()).await;
    assert_eq!(greet(&lenient).await, Ok("Hello, World!".into()));
    let warnings = house.told.warnings();
    assert!(warnings.iter().any(|text| text.contains("mcp.lenient")));
    let (_, strict) = client(false, lie).await;
    greet(&strict).await.unwrap_err()
}

fn signed_by(who: u64, house: &House, answer: &Object) -> Json {
    house.sign(who, answer, "").into()
}

#[tokio::test]
async fn an_unsigned_answer_is_refused() {
    let error = only_lenient(|_, _, answer| MessageSigner::strip_pqc(&object(answer)).into());
    let error = error.await;
    assert!(matches!(error, PqcTransportError::SignatureVerification(_)));
}

#[tokio::test]
async fn an_answer_signed_by_somebody_else_is_refused() {
    let error = only_lenient(|house, _, answer| signed_by(STRANGER, house, &object(answer)));
    let error = error.await;
    assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
    let error = only_lenient(|house, _, answer| {
        let signed = object(signed_by(STRANGER, house, &object(answer)));
        let name = identity(SERVER);
        with_envelope(&signed, "signer_did", Some(name.did().as_str())).into()
    });
    assert!(matches!(
        error.await,
        PqcTransportError::PeerNotAuthenticated(_)
    ));
}

#[tokio::test]
async fn an_answer_to_another_request_is_refused() {
    let error = only_lenient(|house, _, answer| {
        let mut other = object(answer);
        other.insert("id", "another");
        signed_by(SERVER, house, &other)
    });
    let error = error.await;
    assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
}

#[tokio::test]
async fn an_answer_with_a_used_nonce_is_refused() {
    let kept = Arc::new(std::sync::Mutex::new(None::<String>));
    let (_, client) = client(false, move |_, _, answer| {
        let answer = object(answer);
        let mut kept = kept.lock().unwrap();
        let nonce = crate::support::envelope_text(&answer, "nonce").to_owned();
        let nonce = kept.get_or_insert(nonce).clone();
        with_envelope(&answer, "nonce", Some(&nonce)).into()
    })
    .await;
    greet(&client).await.unwrap();
    let error = greet(&client).await.unwrap_err();
    assert!(matches!(error, PqcTransportError::ReplayAttack(_)));
}

#[tokio::test]
async fn a_changed_answer_and_a_late_one_are_refused() {
    let (_, changed) = client(false, |_, _, answer| {
        let mut answer = object(answer);
        answer.insert(
            "result",
            Json::object([("content", "Hello, Mallet!".into())]),
        );
        answer.into()
    })
    .await;
    let error = greet(&changed).await.unwrap_err();
    assert!(matches!(error, PqcTransportError::SignatureVerification(_)));
    let (_, late) = client(false, |house, _, answer| {
        house.wait(301);
        answer
    })
    .await;
    let error = greet(&late).await.unwrap_err();
    assert!(matches!(error, PqcTransportError::Handshake(_)));
}

#[tokio::test]
async fn answers_that_are_none_are_malformed() {
    for answer in ["{}", r#"{"error": {}}"#, r#"{"result": {}}"#] {
        let body = pqfw_mcp::signed::message::parse(answer.as_bytes()).unwrap();
        let (_, client) = client(false, move |house, _, honest| {
            let mut made = object(body.clone());
            made.insert("id", object(honest).get("id").cloned().unwrap());
            signed_by(SERVER, house, &made)
        })
        .await;
        let error = greet(&client).await.unwrap_err();
        assert!(matches!(error, PqcTransportError::Malformed(_)), "{error}");
        let error = client.list_tools().await.unwrap_err();
        assert!(matches!(error, PqcTransportError::Malformed(_)), "{error}");
    }
    let (_, client) = client(false, |_, _, _| Json::Null).await;
    let error = greet(&client).await.unwrap_err();
    assert!(matches!(error, PqcTransportError::Malformed(_)));
}

#[tokio::test]
async fn a_client_whose_session_is_over_says_so() {
    let (house, client) = client(false, |_, _, answer| answer).await;
    house.wait(3600);
    assert_eq!(greet(&client).await, Err(PqcTransportError::SessionExpired));
}

/// Nobody answers, or with a status.
struct Broken(Option<u16>);

impl Exchange for Broken {
    fn exchange(&self, _: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let answer = match self.0 {
            Some(status) => Ok(Response {
                status,
                body: Vec::new(),
            }),
            None => Err(TransportError::Broken {
                address: "nowhere".into(),
                reason: "nobody".into(),
            }),
        };
        Box::pin(async { answer })
    }
}

#[tokio::test]
async fn trouble_on_the_way_is_told_apart() {
    let house = House::new();
    let status = house.connect_through(Arc::new(Broken(Some(500)))).await;
    assert_eq!(status.err(), Some(PqcTransportError::Status(500)));
    let broken = house.connect_through(Arc::new(Broken(None))).await;
    assert!(matches!(
        broken.err(),
        Some(PqcTransportError::Transport(_))
    ));
}
