//! The serving end: routes, and the order in which a request earns trust.
//!
//! ```text
//! read the fields ▶ find keys ▶ decrypt ▶ verify the signature ▶ accept once, promote, pin ▶ act
//! ```
//!
//! Nothing before `accept` changes anything confirmed, and nothing after it can be reached by a
//! message that did not come from the holder of both private keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::kem::KemError;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::store::{Inserted, Store, StoreError};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{ExchangeService, Request, Response};
use pqfw_framework::world::Now;

use crate::config::Qu3Config;
use crate::crypto;
use crate::error::{ClientError, Refusal};
use crate::governed::Governed;
use crate::keys::{EndKeys, fingerprint};
use crate::models::Models;
use crate::session::{Accepted, Candidate, Sessions};
use crate::wire::{self, Attestation, InferenceRequest, InferenceResponse, POLICY_ACCEPTED, route};

const VERSION: &str = concat!("pqfw-qu3/", env!("CARGO_PKG_VERSION"));
const PINS: &str = "qu3.pins";

/// A QU3 server, without any transport.
pub struct Qu3Server {
    suite: Suite,
    keys: Option<EndKeys>,
    max_pins: u64,
    store: Arc<dyn Store>,
    report: Arc<dyn Report>,
    governed: Governed,
    sessions: Mutex<Sessions>,
}

/// A message that opened and whose signature verified, accepted for the first time.
struct Trusted {
    candidate: Candidate,
    client: Fingerprint,
}

impl Qu3Server {
    /// Makes a server; without `keys` it answers 503 where it would need them.
    ///
    /// # Errors
    /// [`ClientError::Crypto`] when the store's policies cannot be loaded.
    pub fn new(
        suite: Suite,
        keys: Option<EndKeys>,
        models: Models,
        config: Qu3Config,
        store: Arc<dyn Store>,
        report: Arc<dyn Report>,
    ) -> Result<Self, ClientError> {
        let governed = Governed::new(models, &config, store.clone(), report.clone())?;
        Ok(Self {
            suite,
            keys,
            max_pins: config.max_pins,
            store,
            report,
            governed,
            sessions: Mutex::new(Sessions::new(config.session_limits())),
        })
    }

    /// Confirmed and pending sessions, and remembered messages.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        self.sessions().counts()
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // The machine behind the lock never panics between two of its changes.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> Result<&EndKeys, Refusal> {
        self.keys
            .as_ref()
            .ok_or(Refusal::Full("Server keys unavailable."))
    }

    fn route(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
    ) -> Result<Response, Refusal> {
        let (get, post) = (request.method == "GET", request.method == "POST");
        match request.route.as_str() {
            route::ROOT if get => {
                let message = Json::from("pqfw QU3 server is running.");
                Ok(wire::response(200, &Json::object([("message", message)])))
            }
            route::KEYS if get => self.public_keys(),
            route::HANDSHAKE if post => self.handshake(now, rng, &request.body),
            route::INFERENCE if post => self.inference(now, rng, &request.body),
            route::POLICY if post => self.policy_update(now, rng, &request.body),
            route::ROOT | route::KEYS | route::HANDSHAKE | route::INFERENCE | route::POLICY => {
                Err(Refusal::MethodNotAllowed)
            }
            _ => Err(Refusal::NotFound),
        }
    }

    fn public_keys(&self) -> Result<Response, Refusal> {
        let keys = self.keys()?;
        let json = Json::object([
            (
                "server_kem_public_key_b64",
                wire::encode(&keys.kem_public).as_str().into(),
            ),
            (
                "server_sign_public_key_b64",
                wire::encode(&keys.sign_public).as_str().into(),
            ),
        ]);
        Ok(wire::response(200, &json))
    }

    fn handshake(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        body: &[u8],
    ) -> Result<Response, Refusal> {
        let fields = ["client_kem_pub_key_b64", "client_sign_pub_key_b64"];
        let [kem_key, sign_key] = wire::string_fields(body, fields)?;
        let bad_kem = || Refusal::BadRequest("Invalid client KEM public key format.".into());
        let bad_sign = || Refusal::BadRequest("Invalid client signing public key format.".into());
        let kem_key = wire::decode(&kem_key).ok_or_else(bad_kem)?;
        let sign_key = wire::decode(&sign_key).ok_or_else(bad_sign)?;
        let encapsulator = self
            .suite
            .kem
            .import_encapsulation_key(&kem_key)
            .map_err(|_| bad_kem())?;
        self.suite
            .signature
            .import_verifying_key(&sign_key)
            .map_err(|_| bad_sign())?;
        if let Some(pinned) = self
            .store
            .get(PINS, &self.suite.digest.digest(&[&kem_key]))?
            && pinned != sign_key
        {
            return Err(Refusal::PinMismatch);
        }
        let answered = self.sessions().answered(now, &kem_key, &sign_key);
        if let Some(ciphertext) = answered {
            return Ok(handshake_response(&ciphertext));
        }
        let (ciphertext, secret) = match self.suite.kem.encapsulate(&encapsulator, rng) {
            Err(KemError::EncapsulationKeyInvalid) => return Err(bad_kem()),
            other => other?,
        };
        let key = crypto::session_key::<Refusal>(&self.suite, &secret)?;
        self.sessions()
            .handshake(now, &kem_key, key, &sign_key, &ciphertext);
        Ok(handshake_response(&ciphertext))
    }

    fn inference(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        body: &[u8],
    ) -> Result<Response, Refusal> {
        let fields = ["clientKemPublicKeyB64", "nonceB64", "encryptedPayloadB64"];
        let sealed = Sealed::read(wire::string_fields(body, fields)?, "Payload")?;
        self.keys()?;
        let (candidate, plaintext) = self.open(now, &sealed)?;
        let (request, signature) = InferenceRequest::read(&plaintext)?;
        let signed = request.signed_bytes();
        self.verify(&candidate, &signed, &signature, Refusal::Signature)?;
        let trusted = self.accept(now, &sealed, candidate)?;
        let outcome = self.run_model(&trusted.client, &request);
        let reply = self.attest(now, rng, &request, outcome)?;
        let key = &trusted.candidate.key;
        let (nonce, ciphertext) = crypto::seal(&self.suite, key, rng, &reply.plaintext())?;
        let json = Json::object([
            ("nonceB64", wire::encode(&nonce).as_str().into()),
            (
                "encryptedPayloadB64",
                wire::encode(&ciphertext).as_str().into(),
            ),
        ]);
        Ok(wire::response(200, &json))
    }

    fn run_model(&self, client: &Fingerprint, request: &InferenceRequest) -> Result<Json, String> {
        self.governed
            .run(client, &request.model_id, &request.input_data)
    }

    fn attest(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &InferenceRequest,
        outcome: Result<Json, String>,
    ) -> Result<InferenceResponse, Refusal> {
        let attestation = Attestation {
            server_version: VERSION.into(),
            model_id: request.model_id.clone(),
            success: outcome.is_ok(),
            input_hash: Attestation::hash_of(&request.input_data),
            output_hash: Attestation::hash_of(outcome.as_ref().unwrap_or(&Json::Null)),
            timestamp: now.iso8601(),
        };
        let signature = self
            .keys()?
            .sign
            .sign(rng, &[&attestation.signed_bytes()])?;
        Ok(InferenceResponse {
            outcome,
            attestation,
            signature,
        })
    }

    fn policy_update(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        body: &[u8],
    ) -> Result<Response, Refusal> {
        let fields = [
            "client_kem_pub_key_b64",
            "nonce_b64",
            "ciphertext_b64",
            "signature_b64",
        ];
        let [kem_key, nonce, ciphertext, signature] = wire::string_fields(body, fields)?;
        let sealed = Sealed::read([kem_key, nonce, ciphertext], "Policy")?;
        let signature = wire::decode(&signature)
            .ok_or_else(|| Refusal::BadRequest("Policy signature is not base64.".into()))?;
        let keys = self.keys()?;
        let in_this_routes_words = |refusal| match refusal {
            Refusal::NoSession | Refusal::SessionExpired => Refusal::NoPolicySession,
            other => other,
        };
        let (candidate, plaintext) = self.open(now, &sealed).map_err(in_this_routes_words)?;
        self.verify(&candidate, &plaintext, &signature, Refusal::PolicySignature)?;
        let text = String::from_utf8(plaintext)
            .map_err(|_| Refusal::BadRequest("Policy is not valid UTF-8.".into()))?;
        let trusted = self
            .accept(now, &sealed, candidate)
            .map_err(in_this_routes_words)?;
        self.set_policy(now, &trusted.client, &text, &signature)?;
        let answer = POLICY_ACCEPTED.as_bytes();
        let signature = keys.sign.sign(rng, &[answer])?;
        let key = &trusted.candidate.key;
        let (nonce, ciphertext) = crypto::seal(&self.suite, key, rng, answer)?;
        let json = Json::object([
            ("nonce_b64", wire::encode(&nonce).as_str().into()),
            ("ciphertext_b64", wire::encode(&ciphertext).as_str().into()),
            ("signature_b64", wire::encode(&signature).as_str().into()),
        ]);
        Ok(wire::response(200, &json))
    }

    fn set_policy(
        &self,
        now: Now,
        client: &Fingerprint,
        text: &str,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        let parts = [client.as_str().as_bytes(), signature];
        let evidence = self.suite.digest.digest(&parts);
        self.governed
            .set_policy(now, client, text, &evidence)
            .map(drop)
    }

    /// Opens a message under any of the client's keys.
    fn open(&self, now: Now, sealed: &Sealed) -> Result<(Candidate, Vec<u8>), Refusal> {
        let expected = self.suite.kem.sizes().encapsulation_key;
        if sealed.kem_key.len() != expected {
            return Err(Refusal::BadRequest(
                "Invalid client KEM public key format.".into(),
            ));
        }
        let candidates = self.sessions().candidates(now, &sealed.kem_key)?;
        for candidate in candidates {
            if let Ok(plaintext) = candidate.key.open(&sealed.nonce, &[], &sealed.ciphertext) {
                return Ok((candidate, plaintext));
            }
        }
        // A client whose session has ended must hear so, or it would never make another one: the
        // handshakes that are pending in its name may all be somebody else's.
        if self.sessions().has_expired(&sealed.kem_key) {
            return Err(Refusal::SessionExpired);
        }
        let what = sealed.what;
        Err(Refusal::BadRequest(format!(
            "{what} decryption failed: it does not authenticate under the session key."
        )))
    }

    fn verify(
        &self,
        candidate: &Candidate,
        message: &[u8],
        signature: &[u8],
        refusal: Refusal,
    ) -> Result<(), Refusal> {
        let key = self
            .suite
            .signature
            .import_verifying_key(&candidate.sign_key)?;
        match self
            .suite
            .signature
            .verify(&key, &[message], &[], signature)
        {
            Err(SignatureError::Rejected) => Err(refusal),
            other => Ok(other?),
        }
    }

    /// Takes an opened and verified message, once; pins the client's keys when it is the first.
    fn accept(&self, now: Now, sealed: &Sealed, candidate: Candidate) -> Result<Trusted, Refusal> {
        let client = fingerprint(&self.suite, &candidate.sign_key)
            .map_err(|error| Refusal::Internal(error.to_string()))?;
        let client_key = self.suite.digest.digest(&[&sealed.kem_key]);
        self.pin(&client_key, &candidate)?;
        let message = self
            .suite
            .digest
            .digest(&[&sealed.nonce, &sealed.ciphertext]);
        let message = <[u8; 32]>::try_from(message)
            .map_err(|_| Refusal::Internal("a replay record is not 32 bytes".into()))?;
        let accepted = self
            .sessions()
            .accept(now, &sealed.kem_key, &candidate, message)?;
        if accepted == Accepted::Promoted {
            self.report
                .event(&Event::Info(format!("session confirmed with {client}")));
        }
        Ok(Trusted { candidate, client })
    }

    fn pin(&self, client_key: &[u8], candidate: &Candidate) -> Result<(), Refusal> {
        let most = self.max_pins;
        let pinned = match self.store.get(PINS, client_key)? {
            Some(pinned) => Some(pinned),
            None => match self
                .store
                .insert(PINS, client_key, &candidate.sign_key, most)
            {
                Ok(Inserted::New) => return Ok(()),
                // Another thread was first: its key counts.
                Ok(Inserted::AlreadyThere) => self.store.get(PINS, client_key)?,
                // The bound must not lock newcomers out for ever: they are served as they were
                // before there were pins.
                Err(StoreError::Full { .. }) => {
                    let text = format!("all {most} pins are taken: a client is served without one");
                    self.report.event(&Event::Warning(text));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            },
        };
        match pinned {
            Some(pinned) if *pinned == *candidate.sign_key => Ok(()),
            _ => Err(Refusal::PinMismatch),
        }
    }
}

impl ExchangeService for Qu3Server {
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response {
        self.route(now, rng, request).unwrap_or_else(|refusal| {
            self.governed.complain(&request.route, &refusal);
            refusal.response()
        })
    }
}

fn handshake_response(ciphertext: &[u8]) -> Response {
    let ciphertext = wire::encode(ciphertext);
    let json = Json::object([("kemCiphertextB64", ciphertext.as_str().into())]);
    wire::response(200, &json)
}

/// The three fields that every sealed message has.
struct Sealed {
    what: &'static str,
    kem_key: Vec<u8>,
    nonce: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Sealed {
    fn read(
        [kem_key, nonce, ciphertext]: [String; 3],
        what: &'static str,
    ) -> Result<Self, Refusal> {
        let failed = |field: &str| {
            Refusal::BadRequest(format!(
                "{what} decryption failed: the {field} is not base64."
            ))
        };
        Ok(Self {
            what,
            kem_key: wire::decode(&kem_key).ok_or_else(|| {
                Refusal::BadRequest("Invalid client KEM public key format.".into())
            })?,
            nonce: wire::decode(&nonce).ok_or_else(|| failed("nonce"))?,
            ciphertext: wire::decode(&ciphertext).ok_or_else(|| failed("ciphertext"))?,
        })
    }
}
