//! A server that has its keys and the session, and may lie at every step; and what a client says
//! of it.

use std::sync::{Arc, Mutex};

use chacha20::ChaCha20Rng;
use pqfw_framework::aead::AeadKey;
use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};
use pqfw_memory::{Interceptor, RequestFate, SeededWorld};
use pqfw_qu3::Qu3Client;
use pqfw_qu3::error::ClientError;
use pqfw_qu3::keys::{EndKeys, ServerPublicKeys};
use pqfw_qu3::models::Models;
use pqfw_qu3::wire::{self, Attestation, InferenceRequest, InferenceResponse, route};

use crate::support::{
    URL, Who, bytes, json, keys_of, object, public_keys_of, seal, session_key, suite, text_input,
};

pub(crate) type Hook<T> = Box<dyn Fn(&mut T) + Send + Sync>;

fn honest<T>() -> Hook<T> {
    Box::new(|_| {})
}

/// A server that has the server's keys and the session, and may lie at every step.
pub(crate) struct Liar {
    pub(crate) keys: EndKeys,
    pub(crate) session: Mutex<Option<AeadKey>>,
    pub(crate) rng: Mutex<ChaCha20Rng>,
    pub(crate) seen: Mutex<Vec<String>>,
    pub(crate) before_signing: Hook<InferenceResponse>,
    pub(crate) after_signing: Hook<InferenceResponse>,
    pub(crate) policy_before_signing: Hook<Vec<u8>>,
    pub(crate) plaintext: Hook<Vec<u8>>,
    pub(crate) body: Hook<Object>,
}

impl Liar {
    pub(crate) fn new() -> Self {
        Self {
            keys: keys_of(Who::Server),
            session: Mutex::default(),
            rng: Mutex::new(ChaCha20Rng::seed_from_u64(3)),
            seen: Mutex::default(),
            before_signing: honest(),
            after_signing: honest(),
            policy_before_signing: honest(),
            plaintext: honest(),
            body: honest(),
        }
    }

    fn answer(&self, request: &Request) -> Response {
        self.seen.lock().unwrap().push(request.route.clone());
        let body = json(&request.body);
        let body = match request.route.as_str() {
            route::HANDSHAKE => self.handshake(&body),
            route::INFERENCE => self.inference(&body),
            route::POLICY => self.policy(&body),
            other => panic!("{other}"),
        };
        let Json::Object(mut body) = body else {
            panic!("no object")
        };
        (self.body)(&mut body);
        wire::response(200, &Json::Object(body))
    }

    fn handshake(&self, body: &Json) -> Json {
        let suite = suite();
        let client = bytes(body, "client_kem_pub_key_b64");
        let client = suite.kem.import_encapsulation_key(&client).unwrap();
        let mut rng = self.rng.lock().unwrap();
        let (ciphertext, secret) = client.encapsulate(&mut *rng).unwrap();
        *self.session.lock().unwrap() = Some(session_key(&suite, &secret));
        object([("kemCiphertextB64", wire::encode(&ciphertext))])
    }

    fn inference(&self, body: &Json) -> Json {
        let (nonce, sealed) = (bytes(body, "nonceB64"), bytes(body, "encryptedPayloadB64"));
        let (request, _) = InferenceRequest::read(&self.open(&nonce, &sealed)).unwrap();
        let outcome = Models::builtin().run(&request.model_id, &request.input_data);
        let mut reply = InferenceResponse {
            attestation: Attestation {
                server_version: "liar/1".into(),
                model_id: request.model_id.clone(),
                success: outcome.is_ok(),
                input_hash: Attestation::hash_of(&request.input_data),
                output_hash: Attestation::hash_of(outcome.as_ref().unwrap_or(&Json::Null)),
                timestamp: "2026-01-01T00:00:00+00:00".into(),
            },
            outcome,
            signature: Vec::new(),
        };
        (self.before_signing)(&mut reply);
        reply.signature = self.sign(&reply.attestation.signed_bytes());
        (self.after_signing)(&mut reply);
        let (nonce, sealed) = self.seal(reply.plaintext());
        object([("nonceB64", nonce), ("encryptedPayloadB64", sealed)])
    }

    fn policy(&self, body: &Json) -> Json {
        self.open(&bytes(body, "nonce_b64"), &bytes(body, "ciphertext_b64"));
        let text = r#"{"status": "Policy update received and verified successfully."}"#;
        let mut text = text.as_bytes().to_vec();
        (self.policy_before_signing)(&mut text);
        let signature = wire::encode(&self.sign(&text));
        let (nonce, sealed) = self.seal(text);
        object([
            ("nonce_b64", nonce),
            ("ciphertext_b64", sealed),
            ("signature_b64", signature),
        ])
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut rng = self.rng.lock().unwrap();
        self.keys.sign.sign(&mut *rng, &[message]).unwrap()
    }

    fn open(&self, nonce: &[u8], sealed: &[u8]) -> Vec<u8> {
        let session = self.session.lock().unwrap();
        session.as_ref().unwrap().open(nonce, &[], sealed).unwrap()
    }

    fn seal(&self, mut plaintext: Vec<u8>) -> (String, String) {
        (self.plaintext)(&mut plaintext);
        let (session, mut rng) = (self.session.lock().unwrap(), self.rng.lock().unwrap());
        let (nonce, sealed) = seal(session.as_ref().unwrap(), &mut *rng, &plaintext);
        (wire::encode(&nonce), wire::encode(&sealed))
    }
}

impl Exchange for Liar {
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move { Ok(self.answer(&request)) })
    }
}

/// Changes the bytes behind one field of a body that has it.
pub(crate) fn edit(
    field: &'static str,
    change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static,
) -> Hook<Object> {
    Box::new(move |body| {
        if let Some(Json::String(text)) = body.get(field) {
            let mut bytes = wire::decode(text).unwrap();
            change(&mut bytes);
            body.insert(field, wire::encode(&bytes));
        }
    })
}

pub(crate) fn spoil(field: &'static str, value: Option<Json>) -> Hook<Object> {
    Box::new(move |body| {
        if body.remove(field).is_some()
            && let Some(value) = &value
        {
            body.insert(field, value.clone());
        }
    })
}

pub(crate) async fn client_of(wire: Arc<dyn Exchange>) -> Result<Qu3Client, ClientError> {
    client_trusting(wire, &public_keys_of(Who::Server)).await
}

pub(crate) async fn client_trusting(
    wire: Arc<dyn Exchange>,
    server: &ServerPublicKeys,
) -> Result<Qu3Client, ClientError> {
    let world = Arc::new(SeededWorld::new(4));
    Qu3Client::connect(wire, suite(), world, keys_of(Who::Alice), server, URL).await
}

/// What a client says of a server's answer to an inference.
pub(crate) async fn inference_from(liar: Liar) -> Result<Result<Json, String>, ClientError> {
    let mut client = client_of(Arc::new(liar)).await?;
    let inference = client.send_request("model_caps", &text_input("x")).await?;
    Ok(inference.outcome)
}

/// What a client says of a server's answer to a policy.
pub(crate) async fn policy_from(liar: Liar) -> Result<(), ClientError> {
    let mut client = client_of(Arc::new(liar)).await?;
    client.update_policy("deny model_caps", false).await
}

/// A server that answers one route always alike, and everything else honestly.
pub(crate) fn stuck(on: &'static str, status: u16, body: &[u8]) -> (Arc<Interceptor>, Arc<Liar>) {
    let (liar, body) = (Arc::new(Liar::new()), body.to_vec());
    let wire = Interceptor::new(liar.clone()).on_request(move |request| {
        if request.route == on {
            let body = body.clone();
            return RequestFate::Forge(Response { status, body });
        }
        RequestFate::Pass
    });
    (Arc::new(wire), liar)
}

#[track_caller]
pub(crate) fn authentication(error: &ClientError) {
    assert_eq!(error.failure(), Failure::Authentication, "{error}");
    let run = RunError::from(error.clone());
    assert_eq!(run.failure, Failure::Authentication);
    assert_eq!(run.message, error.to_string());
}

#[track_caller]
pub(crate) fn operation(error: &ClientError) {
    assert_eq!(error.failure(), Failure::Operation, "{error}");
}
