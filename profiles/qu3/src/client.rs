//! The asking end: everything that the server says is verified before it is believed.

use std::sync::Arc;

use pqfw_framework::aead::AeadKey;
use pqfw_framework::python_json::Json;
use pqfw_framework::signature::{SignatureError, VerifyingKey};
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{BoxFuture, Exchange, Request};
use pqfw_framework::world::World;

use crate::crypto;
use crate::error::ClientError;
use crate::inference::{Inference, InferenceClient, readable_policy, run_agent};
use crate::keys::{EndKeys, ServerPublicKeys};
use crate::models::Models;
use crate::wire::{self, Attestation, InferenceRequest, InferenceResponse, POLICY_ACCEPTED, route};

/// A client of one server.
pub struct Qu3Client {
    exchange: Arc<dyn Exchange>,
    suite: Suite,
    world: Arc<dyn World>,
    keys: EndKeys,
    server: VerifyingKey,
    server_url: String,
    session: Option<AeadKey>,
}

/// Fetches a server's public keys, which nothing vouches for yet.
///
/// # Errors
/// [`ClientError`].
pub async fn fetch_keys(exchange: &dyn Exchange) -> Result<ServerPublicKeys, ClientError> {
    let json = call(exchange, Request::get(route::KEYS)).await?;
    let field = |name| json.get(name)?.as_str().and_then(wire::decode);
    match (
        field("server_kem_public_key_b64"),
        field("server_sign_public_key_b64"),
    ) {
        (Some(kem), Some(sign)) => Ok(ServerPublicKeys { kem, sign }),
        _ => Err(ClientError::Unreadable("/keys")),
    }
}

impl Qu3Client {
    /// Makes a session with the server whose keys are `server`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn connect(
        exchange: Arc<dyn Exchange>,
        suite: Suite,
        world: Arc<dyn World>,
        keys: EndKeys,
        server: &ServerPublicKeys,
        server_url: &str,
    ) -> Result<Self, ClientError> {
        let server = suite.signature.import_verifying_key(&server.sign)?;
        let server_url = server_url.to_owned();
        let mut client = Self {
            exchange,
            suite,
            world,
            keys,
            server,
            server_url,
            session: None,
        };
        client.handshake().await?;
        Ok(client)
    }

    /// Makes a new session in place of the old one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn handshake(&mut self) -> Result<(), ClientError> {
        self.session = None;
        let body = Json::object([
            (
                "client_kem_pub_key_b64",
                wire::encode(&self.keys.kem_public).as_str().into(),
            ),
            (
                "client_sign_pub_key_b64",
                wire::encode(&self.keys.sign_public).as_str().into(),
            ),
        ]);
        let json = self.post(route::HANDSHAKE, &body).await?;
        let unreadable = || ClientError::Unreadable("the handshake");
        let ciphertext = json.get("kemCiphertextB64").and_then(Json::as_str);
        let ciphertext = ciphertext.and_then(wire::decode).ok_or_else(unreadable)?;
        if ciphertext.len() != self.suite.kem.sizes().ciphertext {
            return Err(unreadable());
        }
        let secret = self.suite.kem.decapsulate(&self.keys.kem, &ciphertext)?;
        self.session = Some(crypto::session_key::<ClientError>(&self.suite, &secret)?);
        Ok(())
    }

    /// Runs one model. An expired session is renewed, once.
    ///
    /// # Errors
    /// [`ClientError`]; a model's own refusal is no error but an [`Inference`] without output.
    pub async fn send_request(
        &mut self,
        model: &str,
        input: &Json,
    ) -> Result<Inference, ClientError> {
        self.make_up_for_a_lost_renewal().await?;
        match self.try_request(model, input).await {
            Err(ClientError::Refused { status: 401, .. }) => {
                self.handshake().await?;
                self.try_request(model, input).await
            }
            other => other,
        }
    }

    /// A renewal that failed on the way left no session; the next request tries again.
    async fn make_up_for_a_lost_renewal(&mut self) -> Result<(), ClientError> {
        match self.session {
            Some(_) => Ok(()),
            None => self.handshake().await,
        }
    }

    async fn try_request(&self, model: &str, input: &Json) -> Result<Inference, ClientError> {
        let request = InferenceRequest {
            input_data: input.clone(),
            model_id: model.to_owned(),
            target_server_url: self.server_url.clone(),
        };
        let body = self.seal_inference(&request)?;
        let json = self.post(route::INFERENCE, &body).await?;
        let what = "the inference";
        let plaintext = self.open(&json, ["nonceB64", "encryptedPayloadB64"], what)?;
        let (response, signed) =
            InferenceResponse::read(&plaintext).ok_or(ClientError::Unreadable(what))?;
        self.verify(&signed, &response.signature, "the attestation")?;
        check_attestation(&request, &response)?;
        Ok(Inference {
            model: model.to_owned(),
            outcome: response.outcome.map_err(|text| printable(&text)),
            timestamp: response.attestation.timestamp,
            server: response.attestation.server_version,
        })
    }

    fn seal_inference(&self, request: &InferenceRequest) -> Result<Json, ClientError> {
        let mut rng = self.world.rng();
        let signature = self.keys.sign.sign(&mut *rng, &[&request.signed_bytes()])?;
        let plaintext = request.plaintext(&signature);
        let (nonce, sealed) = crypto::seal(&self.suite, self.key()?, &mut *rng, &plaintext)?;
        Ok(Json::object([
            (
                "clientKemPublicKeyB64",
                wire::encode(&self.keys.kem_public).as_str().into(),
            ),
            ("nonceB64", wire::encode(&nonce).as_str().into()),
            ("encryptedPayloadB64", wire::encode(&sealed).as_str().into()),
        ]))
    }

    /// Runs a workflow, as [`run_agent`] does.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn run_agent(
        &mut self,
        workflow: &str,
        input: &Json,
        each: impl FnMut(usize, &Inference),
    ) -> Result<Vec<Inference>, ClientError> {
        run_agent(self, workflow, input, each).await
    }

    /// Sends a policy that the server can enforce.
    ///
    /// # Errors
    /// [`ClientError::Policy`] for a text without rules or with a line that is none; `as_note`
    /// sends such a text all the same.
    pub async fn update_policy(&mut self, text: &str, as_note: bool) -> Result<(), ClientError> {
        readable_policy(text, as_note)?;
        self.make_up_for_a_lost_renewal().await?;
        match self.try_policy(text).await {
            Err(ClientError::Refused { status: 401, .. }) => {
                self.handshake().await?;
                self.try_policy(text).await
            }
            other => other,
        }
    }

    async fn try_policy(&self, text: &str) -> Result<(), ClientError> {
        let body = self.seal_policy(text)?;
        let json = self.post(route::POLICY, &body).await?;
        let what = "the policy update";
        let plaintext = self.open(&json, ["nonce_b64", "ciphertext_b64"], what)?;
        let signature = json
            .get("signature_b64")
            .and_then(Json::as_str)
            .and_then(wire::decode);
        let signature = signature.ok_or(ClientError::Unreadable(what))?;
        self.verify(&plaintext, &signature, "the policy's acceptance")?;
        if plaintext != POLICY_ACCEPTED.as_bytes() {
            return Err(ClientError::Unreadable(what));
        }
        Ok(())
    }

    fn seal_policy(&self, text: &str) -> Result<Json, ClientError> {
        let mut rng = self.world.rng();
        let signature = self.keys.sign.sign(&mut *rng, &[text.as_bytes()])?;
        let (nonce, sealed) = crypto::seal(&self.suite, self.key()?, &mut *rng, text.as_bytes())?;
        Ok(Json::object([
            (
                "client_kem_pub_key_b64",
                wire::encode(&self.keys.kem_public).as_str().into(),
            ),
            ("nonce_b64", wire::encode(&nonce).as_str().into()),
            ("ciphertext_b64", wire::encode(&sealed).as_str().into()),
            ("signature_b64", wire::encode(&signature).as_str().into()),
        ]))
    }

    /// Wipes the session's key. The dialect has no message that would end it at the server too;
    /// there it lives on until its hour is over.
    pub fn disconnect(self) {}

    fn key(&self) -> Result<&AeadKey, ClientError> {
        self.session
            .as_ref()
            .ok_or_else(|| ClientError::Crypto("there is no session".into()))
    }

    fn open(
        &self,
        json: &Json,
        [nonce, sealed]: [&str; 2],
        what: &'static str,
    ) -> Result<Vec<u8>, ClientError> {
        let field = |name| json.get(name).and_then(Json::as_str).and_then(wire::decode);
        let unreadable = ClientError::Unreadable(what);
        let (Some(nonce), Some(sealed)) = (field(nonce), field(sealed)) else {
            return Err(unreadable);
        };
        self.key()?
            .open(&nonce, &[], &sealed)
            .map_err(|_| ClientError::Undecryptable(what))
    }

    fn verify(
        &self,
        message: &[u8],
        signature: &[u8],
        what: &'static str,
    ) -> Result<(), ClientError> {
        match self
            .suite
            .signature
            .verify(&self.server, &[message], &[], signature)
        {
            Err(SignatureError::Rejected) => Err(ClientError::BadSignature(what)),
            other => Ok(other?),
        }
    }

    async fn post(&self, route: &str, body: &Json) -> Result<Json, ClientError> {
        let body = body.canonical().into_bytes();
        call(&*self.exchange, Request::post(route, body)).await
    }
}

impl InferenceClient for Qu3Client {
    fn infer<'a>(
        &'a mut self,
        model: &'a str,
        input: &'a Json,
    ) -> BoxFuture<'a, Result<Inference, ClientError>> {
        Box::pin(self.send_request(model, input))
    }

    fn set_policy<'a>(
        &'a mut self,
        text: &'a str,
        as_note: bool,
    ) -> BoxFuture<'a, Result<(), ClientError>> {
        Box::pin(self.update_policy(text, as_note))
    }

    /// The dialect has no message that asks for them; every deployed server has these.
    fn models(&mut self) -> BoxFuture<'_, Result<Vec<(String, String)>, ClientError>> {
        let models = Models::builtin();
        let models = models
            .iter()
            .map(|(name, model)| (name.to_owned(), model.summary().to_owned()));
        let models = models.collect();
        Box::pin(async { Ok(models) })
    }

    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.disconnect();
        Box::pin(async {})
    }
}

async fn call(exchange: &dyn Exchange, request: Request) -> Result<Json, ClientError> {
    let response = exchange.exchange(request).await?;
    let json = wire::parse(&response.body);
    if response.status == 200 {
        return json.map_err(|_| ClientError::Unreadable("the request"));
    }
    let detail = match json.as_ref().ok().and_then(|json| json.get("detail")) {
        Some(Json::String(text)) => printable(text),
        Some(other) => other.default_text().chars().take(500).collect(),
        None => "no detail".to_owned(),
    };
    Err(ClientError::Refused {
        status: response.status,
        detail,
    })
}

/// A server's words, which nothing vouches for, on their way to a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(500)
        .collect()
}

/// The attestation must speak of this request and of this output. It is still no proof of
/// freshness: `qu3-1` binds neither session nor nonce into it.
fn check_attestation(
    request: &InferenceRequest,
    response: &InferenceResponse,
) -> Result<(), ClientError> {
    let attested = &response.attestation;
    let output = response.outcome.as_ref().unwrap_or(&Json::Null);
    let checks = [
        ("model", attested.model_id == request.model_id),
        (
            "input",
            attested.input_hash == Attestation::hash_of(&request.input_data),
        ),
        (
            "output",
            attested.output_hash == Attestation::hash_of(output),
        ),
        ("status", attested.success == response.outcome.is_ok()),
    ];
    match checks.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(ClientError::Attestation(field)),
        None => Ok(()),
    }
}
