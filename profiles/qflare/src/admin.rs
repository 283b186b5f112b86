//! The operator's side: tokens, devices, rounds, the model, the audit, metrics. What it answers is
//! reached through a door of its own, never through the one of the devices.
//!
//! | route | |
//! | --- | --- |
//! | `GET /tokens`, `POST /tokens`, `POST /tokens/revoke` | list; make: the secret is shown once; take back |
//! | `GET /devices`, `POST /devices/revoke` | list; revoke |
//! | `GET /round`, `POST /round/open`, `/close`, `/abort` | where the round stands; change it |
//! | `GET /model`, `POST /model` | about the model; set it, a file in base64 |
//! | `POST /audit/export`, `POST /audit/verify` | entries from one on; check all |
//! | `POST /session-keys/take` | a one-time session key, once |

use std::sync::Arc;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::metrics::{Family, MetricsSource};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::VerifyingKey;
use pqfw_framework::transport::{ExchangeService, Request, Response};
use pqfw_framework::world::Now;
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::hardened::{EnrolToken, SessionKeys};
use crate::json::{Body, base64, hex, response};
use crate::model::read;
use crate::service::{Service, secs, version};
use crate::state::{Phase, StateError, Token};

/// What an operator may do.
pub struct Admin {
    service: Arc<Service>,
    server: Fingerprint,
    key: VerifyingKey,
    session_keys: Option<Arc<SessionKeys>>,
}

/// How long a token is good when nobody says.
const TOKEN_SECS: u64 = 24 * 3600;
/// The longest that a token may be good.
const MOST_TOKEN_SECS: u64 = 365 * 24 * 3600;
/// The most entries of the audit in one answer.
const MOST_ENTRIES: usize = 1000;

impl Admin {
    /// Makes the operator's side of a server that is known by `server`, the fingerprint of `key`.
    #[must_use]
    pub fn new(service: Arc<Service>, server: Fingerprint, key: VerifyingKey) -> Self {
        Self {
            service,
            server,
            key,
            session_keys: None,
        }
    }

    /// With one-time session keys to take.
    #[must_use]
    pub fn with_session_keys(mut self, keys: Arc<SessionKeys>) -> Self {
        self.session_keys = Some(keys);
        self
    }

    fn route(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
    ) -> Result<Value, Refusal> {
        let body = || match request.body.is_empty() {
            true => Body::read(b"{}"),
            false => Body::read(&request.body),
        };
        let state = self.service.state();
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", "/tokens") => self.tokens(now),
            ("POST", "/tokens") => self.make_token(now, rng, body()?),
            ("POST", "/tokens/revoke") => {
                let mut body = body()?;
                let id = body.text("id");
                let id = body.finish(id)?;
                let missing = Refusal::NotFound("no such token");
                let id = from_hex(&id).ok_or_else(|| missing.clone())?;
                state
                    .revoke_token(secs(now), &id)
                    .map_err(|error| match error {
                        StateError::Token => missing,
                        other => other.into(),
                    })?;
                Ok(json!({ "status": "success" }))
            }
            ("GET", "/devices") => {
                let devices = state.devices()?;
                let listed = devices.iter().map(|(id, device)| {
                    json!({
                        "device_id": id.as_str(),
                        "enrolled": device.enrolled,
                        "revoked": device.revoked,
                        "signature_algorithm": device.signature.algorithm,
                        "kem_algorithm": device.kem.as_ref().map(|kem| &kem.algorithm),
                    })
                });
                Ok(json!({ "devices": listed.collect::<Vec<_>>() }))
            }
            ("POST", "/devices/revoke") => {
                let mut body = body()?;
                let id = body.device("device_id");
                let id = body.finish(id)?;
                state.revoke_device(secs(now), &id)?;
                self.service.tell(format!("device {id} is revoked"));
                Ok(json!({ "status": "success", "device_id": id.as_str() }))
            }
            ("GET", "/round") => self.round(),
            ("POST", "/round/open") => {
                let round = state.open_round(secs(now))?;
                Ok(json!({ "status": "success", "round": round }))
            }
            ("POST", "/round/close") => {
                let closed = self.service.close(now)?;
                let verdicts = closed.verdicts.iter();
                let verdicts =
                    verdicts.map(|(id, verdict)| (id.as_str().to_owned(), json!(verdict)));
                Ok(json!({
                    "status": "success",
                    "round": closed.model.round,
                    "model_version": version(&closed.model),
                    "verdicts": verdicts.collect::<serde_json::Map<_, _>>(),
                }))
            }
            ("POST", "/round/abort") => {
                let mut body = body()?;
                let reason = body.text_if_any("reason").unwrap_or_default();
                body.finish(Some(()))?;
                state.abort_round(secs(now), &reason)?;
                Ok(json!({ "status": "success" }))
            }
            ("GET", "/model") => self.model(),
            ("POST", "/model") => {
                let mut body = body()?;
                let file = body.base64("model");
                let file = body.finish(file)?;
                self.set_model(now, &file)
            }
            ("POST", "/audit/export") => {
                let mut body = body()?;
                let from = body.metadata("page");
                let from = body.finish(from)?.number(&["from"]).unwrap_or(0);
                self.entries(from)
            }
            ("POST", "/audit/verify") => self.verify_audit(),
            ("POST", "/session-keys/take") => {
                let mut body = body()?;
                let id = body.text("id");
                let id = body.finish(id)?;
                let taken = self
                    .session_keys
                    .as_ref()
                    .and_then(|keys| keys.take(now, &id));
                let (device, key) = taken.ok_or(Refusal::NotFound("no such session key"))?;
                self.service
                    .tell(format!("a session key of {device} is taken"));
                Ok(json!({ "device_id": device.as_str(), "key": base64(key.expose()) }))
            }
            _ => Err(Refusal::NotFound("Not Found")),
        }
    }

    fn tokens(&self, now: Now) -> Result<Value, Refusal> {
        let tokens = self.service.state().tokens()?;
        let listed = tokens.iter().map(|(id, token)| {
            json!({
                "id": hex(id),
                "device_id": token.device.as_str(),
                "expires": token.expires,
                "expired": token.expires <= secs(now),
                "creator": token.creator,
            })
        });
        Ok(json!({ "tokens": listed.collect::<Vec<_>>() }))
    }

    fn make_token(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        mut body: Body,
    ) -> Result<Value, Refusal> {
        let device = body.device("device_id");
        let creator = body
            .text_if_any("creator")
            .unwrap_or_else(|| "admin".into());
        let options = body.metadata("options");
        let (device, options) = body.finish(device.zip(options))?;
        let lifetime = options.number(&["secs"]).unwrap_or(TOKEN_SECS);
        if lifetime == 0 || lifetime > MOST_TOKEN_SECS {
            return Err(Refusal::field(
                "options",
                "a token is good for a second to a year",
            ));
        }
        let token = EnrolToken::new(self.server.clone(), device.clone(), rng);
        let expires = secs(now).saturating_add(lifetime);
        let record = Token {
            device: device.clone(),
            expires,
            creator: creator.chars().take(100).collect(),
        };
        let secret = token.expose_secret().as_bytes();
        self.service
            .state()
            .issue_token(secs(now), secret, &record)?;
        self.service.tell(format!("a token for {device} is made"));
        Ok(json!({
            "token": &*token.expose(),
            "enrollment_token": token.expose_secret(),
            "device_id": device.as_str(),
            "expires": expires,
        }))
    }

    fn round(&self) -> Result<Value, Refusal> {
        let state = self.service.state();
        let head = state.head()?;
        let round = state.round(head.round)?;
        let updates = match &round {
            Some(_) => state.updates_counted(head.round)?,
            None => 0,
        };
        let waits_for = match &round {
            Some(round) if round.phase == Phase::Open => Some(self.service.waits_for(updates)?),
            _ => None,
        };
        let terms = head.terms.as_ref();
        Ok(json!({
            "round": head.round,
            "phase": round.as_ref().map_or("none", |round| round.phase.word()),
            "waits_for": waits_for,
            "base": round.as_ref().map(|round| version(&round.base)),
            "updates": updates,
            "close_at": terms.map(|terms| terms.close_at),
            "rule": terms.map(|terms| &terms.rule),
        }))
    }

    fn model(&self) -> Result<Value, Refusal> {
        let global = self.service.global()?;
        let global = global.ok_or(Refusal::NotFound("No global model available"))?;
        let tensors = global.model.layout().tensors().iter();
        let tensors = tensors.map(|shape| (shape.name.clone(), json!(shape.dimensions)));
        Ok(json!({
            "model_version": global.version(),
            "model_sha256": hex(&global.name.hash),
            "bytes": global.length(),
            "tensors": tensors.collect::<serde_json::Map<_, _>>(),
        }))
    }

    /// Sets the model from a file.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn set_model(&self, now: Now, file: &[u8]) -> Result<Value, Refusal> {
        let model = read(file, self.service.model_limits())?;
        let name = self.service.set_model(now, &model)?;
        Ok(json!({
            "status": "success",
            "model_version": version(&name),
            "model_sha256": hex(&name.hash),
        }))
    }

    /// The current model in canonical form, with its version.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none.
    pub fn model_file(&self) -> Result<(String, Vec<u8>), Refusal> {
        let global = self.service.global()?;
        let global = global.ok_or(Refusal::NotFound("No global model available"))?;
        Ok((global.version(), global.model.to_safetensors()))
    }

    fn entries(&self, from: u64) -> Result<Value, Refusal> {
        let page = self.service.state().audit_from(from, MOST_ENTRIES)?;
        let next = page.last().map(|(number, _)| number + 1);
        let entries = page
            .iter()
            .map(|(number, entry)| json!({ "number": number, "entry": entry }));
        Ok(json!({ "entries": entries.collect::<Vec<_>>(), "next": next }))
    }

    fn verify_audit(&self) -> Result<Value, Refusal> {
        let mut entries = 0u64;
        let covered = self
            .service
            .state()
            .verify_audit(&self.key, |_, _| entries += 1);
        let covered = covered.map_err(|error| Refusal::conflict(error.to_string()))?;
        Ok(json!({ "status": "verified", "entries": entries, "signed": covered }))
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

impl ExchangeService for Admin {
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response {
        match self.route(now, rng, request) {
            Ok(json) => response(200, &json),
            Err(refusal) => {
                self.service.complain(&request.route, &refusal);
                refusal.response()
            }
        }
    }
}

impl MetricsSource for Admin {
    fn families(&self, _: Now) -> Vec<Family> {
        let refusals = self.service.refusals();
        let refusals = refusals
            .into_iter()
            .map(|(status, n)| (status.to_string(), n));
        let mut families = vec![Family::counters(
            "qflare_refusals_total",
            "Requests that were not carried out, by status.",
            "status",
            refusals,
        )];
        let Ok(head) = self.service.state().head() else {
            families.push(Family::gauge(
                "qflare_store_up",
                "Whether the store answers.",
                0.0,
            ));
            return families;
        };
        let updates = self
            .service
            .state()
            .updates_counted(head.round)
            .unwrap_or(0);
        let gauge = |name, help, value: u64| {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the format's numbers are doubles"
            )]
            Family::gauge(name, help, value as f64)
        };
        families.extend([
            gauge("qflare_store_up", "Whether the store answers.", 1),
            gauge("qflare_devices", "Devices, revoked ones too.", head.devices),
            gauge("qflare_tokens", "Tokens that are not used.", head.tokens),
            gauge("qflare_round", "The newest round.", head.round),
            gauge(
                "qflare_round_updates",
                "Updates of the newest round.",
                updates,
            ),
            Family::counter(
                "qflare_audit_entries_total",
                "Entries of the audit.",
                head.entries,
            ),
        ]);
        families
    }
}
