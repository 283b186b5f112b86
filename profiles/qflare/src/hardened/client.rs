//! The device's end, inside the channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::Exchange;
use pqfw_framework::world::World;
use pqfw_session::Config;
use pqfw_session::exchange::{ChannelExchange, Outcome};
use serde_json::{Value, json};

use super::message::Message;
use super::rotation::named;
use super::token::EnrolToken;
use super::update::Update;
use super::{EXPORTED, kem_mac, keys_transcript, label, route, statement, token_mac};
use crate::compatible::accepted;
use crate::error::ClientError;
use crate::json::{base64, base64_url, from_base64, from_base64_url, hex};
use crate::keys::DeviceKeys;
use crate::service::version;
use crate::state::{DeviceId, ModelName, PublicKey};

/// A device of one server.
pub struct Client {
    channel: ChannelExchange,
    world: Arc<dyn World>,
    suite: Suite,
    device: DeviceId,
    server: Fingerprint,
    keys: DeviceKeys,
    /// How many updates it has signed.
    updates: AtomicU64,
}

/// The global model, as the server signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its version.
    pub version: String,
    /// The round that made it.
    pub round: u64,
    /// The SHA-256 of the file.
    pub sha256: Vec<u8>,
    /// The file, in canonical form.
    pub file: Vec<u8>,
}

/// What was said in one request, and on which channel.
struct Said {
    body: Vec<u8>,
    status: u16,
    outcome: Outcome,
}

impl Client {
    /// Makes a client; the channel is opened with the first request. `config` is of an end that
    /// has the signing key of `keys` as its identity and believes `server` alone.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        exchange: Arc<dyn Exchange>,
        world: Arc<dyn World>,
        suite: Suite,
        (device, server): (DeviceId, Fingerprint),
        keys: DeviceKeys,
    ) -> Self {
        Self {
            channel: ChannelExchange::new(config, exchange, world.clone()),
            world,
            suite,
            device,
            server,
            keys,
            updates: AtomicU64::new(0),
        }
    }

    /// What the server says of itself and this device.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn status(&self) -> Result<Value, ClientError> {
        let said = self.ask("GET", route::STATUS, &[]).await?;
        json_of(&said, "the status")
    }

    /// Enrols this device: proves the token, and both keys.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] with 401 for a token that is not good.
    pub async fn enrol(&self, token: &EnrolToken) -> Result<(), ClientError> {
        let (sign, kem) = public(&self.keys);
        // Opens the channel, in which the proofs are bound.
        let exporter = self.exporter(label::ENROL).await?;
        let transcript = keys_transcript(exporter.expose(), &self.device, &sign, &kem);
        let sha256 = self.sha256();
        let id = SecretBytes::own(sha256.digest(&[token.expose_secret().as_bytes()]));
        let mac = token_mac(sha256, id.expose(), &transcript);
        let mut body = self.offer(&sign, &kem);
        body["token_proof"] = base64(mac.expose()).into();
        self.prove_kem(&mut body, &self.keys, &transcript).await?;
        let digest = sha256.digest(&[&transcript]);
        let signature = self.sign(&self.keys, label::ENROL, &digest)?;
        body["signature"] = base64(&signature).into();
        self.post(route::ENROLL, &body).await.map(drop)
    }

    /// Replaces the keys of this device. From here on the server knows the new ones alone.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn rotate(&self, new: &DeviceKeys) -> Result<(), ClientError> {
        let (sign, kem) = public(new);
        let exporter = self.exporter(label::ENROL).await?;
        let transcript = keys_transcript(exporter.expose(), &self.device, &sign, &kem);
        let mut body = self.offer(&sign, &kem);
        self.prove_kem(&mut body, new, &transcript).await?;
        let sha256 = self.sha256();
        let old = Fingerprint::of(
            sha256,
            self.keys.sign.info(),
            &self.keys.sign.verifying_key(),
        );
        let old = old.map_err(|error| ClientError::Crypto(error.to_string()))?;
        let digest = sha256.digest(&[&transcript]);
        let back = sha256.digest(&[&named(old.as_str(), &transcript)]);
        body["old_signature"] = base64(&self.sign(&self.keys, label::OLD_KEY, &digest)?).into();
        body["new_signature"] = base64(&self.sign(new, label::NEW_KEY, &back)?).into();
        self.post(route::ROTATE, &body).await.map(drop)
    }

    /// Fetches the global model, unless it is the one of this hash; checks its hash and the
    /// server's signature.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] with 404 when there is none yet.
    pub async fn model(&self, known: Option<&[u8]>) -> Result<Option<Fetched>, ClientError> {
        const WHAT: &str = "the global model";
        let unreadable = || ClientError::Unreadable(WHAT);
        let asked = match known {
            Some(hash) => Message::default().with("if-none-match", format!("\"{}\"", hex(hash))),
            None => Message::default(),
        };
        let asked = asked
            .encode()
            .map_err(|error| ClientError::Usage(error.to_string()))?;
        let said = self.ask("GET", route::MODEL, &asked).await?;
        if said.status == 304 {
            return Ok(None);
        }
        let message = Message::decode(&said.body).map_err(|_| unreadable())?;
        let round = message
            .field("model-round")
            .and_then(|text| text.parse().ok());
        let signature = message.field("pqfw-signature").and_then(from_base64_url);
        let (round, signature) = round.zip(signature).ok_or_else(unreadable)?;
        let file = message.body;
        let hash = self.sha256().digest(&[&file]);
        let name = ModelName { round, hash };
        let digest = super::model::digest(self.sha256(), &name, file.len() as u64);
        if !said
            .outcome
            .peer
            .verifies(label::MODEL, &digest, &signature)?
        {
            return Err(ClientError::BadSignature("signature of the model"));
        }
        Ok(Some(Fetched {
            version: version(&name),
            round,
            sha256: name.hash,
            file,
        }))
    }

    /// Signs weights and submits them for a round; gives the receipt.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] with 409 when the model has changed meanwhile.
    pub async fn submit(
        &self,
        round: u64,
        base: &[u8],
        (format, weights): (&str, &[u8]),
        examples: u64,
    ) -> Result<Value, ClientError> {
        let exporter = self.exporter(label::UPDATE).await?;
        let hash = |bytes: &[u8], what: &str| {
            <[u8; 32]>::try_from(bytes)
                .map_err(|_| ClientError::Usage(format!("{what} is no hash")))
        };
        let update = Update {
            server: self.server.clone(),
            device: self.device.clone(),
            session: hash(exporter.expose(), "the session")?,
            counter: self.updates.fetch_add(1, Ordering::Relaxed),
            round,
            base: hash(base, "the base")?,
            examples,
            format: format.to_owned(),
            weights: hash(&self.sha256().digest(&[weights]), "the weights")?,
        };
        let transcript = update.encode();
        let transcript = transcript.map_err(|error| ClientError::Usage(error.to_string()))?;
        let digest = self.sha256().digest(&[&transcript]);
        let signature = self.sign(&self.keys, label::UPDATE, &digest)?;
        let message = Message::of(weights.to_vec())
            .with("pqfw-update", base64_url(&transcript))
            .with("pqfw-signature", base64_url(&signature));
        let message = message.encode();
        let message = message.map_err(|error| ClientError::Usage(error.to_string()))?;
        let path = format!("{}{round}/updates/{}", route::ROUNDS, self.device);
        let said = self.ask("PUT", &path, &message).await?;
        let answer = json_of(&said, "an update")?;
        let receipt = answer.get("receipt").cloned();
        receipt.ok_or(ClientError::Unreadable("an update"))
    }

    /// Makes a one-time session key with the server: its name, and the key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn session_key(&self) -> Result<(String, SecretBytes), ClientError> {
        let unreadable = || ClientError::Unreadable("a session key");
        let exporter = self.exporter(label::SESSION_KEY).await?;
        let fresh = self.suite.kem.generate(&mut *self.world.rng())?;
        let public = fresh.encapsulation_key();
        let body = json!({ "ephemeral_public_key": base64(&public) });
        let answer = self.post(route::SESSION_KEY, &body).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(from_base64).ok_or_else(unreadable);
        let (to_fixed, to_fresh) = (bytes("static_ciphertext")?, bytes("ephemeral_ciphertext")?);
        let name = text("id").ok_or_else(unreadable)?;
        let open = |key: &pqfw_framework::kem::DecapsulationKey, ciphertext: &[u8]| {
            key.decapsulate(ciphertext).map_err(|_| unreadable())
        };
        let (fixed, fresh) = (open(&self.keys.kem, &to_fixed)?, open(&fresh, &to_fresh)?);
        let about = [
            exporter.expose(),
            self.device.as_str().as_bytes(),
            name.as_bytes(),
            &public,
            &to_fixed,
            &to_fresh,
        ];
        let (kdf, sha256) = (&self.suite.kdf, self.sha256());
        let key = super::session_keys::derive(kdf, sha256, [&fixed, &fresh], &about);
        let key = key.map_err(|error| ClientError::Crypto(error.to_string()))?;
        Ok((name.to_owned(), key))
    }

    /// Ends the session, here and there.
    pub async fn end(&self) {
        // A server that this does not reach forgets an idle session by itself.
        let _ = self.channel.close().await;
    }

    /// What names the session; the request opens it if there is none.
    async fn exporter(&self, label: &str) -> Result<SecretBytes, ClientError> {
        let said = self.ask("GET", route::STATUS, &[]).await?;
        Ok(said.outcome.exporter.export(label, &[], EXPORTED)?)
    }

    fn offer(&self, sign: &PublicKey, kem: &PublicKey) -> Value {
        json!({
            "device_id": self.device.as_str(),
            "signature_algorithm": sign.algorithm,
            "signature_public_key": base64(&sign.key),
            "kem_algorithm": kem.algorithm,
            "kem_public_key": base64(&kem.key),
        })
    }

    /// Asks for a challenge to the KEM key that is offered, and puts the answer into the offer.
    async fn prove_kem(
        &self,
        body: &mut Value,
        keys: &DeviceKeys,
        transcript: &[u8],
    ) -> Result<(), ClientError> {
        let answer = self.post(route::PROVE, body).await?;
        let ciphertext = answer
            .get("challenge")
            .and_then(Value::as_str)
            .and_then(from_base64);
        let secret = ciphertext
            .as_ref()
            .and_then(|c| keys.kem.decapsulate(c).ok());
        let (ciphertext, secret) = ciphertext
            .zip(secret)
            .ok_or(ClientError::Unreadable("a challenge"))?;
        let proof = kem_mac(self.sha256(), &secret, transcript, &ciphertext);
        body["kem_proof"] = base64(proof.expose()).into();
        Ok(())
    }

    fn sign(&self, keys: &DeviceKeys, label: &str, digest: &[u8]) -> Result<Vec<u8>, ClientError> {
        Ok(keys
            .sign
            .sign(&mut *self.world.rng(), &statement(label, digest))?)
    }

    fn sha256(&self) -> &AdmittedHash {
        &self.suite.digest
    }

    async fn post(&self, route: &'static str, body: &Value) -> Result<Value, ClientError> {
        let said = self.ask("POST", route, body.to_string().as_bytes()).await?;
        json_of(&said, route)
    }

    async fn ask(&self, method: &str, path: &str, body: &[u8]) -> Result<Said, ClientError> {
        let mut outcome = self.channel.request(method, path, body).await?;
        let status = outcome.response.status;
        if status != 304 {
            accepted(&outcome.response)?;
        }
        let body = std::mem::take(&mut outcome.response.body);
        Ok(Said {
            body,
            status,
            outcome,
        })
    }
}

fn json_of(said: &Said, what: &'static str) -> Result<Value, ClientError> {
    serde_json::from_slice(&said.body).map_err(|_| ClientError::Unreadable(what))
}

/// Both public keys, with the names of their algorithms.
fn public(keys: &DeviceKeys) -> (PublicKey, PublicKey) {
    let of = |algorithm: &str, key: Vec<u8>| PublicKey {
        algorithm: algorithm.to_owned(),
        key,
    };
    let sign = of(&keys.sign.info().id, keys.sign.verifying_key());
    let kem = of(&keys.kem.info().id, keys.kem.encapsulation_key());
    (sign, kem)
}
