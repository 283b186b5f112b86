//! The serving end, inside the channel.

use std::sync::Arc;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{Request, Response};
use pqfw_framework::world::Now;
use pqfw_session::Config;
use pqfw_session::exchange::{Peer, SecureService};

use super::attestation::{Attestation, EXPORTER, STATEMENT, hex};
use super::bodies::{Answer, Ask};
use super::route;
use crate::error::Refusal;
use crate::governed::Governed;
use crate::wire;

/// A server, once the channel has said who asks.
pub struct Server {
    governed: Governed,
    channel: Arc<Config>,
    sha256: AdmittedHash,
}

impl Server {
    /// Serves models under the policies in force, on that channel; `sha256` is any suite's
    /// `digest`.
    #[must_use]
    pub fn new(governed: Governed, channel: Arc<Config>, sha256: AdmittedHash) -> Self {
        Self {
            governed,
            channel,
            sha256,
        }
    }

    fn models(&self) -> Response {
        let models = self.governed.models().iter().map(|(name, model)| {
            Json::object([("name", name.into()), ("summary", model.summary().into())])
        });
        let models = Json::Array(models.collect());
        wire::response(200, &Json::object([("models", models)]))
    }

    fn inference(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        body: &[u8],
        peer: &Peer,
    ) -> Result<Response, Refusal> {
        let ask = Ask::read(body).map_err(Refusal::BadRequest)?;
        let outcome = self.governed.run(&peer.fingerprint, &ask.model, &ask.input);
        let internal = |error: &dyn std::fmt::Display| Refusal::Internal(error.to_string());
        let own = self.channel.identity_in(&peer.suite);
        let own = own.ok_or_else(|| internal(&"the session's suite is no longer served"))?;
        let session = peer.exporter.export(EXPORTER, &[], 32);
        let session = session.map_err(|error| internal(&error))?;
        let output = outcome.as_ref().unwrap_or(&Json::Null);
        let attestation = Attestation {
            server: own.fingerprint().to_string(),
            model: ask.model,
            success: outcome.is_ok(),
            request_sha256: hex(&self.sha256.digest(&[body])),
            output_sha256: hex(&self.sha256.digest(&[output.canonical().as_bytes()])),
            session: hex(session.expose()),
            counter: peer.counter,
            unix_micros: now.unix_micros,
        };
        let digest = attestation.digest(&self.sha256);
        let signature = own.sign(rng, STATEMENT, &digest);
        let signature = signature.map_err(|error| internal(&error))?;
        let answer = Answer {
            outcome,
            attestation,
            signature,
        };
        Ok(answer.response())
    }

    fn policy(&self, now: Now, body: &[u8], peer: &Peer) -> Result<Response, Refusal> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Refusal::BadRequest("Policy is not valid UTF-8.".into()))?;
        let session = peer.exporter.export(EXPORTER, b"policy", 32);
        let session = session.map_err(|error| Refusal::Internal(error.to_string()))?;
        let counter = peer.counter.to_be_bytes();
        let evidence = self.sha256.digest(&[session.expose(), &counter]);
        let kept = self
            .governed
            .set_policy(now, &peer.fingerprint, text, &evidence)?;
        let json = Json::object([
            ("version", kept.version.to_string().as_str().into()),
            ("enforced", Json::Bool(kept.enforced)),
        ]);
        Ok(wire::response(200, &json))
    }
}

impl SecureService for Server {
    fn respond(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
        peer: &Peer,
    ) -> Response {
        let (get, post) = (request.method == "GET", request.method == "POST");
        let answered = match request.route.as_str() {
            route::MODELS if get => Ok(self.models()),
            route::INFERENCE if post => self.inference(now, rng, &request.body, peer),
            route::POLICY if post => self.policy(now, &request.body, peer),
            route::MODELS | route::INFERENCE | route::POLICY => Err(Refusal::MethodNotAllowed),
            _ => Err(Refusal::NotFound),
        };
        answered.unwrap_or_else(|refused| {
            self.governed.complain(&request.route, &refused);
            refused.response()
        })
    }
}
