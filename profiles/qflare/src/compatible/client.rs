//! The device's end.

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{Exchange, Request, Response};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{confirmation, route};
use crate::error::ClientError;
use crate::json::{base64, from_base64};
use crate::keys::DeviceKeys;
use crate::state::DeviceId;

/// A device of one server.
pub struct Client {
    exchange: Arc<dyn Exchange>,
    suite: Suite,
    device: DeviceId,
}

/// The global model, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its version.
    pub version: String,
    /// Its values, f32 little-endian, the tensors ordered by name.
    pub weights: Vec<u8>,
}

impl Client {
    /// Makes a client; nothing is sent yet.
    #[must_use]
    pub fn new(exchange: Arc<dyn Exchange>, suite: Suite, device: DeviceId) -> Self {
        Self {
            exchange,
            suite,
            device,
        }
    }

    /// Asks whether the server is well.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn health(&self) -> Result<(), ClientError> {
        let answer = self.ask(Request::get(route::HEALTH), "health").await?;
        match text(&answer, "status") {
            Some("healthy") => Ok(()),
            _ => Err(ClientError::Unreadable("health")),
        }
    }

    /// Enrols this device with a token.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] with 401 for a token that is not good.
    pub async fn enroll(&self, token: &str, keys: &DeviceKeys) -> Result<(), ClientError> {
        let body = json!({
            "device_id": self.device.as_str(),
            "enrollment_token": token,
            "kem_public_key": base64(&keys.kem.encapsulation_key()),
            "signature_public_key": base64(&keys.sign.verifying_key()),
        });
        self.post(route::ENROLL, &body, "enrolment").await.map(drop)
    }

    /// Proves that this device holds its KEM key, and gives the session token.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn authenticate(&self, keys: &DeviceKeys) -> Result<Zeroizing<String>, ClientError> {
        let unreadable = || ClientError::Unreadable("a challenge");
        let body = json!({ "device_id": self.device.as_str() });
        let answer = self.post(route::CHALLENGE, &body, "a challenge").await?;
        let ciphertext = text(&answer, "challenge").and_then(from_base64);
        let ciphertext = ciphertext.ok_or_else(unreadable)?;
        let secret = keys.kem.decapsulate(&ciphertext);
        let secret = secret.map_err(|_| unreadable())?;
        let (kdf, sha256) = (&self.suite.kdf, &self.suite.digest);
        let answer = confirmation(kdf, sha256, &secret, &self.device, &ciphertext);
        let answer = answer.map_err(|error| ClientError::Crypto(error.to_string()))?;
        let body = json!({
            "device_id": self.device.as_str(),
            "challenge_response": base64(answer.expose()),
        });
        let answer = self.post(route::VERIFY, &body, "an authentication").await?;
        let token = text(&answer, "session_token");
        let token = token.ok_or(ClientError::Unreadable("an authentication"))?;
        Ok(Zeroizing::new(token.to_owned()))
    }

    /// Fetches the global model; `None` when there is none yet.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn global_model(&self) -> Result<Option<Fetched>, ClientError> {
        let what = "the global model";
        let answer = match self.ask(Request::get(route::MODEL), what).await {
            Err(ClientError::Refused { status: 404, .. }) => return Ok(None),
            answer => answer?,
        };
        let weights = text(&answer, "model_weights").and_then(from_base64);
        let version = text(&answer, "model_version");
        match weights.zip(version) {
            Some((weights, version)) => Ok(Some(Fetched {
                version: version.to_owned(),
                weights,
            })),
            None => Err(ClientError::Unreadable(what)),
        }
    }

    /// Signs weights and submits them; gives the round.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] with 409 when the model has changed meanwhile.
    pub async fn submit(
        &self,
        keys: &DeviceKeys,
        rng: &mut (dyn CryptoRng + Send),
        weights: &[u8],
        examples: u64,
        version: &str,
        session: Option<&str>,
    ) -> Result<u64, ClientError> {
        let signature = keys.sign.sign(rng, &[weights])?;
        let mut body = json!({
            "device_id": self.device.as_str(),
            "model_weights": base64(weights),
            "signature": base64(&signature),
            "metadata": { "num_samples": examples, "model_version": version },
        });
        if let Some(session) = session {
            body["session_token"] = session.into();
        }
        let answer = self.post(route::SUBMIT, &body, "an update").await?;
        let round = answer.get("aggregation_round").and_then(Value::as_u64);
        round.ok_or(ClientError::Unreadable("an update"))
    }

    async fn post(
        &self,
        route: &str,
        body: &Value,
        what: &'static str,
    ) -> Result<Value, ClientError> {
        let request = Request::post(route, body.to_string().into_bytes());
        self.ask(request, what).await
    }

    async fn ask(&self, request: Request, what: &'static str) -> Result<Value, ClientError> {
        let response = self.exchange.exchange(request).await?;
        accepted(&response)?;
        serde_json::from_slice(&response.body).map_err(|_| ClientError::Unreadable(what))
    }
}

/// A refusal, in the server's words as far as they can be printed.
pub(crate) fn accepted(response: &Response) -> Result<(), ClientError> {
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let json: Option<Value> = serde_json::from_slice(&response.body).ok();
    let detail = json.as_ref().and_then(|json| json.get("detail"));
    let detail = match detail {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "no detail".into(),
    };
    let printable = detail.chars().filter(|c| !c.is_control()).take(500);
    Err(ClientError::Refused {
        status: response.status,
        detail: printable.collect(),
    })
}

fn text<'a>(json: &'a Value, name: &str) -> Option<&'a str> {
    json.get(name).and_then(Value::as_str)
}
