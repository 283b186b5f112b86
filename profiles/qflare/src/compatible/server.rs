//! The serving end: routes, and the order in which a request earns trust.
//!
//! ```text
//! update: read the fields ▶ find the device ▶ verify the signature ▶ revoked? ▶ count ▶ read the
//!         weights ▶ keep
//! ```

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{ExchangeService, Request, Response};
use pqfw_framework::world::Now;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::challenge::Challenges;
use super::{MOST_CHALLENGES, confirmation, route};
use crate::error::{BAD_SIGNATURE, NO_DEVICE, REVOKED, Refusal};
use crate::json::{Body, Metadata, base64, base64_url, hex, response};
use crate::model::{Layout, Model, read, read_raw};
use crate::service::{Offer, Service, secs, version};
use crate::state::{Device, DeviceId, PublicKey};

/// A `qflare-1` server, without any transport.
pub struct Server {
    service: Arc<Service>,
    suite: Suite,
    public_key: Vec<u8>,
    challenges: Challenges,
}

/// The most devices of a listing; the operator's listing has all.
const MOST_LISTED: usize = 1000;

/// What a device is told when its answer to a challenge is not the one expected.
const BAD_ANSWER: &str = "Invalid challenge response";

impl Server {
    /// Makes a server; `public_key` is the one that devices are told.
    #[must_use]
    pub fn new(service: Arc<Service>, suite: Suite, public_key: Vec<u8>) -> Self {
        Self {
            service,
            suite,
            public_key,
            challenges: Challenges::default(),
        }
    }

    fn route(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
    ) -> Result<Response, Refusal> {
        let body = &request.body;
        let done = |json: Value| Ok(response(200, &json));
        match (request.method.as_str(), request.route.as_str()) {
            ("GET", route::HEALTH | route::API_HEALTH) => Ok(self.health()),
            ("POST", route::ENROLL) => done(self.enroll(now, body)?),
            ("POST", route::CHALLENGE) => done(self.challenge(now, rng, body)?),
            ("POST", route::VERIFY | route::AUTHENTICATE) => done(self.verify(now, rng, body)?),
            ("POST", route::SUBMIT) => done(self.submit(now, body)?),
            ("GET", route::MODEL) => done(self.model()?),
            ("GET", route::DEVICES) => done(self.devices()?),
            ("GET", route::ENCLAVE) => done(self.enclave()?),
            ("GET" | "POST", route::QKEY) => Err(Refusal::Gone(
                "this route let anybody replace a device's keys; enroll with a token instead",
            )),
            (
                _,
                route::HEALTH
                | route::API_HEALTH
                | route::ENROLL
                | route::CHALLENGE
                | route::VERIFY
                | route::AUTHENTICATE
                | route::SUBMIT
                | route::MODEL
                | route::DEVICES
                | route::ENCLAVE
                | route::QKEY,
            ) => Err(Refusal::MethodNotAllowed),
            (method, other) => match other
                .strip_prefix(route::DEVICES)
                .map(|s| s.strip_prefix('/'))
            {
                Some(Some(id)) if method == "GET" => done(self.device(id)?),
                Some(Some(_)) => Err(Refusal::MethodNotAllowed),
                _ => Err(Refusal::NotFound("Not Found")),
            },
        }
    }

    fn health(&self) -> Response {
        let head = self.service.state().head();
        let (status, word) = match &head {
            Ok(_) => (200, "healthy"),
            Err(_) => (503, "unhealthy"),
        };
        let model = head.as_ref().is_ok_and(|head| head.model.is_some());
        let of = |well| if well { "healthy" } else { "unhealthy" };
        let json = json!({
            "status": word,
            "components": {
                "store": of(head.is_ok()),
                "global_model": if model { "available" } else { "none" },
            },
        });
        response(status, &json)
    }

    fn enroll(&self, now: Now, body: &[u8]) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let device = body.device("device_id");
        let token = body.token("enrollment_token").map(Zeroizing::new);
        let kem = body.base64("kem_public_key");
        let sign = body.base64("signature_public_key");
        let read = device.zip(token).zip(kem.zip(sign));
        let ((device, token), (kem, sign)) = body.finish(read)?;
        let (kem_info, sign_info) = (self.suite.kem.info(), self.suite.signature.info());
        self.suite
            .kem
            .import_encapsulation_key(&kem)
            .map_err(|_| not_a_key("kem_public_key", &kem_info.id, kem.len()))?;
        self.suite
            .signature
            .import_verifying_key(&sign)
            .map_err(|_| not_a_key("signature_public_key", &sign_info.id, sign.len()))?;
        let key = |algorithm: &str, key: Vec<u8>| PublicKey {
            algorithm: algorithm.to_owned(),
            key,
        };
        let (sign, kem) = (key(&sign_info.id, sign), key(&kem_info.id, kem));
        let state = self.service.state();
        state.enrol(secs(now), token.as_bytes(), &device, &sign, Some(&kem))?;
        self.service.tell(format!("device {device} is enrolled"));
        Ok(json!({
            "status": "success",
            "device_id": device.as_str(),
            "message": "Device enrolled successfully",
            "server_public_key": base64(&self.public_key),
        }))
    }

    fn challenge(&self, now: Now, rng: &mut dyn CryptoRng, body: &[u8]) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let device = body.device("device_id");
        let id = body.finish(device)?;
        let state = self.service.state();
        let device = state.device(&id)?.ok_or(Refusal::NotFound(NO_DEVICE))?;
        not_revoked(&device)?;
        self.service.count(now, "challenge", &id)?;
        let kem = device
            .kem
            .filter(|key| key.algorithm == self.suite.kem.info().id);
        let kem = kem.ok_or(Refusal::NotFound(NO_DEVICE))?;
        state.count_challenge(&id, &kem.key, MOST_CHALLENGES)?;
        let key = self.suite.kem.import_encapsulation_key(&kem.key)?;
        let (ciphertext, secret) = self.suite.kem.encapsulate(&key, rng)?;
        let sha256 = self.service.sha256();
        let answer = confirmation(&self.suite.kdf, sha256, &secret, &id, &ciphertext);
        let answer = answer.map_err(|error| Refusal::Internal(error.to_string()))?;
        let secs = self.service.config().challenge_secs;
        self.challenges.expect(now, &id, answer, secs)?;
        Ok(json!({
            "status": "success",
            "device_id": id.as_str(),
            "challenge": base64(&ciphertext),
            "message": "Session challenge generated",
        }))
    }

    fn verify(&self, now: Now, rng: &mut dyn CryptoRng, body: &[u8]) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let id = body.device("device_id");
        let answer = body.text("challenge_response");
        let (id, answer) = body.finish(id.zip(answer))?;
        let answer = crate::json::from_base64(&answer).map(Zeroizing::new);
        let right = self
            .challenges
            .take(now, &id, answer.as_deref().map_or(&[], |a| &a[..]));
        let bad = || Refusal::BadRequest("Invalid challenge response format".into());
        answer
            .filter(|answer| answer.len() == CONFIRMATION)
            .ok_or_else(bad)?;
        if !right {
            return Err(Refusal::Unauthorized(BAD_ANSWER));
        }
        let state = self.service.state();
        let device = state
            .device(&id)?
            .ok_or(Refusal::Unauthorized(BAD_ANSWER))?;
        not_revoked(&device)?;
        let mut token = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut token[..]);
        let token = Zeroizing::new(base64_url(&token[..]));
        let expires = secs(now).saturating_add(self.service.config().session_secs);
        state.keep_session(&id, token.as_bytes(), expires)?;
        self.service.tell(format!("device {id} is authenticated"));
        Ok(json!({
            "status": "success",
            "device_id": id.as_str(),
            "message": "Device authenticated successfully",
            "session_token": &*token,
        }))
    }

    fn submit(&self, now: Now, body: &[u8]) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let id = body.device("device_id");
        let weights = body.base64("model_weights");
        let signature = body.base64("signature");
        let metadata = body.metadata("metadata");
        let session = body.text_if_any("session_token").map(Zeroizing::new);
        let read = id.zip(weights).zip(signature.zip(metadata));
        let ((id, weights), (signature, metadata)) = body.finish(read)?;
        let device = self.service.state().device(&id)?;
        let device = device.ok_or(Refusal::Unauthorized(BAD_SIGNATURE))?;
        self.check_signature(&device, &weights, &signature)?;
        not_revoked(&device)?;
        self.service.count(now, "submit", &id)?;
        if self.service.config().require_session {
            let token = session.as_ref().map_or(&b""[..], |token| token.as_bytes());
            if !self.service.state().has_session(secs(now), &id, token)? {
                return Err(Refusal::Unauthorized("Authenticate first: no such session"));
            }
        }
        let global = self.service.global()?;
        let global = global.ok_or_else(|| Refusal::conflict("No global model available"))?;
        self.expects(&metadata, &global.version())?;
        let model = self.read_weights(&weights, global.model.layout());
        let model = model.inspect_err(|refusal| self.service.is_no_update(&id, refusal))?;
        let receipt = self.service.submit(
            now,
            Offer {
                device: id.clone(),
                round: metadata.number(&["round", "aggregation_round"]),
                base: None,
                weights: model,
                examples: metadata.number(&EXAMPLES).unwrap_or(1),
                // What was signed are the weights, which are kept.
                transcript: Vec::new(),
                signature,
            },
        )?;
        Ok(json!({
            "status": "success",
            "device_id": id.as_str(),
            "message": "Model update received and stored",
            "aggregation_round": receipt.round,
        }))
    }

    /// The algorithm is the one that the key was enrolled for, whatever fits in its lengths.
    fn check_signature(
        &self,
        device: &Device,
        weights: &[u8],
        signature: &[u8],
    ) -> Result<(), Refusal> {
        let algorithm = &self.suite.signature;
        if device.signature.algorithm != algorithm.info().id {
            return Err(Refusal::Unauthorized(BAD_SIGNATURE));
        }
        let key = algorithm.import_verifying_key(&device.signature.key)?;
        match algorithm.verify(&key, &[weights], &[], signature) {
            Err(SignatureError::ProviderFailed) => Err(SignatureError::ProviderFailed.into()),
            Err(_) => Err(Refusal::Unauthorized(BAD_SIGNATURE)),
            Ok(()) => Ok(()),
        }
    }

    /// A device that says which model it trained is told when that is not the current one.
    fn expects(&self, metadata: &Metadata, current: &str) -> Result<(), Refusal> {
        match metadata.text("model_version") {
            Some(version) if version != current => {
                let head = self.service.state().head()?;
                Err(Refusal::Conflict {
                    detail: "the update is stale: it was trained from another model".into(),
                    current: Some((head.round, current.to_owned())),
                })
            }
            _ => Ok(()),
        }
    }

    /// Bytes of the model's own length are its values; else a file that says what it is.
    fn read_weights(&self, weights: &[u8], layout: &Layout) -> Result<Model, Refusal> {
        if weights.len() == layout.values() * size_of::<f32>() {
            return Ok(read_raw(weights, layout)?);
        }
        let model = read(weights, self.service.model_limits())?;
        model.check_layout(layout)?;
        Ok(model)
    }

    fn model(&self) -> Result<Value, Refusal> {
        let global = self.service.global()?;
        let global = global.ok_or(Refusal::NotFound("No global model available"))?;
        Ok(json!({
            "status": "success",
            "model_weights": base64(&global.model.to_raw()),
            "model_version": global.version(),
            "message": "Global model retrieved",
        }))
    }

    fn devices(&self) -> Result<Value, Refusal> {
        let devices = self.service.state().devices()?;
        let listed = devices.iter().take(MOST_LISTED);
        let listed: Vec<_> = listed.map(|(id, device)| about(id, device)).collect();
        Ok(json!({ "status": "success", "devices": listed, "total": devices.len() }))
    }

    fn device(&self, id: &str) -> Result<Value, Refusal> {
        let missing = || Refusal::NotFound(NO_DEVICE);
        let id = DeviceId::parse(id).map_err(|_| missing())?;
        let device = self.service.state().device(&id)?.ok_or_else(missing)?;
        Ok(about(&id, &device))
    }

    /// There is no enclave, and nothing says that there is one.
    fn enclave(&self) -> Result<Value, Refusal> {
        let model = self.service.state().head()?.model;
        Ok(json!({
            "enclave_type": "none",
            "status": "no enclave: aggregation runs in the server's process",
            "aggregation_rule": self.service.config().rule,
            "poison_threshold": null,
            "global_model_hash": model.as_ref().map(|model| hex(&model.hash)),
            "model_version": model.as_ref().map(version),
            "total_aggregations": self.service.aggregations()?,
        }))
    }
}

/// Under these names deployed devices say how many examples they trained on.
const EXAMPLES: [&str; 4] = ["num_samples", "num_examples", "examples", "samples"];

/// The bytes of an answer to a challenge.
const CONFIRMATION: usize = 32;

fn not_revoked(device: &Device) -> Result<(), Refusal> {
    match device.revoked {
        Some(_) => Err(Refusal::Forbidden(REVOKED)),
        None => Ok(()),
    }
}

fn not_a_key(field: &str, algorithm: &str, length: usize) -> Refusal {
    let text = format!("{length} bytes are no raw public key of {algorithm}");
    Refusal::field(field, &text)
}

fn about(id: &DeviceId, device: &Device) -> Value {
    json!({
        "device_id": id.as_str(),
        "status": if device.revoked.is_some() { "revoked" } else { "enrolled" },
        "enrolled_at": device.enrolled,
        "signature_algorithm": device.signature.algorithm,
        "kem_algorithm": device.kem.as_ref().map(|kem| &kem.algorithm),
    })
}

impl ExchangeService for Server {
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response {
        self.route(now, rng, request).unwrap_or_else(|refusal| {
            self.service.complain(&request.route, &refusal);
            refusal.response()
        })
    }
}
