//! The asking end, inside the channel: every field of an attestation is compared.

use std::sync::Arc;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::python_json::Json;
use pqfw_framework::transport::{BoxFuture, Exchange};
use pqfw_framework::world::World;
use pqfw_session::Config;
use pqfw_session::exchange::{ChannelExchange, Outcome};

use super::attestation::{Attestation, EXPORTER, STATEMENT, hex};
use super::bodies::{Answer, Ask};
use super::route;
use crate::error::ClientError;
use crate::inference::{Inference, InferenceClient, readable_policy};
use crate::wire;

/// A client of one server.
pub struct Client {
    channel: ChannelExchange,
    world: Arc<dyn World>,
    sha256: AdmittedHash,
}

impl Client {
    /// Makes a client; the channel is opened with the first request. `sha256` is any suite's
    /// `digest`.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        exchange: Arc<dyn Exchange>,
        world: Arc<dyn World>,
        sha256: AdmittedHash,
    ) -> Self {
        Self {
            channel: ChannelExchange::new(config, exchange, world.clone()),
            world,
            sha256,
        }
    }

    /// The suite and the server's fingerprint, once a session is open.
    #[must_use]
    pub fn session(&self) -> Option<(String, String)> {
        let peer = self.channel.peer()?;
        Some((self.channel.suite()?, peer.to_string()))
    }

    async fn call(&self, method: &str, route: &str, body: &[u8]) -> Result<Outcome, ClientError> {
        let outcome = self.channel.request(method, route, body).await?;
        if outcome.response.status == 200 {
            return Ok(outcome);
        }
        let json = wire::parse(&outcome.response.body).ok();
        let detail = json.as_ref().and_then(|json| json.get("detail"));
        let detail = detail.and_then(Json::as_str).unwrap_or("no detail");
        Err(ClientError::Refused {
            status: outcome.response.status,
            detail: detail
                .chars()
                .filter(|c| !c.is_control())
                .take(500)
                .collect(),
        })
    }

    async fn ask(&self, model: &str, input: &Json) -> Result<Inference, ClientError> {
        let ask = Ask {
            model: model.into(),
            input: input.clone(),
        };
        let body = ask.body();
        let outcome = self.call("POST", route::INFERENCE, &body).await?;
        let answer =
            Answer::read(&outcome.response.body).ok_or(ClientError::Unreadable("the inference"))?;
        self.check(&answer, model, &body, &outcome)?;
        let at = pqfw_framework::world::Now {
            unix_micros: answer.attestation.unix_micros,
            ..self.world.now()
        };
        Ok(Inference {
            model: model.into(),
            outcome: answer.outcome,
            timestamp: at.iso8601(),
            server: answer.attestation.server,
        })
    }

    /// The signature, and then each field against what is known here without the server.
    fn check(
        &self,
        answer: &Answer,
        model: &str,
        body: &[u8],
        outcome: &Outcome,
    ) -> Result<(), ClientError> {
        let digest = answer.attestation.digest(&self.sha256);
        if !outcome
            .peer
            .verifies(STATEMENT, &digest, &answer.signature)?
        {
            return Err(ClientError::BadSignature("the attestation"));
        }
        let output = answer.outcome.as_ref().unwrap_or(&Json::Null);
        let session = outcome.exporter.export(EXPORTER, &[], 32)?;
        let expected = Attestation {
            server: outcome.peer.fingerprint().to_string(),
            model: model.into(),
            success: answer.outcome.is_ok(),
            request_sha256: hex(&self.sha256.digest(&[body])),
            output_sha256: hex(&self.sha256.digest(&[output.canonical().as_bytes()])),
            session: hex(session.expose()),
            counter: outcome.counter,
            unix_micros: 0,
        };
        match answer.attestation.difference(&expected, self.world.now()) {
            Some(field) => Err(ClientError::Attestation(field)),
            None => Ok(()),
        }
    }

    async fn list(&self) -> Result<Vec<(String, String)>, ClientError> {
        let outcome = self.call("GET", route::MODELS, &[]).await?;
        let unreadable = || ClientError::Unreadable("the list of models");
        let json = wire::parse(&outcome.response.body).map_err(|_| unreadable())?;
        let models = json
            .get("models")
            .and_then(Json::as_array)
            .ok_or_else(unreadable)?;
        let model = |json: &Json| {
            let text = |name| json.get(name).and_then(Json::as_str).map(str::to_owned);
            text("name").zip(text("summary")).ok_or_else(unreadable)
        };
        models.iter().map(model).collect()
    }
}

impl InferenceClient for Client {
    fn infer<'a>(
        &'a mut self,
        model: &'a str,
        input: &'a Json,
    ) -> BoxFuture<'a, Result<Inference, ClientError>> {
        Box::pin(self.ask(model, input))
    }

    fn set_policy<'a>(
        &'a mut self,
        text: &'a str,
        as_note: bool,
    ) -> BoxFuture<'a, Result<(), ClientError>> {
        Box::pin(async move {
            readable_policy(text, as_note)?;
            self.call("POST", route::POLICY, text.as_bytes())
                .await
                .map(drop)
        })
    }

    fn models(&mut self) -> BoxFuture<'_, Result<Vec<(String, String)>, ClientError>> {
        Box::pin(self.list())
    }

    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            // A server that this does not reach forgets an idle session by itself.
            let _ = self.channel.close().await;
        })
    }
}
