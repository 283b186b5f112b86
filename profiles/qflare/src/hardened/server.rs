//! The serving end, inside the channel.

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::transport::{Request, Response};
use pqfw_framework::world::Now;
use pqfw_session::exchange::{Peer, SecureService};
use pqfw_session::{Config, Identity};
use serde_json::{Value, json};

use super::devices::Devices;
use super::message::Message;
use super::model;
use super::proofs::Proofs;
use super::session_keys::SessionKeys;
use super::update::Update;
use super::{EXPORTED, label, route, statement};
use crate::error::{BAD_SIGNATURE, NO_DEVICE, Refusal};
use crate::json::{from_base64_url, hex, response};
use crate::model::{Layout, Model, read, read_raw};
use crate::service::{Offer, Service, version};
use crate::state::{Device, DeviceId, PublicKey};

/// A `qflare-2` server, without any transport.
pub struct Server {
    pub(super) service: Arc<Service>,
    pub(super) devices: Arc<Devices>,
    pub(super) proofs: Proofs,
    channel: Arc<Config>,
    keys: Arc<SessionKeys>,
}

impl Server {
    /// Makes a server; `channel` says who it is.
    #[must_use]
    pub fn new(service: Arc<Service>, devices: Arc<Devices>, channel: Arc<Config>) -> Self {
        Self {
            service,
            devices,
            proofs: Proofs::default(),
            channel,
            keys: Arc::default(),
        }
    }

    /// Takes a one-time session key away, for another system of the operator: once.
    #[must_use]
    pub fn session_keys(&self) -> Arc<SessionKeys> {
        self.keys.clone()
    }

    fn route(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
        peer: &Peer,
    ) -> Result<Response, Refusal> {
        let known = self.devices.find(&peer.fingerprint)?;
        let body = &request.body;
        let done = |json: Value| Ok(response(200, &json));
        let (method, path) = (request.method.as_str(), request.route.as_str());
        match (method, path) {
            ("GET", route::STATUS) => return done(self.status(known.as_ref())?),
            ("POST", route::PROVE) => return done(self.prove(now, rng, body, peer, known)?),
            ("POST", route::ENROLL) if known.is_none() => {
                return done(self.enroll(now, body, peer)?);
            }
            ("POST", route::ENROLL) => {
                return Err(Refusal::conflict("the device is already enrolled"));
            }
            _ => {}
        }
        // Strangers learn of nothing else.
        let (id, device) = known.ok_or(Refusal::Forbidden(NO_DEVICE))?;
        match (method, path) {
            ("GET", route::MODEL) => self.model(rng, body, peer),
            ("POST", route::SESSION_KEY) => {
                self.service.count(now, "session-key", &id)?;
                let secs = self.service.config().session_key_secs;
                let suite = device.kem.as_ref().map(|kem| &kem.algorithm[..]);
                let suite = suite.and_then(|kem| self.devices.suite_with_kem(kem));
                let suite = suite.ok_or_else(|| Refusal::conflict("the device has no KEM key"))?;
                done(
                    self.keys
                        .make(now, rng, suite, secs, (&id, &device), body, peer)?,
                )
            }
            ("POST", route::ROTATE) => done(self.rotate(now, body, peer, (&id, &device))?),
            ("PUT", path) if path.starts_with(route::ROUNDS) => {
                done(self.submit(now, path, body, peer, (&id, &device))?)
            }
            (_, route::STATUS | route::MODEL | route::SESSION_KEY | route::ROTATE) => {
                Err(Refusal::MethodNotAllowed)
            }
            (_, route::PROVE | route::ENROLL) => Err(Refusal::MethodNotAllowed),
            _ => Err(Refusal::NotFound("Not Found")),
        }
    }

    fn status(&self, known: Option<&(DeviceId, Device)>) -> Result<Value, Refusal> {
        let Some((id, device)) = known else {
            return Ok(json!({ "enrolled": false }));
        };
        let state = self.service.state();
        let head = state.head()?;
        let phase = state.round(head.round)?.map(|round| round.phase);
        Ok(json!({
            "enrolled": true,
            "device_id": id.as_str(),
            "enrolled_at": device.enrolled,
            "round": head.round,
            "phase": phase.as_ref().map_or("none", |phase| phase.word()),
            "model_version": head.model.as_ref().map(version),
        }))
    }

    fn model(
        &self,
        rng: &mut dyn CryptoRng,
        body: &[u8],
        peer: &Peer,
    ) -> Result<Response, Refusal> {
        let asked = match body.is_empty() {
            true => Message::default(),
            false => message(body)?,
        };
        let global = self.service.global()?;
        let global = global.ok_or(Refusal::NotFound("No global model available"))?;
        let digest = model::digest(self.service.sha256(), &global.name, global.length());
        let signature = self.identity(peer)?.sign(rng, label::MODEL, &digest)?;
        model::answer(&global, &asked, &signature)
    }

    fn submit(
        &self,
        now: Now,
        path: &str,
        body: &[u8],
        peer: &Peer,
        (id, device): (&DeviceId, &Device),
    ) -> Result<Value, Refusal> {
        let rest = path.strip_prefix(route::ROUNDS).unwrap_or_default();
        let mut parts = rest.splitn(3, '/');
        let round = parts.next().and_then(|text| text.parse::<u64>().ok());
        let (word, named) = (parts.next(), parts.next());
        let Some((round, named)) = round.zip(named).filter(|_| word == Some("updates")) else {
            return Err(Refusal::NotFound("Not Found"));
        };
        if named != id.as_str() {
            return Err(Refusal::Forbidden(
                "an update is submitted by its own device",
            ));
        }
        let message = message(body)?;
        let field = |name: &str| {
            let bytes = message.field(name).and_then(from_base64_url);
            bytes.ok_or_else(|| Refusal::field(name, "the field is missing or not base64url"))
        };
        let (transcript, signature) = (field("pqfw-update")?, field("pqfw-signature")?);
        let update = Update::decode(&transcript)
            .map_err(|error| Refusal::field("pqfw-update", &error.to_string()))?;
        let digest = self.service.sha256().digest(&[&transcript]);
        self.verify(&device.signature, label::UPDATE, &digest, &signature)
            .map_err(|refusal| match refusal {
                Refusal::Unauthorized(_) => Refusal::Unauthorized(BAD_SIGNATURE),
                other => other,
            })?;
        self.service.count(now, "submit", id)?;
        self.is_this_update(&update, (id, round), &message.body, peer)?;
        let global = self.service.global()?;
        let global = global.ok_or_else(|| Refusal::conflict("No global model available"))?;
        let weights = self.weights(&update.format, &message.body, global.model.layout());
        let weights = weights.inspect_err(|refusal| self.service.is_no_update(id, refusal))?;
        let receipt = self.service.submit(
            now,
            Offer {
                device: id.clone(),
                round: Some(round),
                base: Some(update.base.to_vec()),
                weights,
                examples: update.examples,
                transcript,
                signature,
            },
        )?;
        Ok(json!({
            "status": "success",
            "receipt": {
                "round": receipt.round,
                "device_id": receipt.device.as_str(),
                "model_sha256": hex(&receipt.weights),
                "received": receipt.received,
                "audit_entry": receipt.entry,
            },
        }))
    }

    /// What was signed is this update, of this device, for this server, in this session.
    fn is_this_update(
        &self,
        update: &Update,
        (id, round): (&DeviceId, u64),
        weights: &[u8],
        peer: &Peer,
    ) -> Result<(), Refusal> {
        let session = exported(peer, label::UPDATE)?;
        let sha256 = self.service.sha256().digest(&[weights]);
        let checks = [
            (
                "server",
                update.server == *self.identity(peer)?.fingerprint(),
            ),
            ("device", update.device == *id),
            ("session", update.session[..] == session[..]),
            ("round", update.round == round),
            ("weights", update.weights[..] == sha256[..]),
        ];
        match checks.iter().find(|(_, same)| !same) {
            None => Ok(()),
            Some((what, _)) => {
                let text = format!("the transcript is of another {what}");
                Err(Refusal::field("pqfw-update", &text))
            }
        }
    }

    fn weights(&self, format: &str, body: &[u8], layout: &Layout) -> Result<Model, Refusal> {
        match format {
            "raw-f32" => Ok(read_raw(body, layout)?),
            "safetensors" | "npz" => {
                let model = read(body, self.service.model_limits())?;
                model.check_layout(layout)?;
                Ok(model)
            }
            _ => Err(Refusal::Unsupported(
                "a format that is not read here; send safetensors, npz or raw-f32".into(),
            )),
        }
    }

    /// Whether a key signed that, under a label.
    pub(super) fn verify(
        &self,
        key: &PublicKey,
        label: &str,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<(), Refusal> {
        const BAD: Refusal = Refusal::Unauthorized("a signature does not verify");
        let suite = self.devices.suite_of(&key.algorithm).ok_or(BAD)?;
        let imported = suite
            .signature
            .import_verifying_key(&key.key)
            .map_err(|_| BAD)?;
        match imported.verify(&statement(label, digest), &[], signature) {
            Err(SignatureError::ProviderFailed) => Err(SignatureError::ProviderFailed.into()),
            Err(_) => Err(BAD),
            Ok(()) => Ok(()),
        }
    }

    /// Who this server is in the peer's session.
    fn identity(&self, peer: &Peer) -> Result<&Identity, Refusal> {
        let identity = self.channel.identity_in(&peer.suite);
        identity.ok_or_else(|| Refusal::Internal(format!("no identity in suite {}", peer.suite)))
    }
}

/// What both ends of this channel know and nobody else.
pub(super) fn exported(peer: &Peer, label: &str) -> Result<Vec<u8>, Refusal> {
    let secret = peer.exporter.export(label, &[], EXPORTED)?;
    // It names the session in what is signed and sent, so that it is no secret any more.
    Ok(secret.expose().to_vec())
}

fn message(body: &[u8]) -> Result<Message, Refusal> {
    Message::decode(body).map_err(|error| Refusal::BadRequest(error.to_string()))
}

impl SecureService for Server {
    fn respond(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
        peer: &Peer,
    ) -> Response {
        self.route(now, rng, request, peer)
            .unwrap_or_else(|refusal| {
                self.service.complain(&request.route, &refusal);
                refusal.response()
            })
    }
}
