//! A client put together from the specification, move by move, rather than with [`Qu3Client`].
//!
//! [`Qu3Client`]: pqfw_qu3::Qu3Client

use chacha20::ChaCha20Rng;
use pqfw_framework::aead::AeadKey;
use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::{Rng, SeedableRng};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::{Request, Response};
use pqfw_qu3::keys::EndKeys;
use pqfw_qu3::wire::{self, route};

use crate::support::{House, Who, accepted, bytes, json, keys_of, object, post, string, suite};

/// A client, move by move, as the specification's section 1 has it.
pub(crate) struct Peer {
    pub(crate) suite: Suite,
    pub(crate) keys: EndKeys,
    pub(crate) session: Option<AeadKey>,
    pub(crate) server_sign_key: Vec<u8>,
    pub(crate) rng: ChaCha20Rng,
}

/// Where peers say that they are talking to.
pub(crate) const URL: &str = "http://127.0.0.1:8000";

impl Peer {
    pub(crate) fn new(who: Who) -> Self {
        let server = keys_of(Who::Server).sign_public;
        Self::of(suite(), keys_of(who), server)
    }

    pub(crate) fn of(suite: Suite, keys: EndKeys, server_sign_key: Vec<u8>) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(2);
        Self {
            suite,
            keys,
            session: None,
            server_sign_key,
            rng,
        }
    }

    /// One of the people who is in session already, and pinned.
    pub(crate) fn in_session(who: Who, house: &House) -> Self {
        let mut peer = Self::new(who);
        peer.meet(house);
        assert_eq!(peer.caps(house, "hello"), Ok("HELLO".into()));
        peer
    }

    pub(crate) fn hello(&self) -> Request {
        self.hello_as(&self.keys.sign_public)
    }

    pub(crate) fn hello_as(&self, sign_key: &[u8]) -> Request {
        hello(&self.keys.kem_public, sign_key)
    }

    /// Takes the server's half of the handshake. The key before it is given back.
    pub(crate) fn take_session(&mut self, response: &Response) -> Option<AeadKey> {
        let ciphertext = bytes(&accepted(response), "kemCiphertextB64");
        let secret = self
            .suite
            .kem
            .decapsulate(&self.keys.kem, &ciphertext)
            .unwrap();
        self.session.replace(session_key(&self.suite, &secret))
    }

    /// A handshake: the session is pending at the server.
    pub(crate) fn meet(&mut self, house: &House) -> Option<AeadKey> {
        let response = house.ask(&self.hello());
        self.take_session(&response)
    }

    pub(crate) fn sign(&mut self, message: &[u8]) -> Vec<u8> {
        self.keys.sign.sign(&mut self.rng, &[message]).unwrap()
    }

    fn seal(&mut self, plaintext: &[u8]) -> (String, String) {
        let (nonce, sealed) = seal(self.session.as_ref().unwrap(), &mut self.rng, plaintext);
        (wire::encode(&nonce), wire::encode(&sealed))
    }

    /// A genuine inference.
    pub(crate) fn inference(&mut self, model: &str, input: &Json) -> Request {
        let signature = self.sign(statement(model, input, None).canonical().as_bytes());
        self.inference_signed(model, input, &signature)
    }

    /// An inference with a signature of the caller's.
    pub(crate) fn inference_signed(
        &mut self,
        model: &str,
        input: &Json,
        signature: &[u8],
    ) -> Request {
        let signature = Some(wire::encode(signature).as_str().into());
        self.inference_sealing(statement(model, input, signature).canonical().as_bytes())
    }

    /// Any plaintext, sealed as an inference.
    pub(crate) fn inference_sealing(&mut self, plaintext: &[u8]) -> Request {
        let (nonce, sealed) = self.seal(plaintext);
        let kem_key = wire::encode(&self.keys.kem_public);
        let fields = [
            ("clientKemPublicKeyB64", kem_key),
            ("nonceB64", nonce),
            ("encryptedPayloadB64", sealed),
        ];
        post(route::INFERENCE, &object(fields))
    }

    /// A genuine policy update.
    pub(crate) fn policy(&mut self, text: &[u8]) -> Request {
        let signature = self.sign(text);
        self.policy_signed(text, &signature)
    }

    /// A policy update with a signature of the caller's.
    pub(crate) fn policy_signed(&mut self, text: &[u8], signature: &[u8]) -> Request {
        let (nonce, sealed) = self.seal(text);
        let kem_key = wire::encode(&self.keys.kem_public);
        let fields = [
            ("client_kem_pub_key_b64", kem_key),
            ("nonce_b64", nonce),
            ("ciphertext_b64", sealed),
            ("signature_b64", wire::encode(signature)),
        ];
        post(route::POLICY, &object(fields))
    }

    /// Opens an inference's answer and verifies what is attested in it.
    pub(crate) fn open_inference(&self, response: &Response) -> Json {
        let text = self.open(&accepted(response), ["nonceB64", "encryptedPayloadB64"]);
        let reply = json(&text);
        let attested = reply.get("attestation_data").unwrap().canonical();
        let signature = bytes(&reply, "attestation_signature_b64");
        self.verify(attested.as_bytes(), &signature);
        reply
    }

    /// Opens a policy's answer and verifies it.
    pub(crate) fn open_policy(&self, response: &Response) -> String {
        let body = accepted(response);
        let text = self.open(&body, ["nonce_b64", "ciphertext_b64"]);
        self.verify(&text, &bytes(&body, "signature_b64"));
        String::from_utf8(text).unwrap()
    }

    pub(crate) fn open(&self, body: &Json, [nonce, sealed]: [&str; 2]) -> Vec<u8> {
        let (nonce, sealed) = (bytes(body, nonce), bytes(body, sealed));
        let session = self.session.as_ref().unwrap();
        session.open(&nonce, &[], &sealed).unwrap()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) {
        let algorithm = &self.suite.signature;
        let key = algorithm
            .import_verifying_key(&self.server_sign_key)
            .unwrap();
        algorithm.verify(&key, &[message], &[], signature).unwrap();
    }

    /// Runs a model and gives its output, or why there is none.
    pub(crate) fn run(&mut self, house: &House, model: &str, input: &Json) -> Result<Json, String> {
        let request = self.inference(model, input);
        let reply = self.open_inference(&house.ask(&request));
        match reply.get("status").and_then(Json::as_str).unwrap() {
            "success" => Ok(reply.get("output_data").unwrap().clone()),
            _ => Err(string(&reply, "error_message")),
        }
    }

    /// Runs `model_caps` on a text.
    pub(crate) fn caps(&mut self, house: &House, text: &str) -> Result<String, String> {
        let output = self.run(house, "model_caps", &text_input(text))?;
        Ok(string(&output, "capitalized_text"))
    }

    /// Runs `model_reverse` on a text.
    pub(crate) fn reverse(&mut self, house: &House, text: &str) -> Result<String, String> {
        let output = self.run(house, "model_reverse", &text_input(text))?;
        Ok(string(&output, "reversed_text"))
    }

    /// Sets a policy that the server takes.
    pub(crate) fn set_policy(&mut self, house: &House, text: &str) {
        let request = self.policy(text.as_bytes());
        let answer = self.open_policy(&house.ask(&request));
        assert_eq!(
            answer,
            r#"{"status": "Policy update received and verified successfully."}"#
        );
    }

    /// Who this is to the server's policies.
    pub(crate) fn fingerprint(&self) -> String {
        self.keys.fingerprint(&self.suite).unwrap().to_string()
    }
}

/// A handshake in whoever's name.
pub(crate) fn hello(kem_key: &[u8], sign_key: &[u8]) -> Request {
    let fields = [
        ("client_kem_pub_key_b64", wire::encode(kem_key)),
        ("client_sign_pub_key_b64", wire::encode(sign_key)),
    ];
    post(route::HANDSHAKE, &object(fields))
}

/// HKDF with the KEM's secret, no salt, and the info of the specification.
pub(crate) fn session_key(suite: &Suite, secret: &SecretBytes) -> AeadKey {
    let length = suite.aead.sizes().key;
    let key = suite
        .kdf
        .derive(&[], secret.expose(), &[b"qu3-aes-gcm-key"], length);
    suite.aead.key(key.unwrap().expose()).unwrap()
}

/// Seals under a random nonce with empty associated data.
pub(crate) fn seal(
    key: &AeadKey,
    rng: &mut (impl Rng + ?Sized),
    plaintext: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let mut nonce = vec![0; key.sizes().nonce];
    rng.fill_bytes(&mut nonce);
    let sealed = key.seal(&nonce, &[], plaintext).unwrap();
    (nonce, sealed)
}

/// What an inference signs, or, with the signature in it, seals.
pub(crate) fn statement(model: &str, input: &Json, signature: Option<Json>) -> Json {
    let mut fields = vec![
        ("input_data", input.clone()),
        ("model_id", model.into()),
        ("target_server_url", URL.into()),
    ];
    fields.extend(signature.map(|signature| ("pqc_signature_b64", signature)));
    Json::Object(fields.into_iter().collect())
}

pub(crate) fn text_input(text: &str) -> Json {
    Json::object([("text", text.into())])
}

/// A good body for each route that takes one, with its fields in the order of the specification.
pub(crate) fn good_bodies(peer: &mut Peer) -> [(Request, Vec<&'static str>); 3] {
    [
        (
            peer.hello(),
            vec!["client_kem_pub_key_b64", "client_sign_pub_key_b64"],
        ),
        (
            peer.inference("model_caps", &text_input("x")),
            vec!["clientKemPublicKeyB64", "nonceB64", "encryptedPayloadB64"],
        ),
        (
            peer.policy(b"deny model_caps"),
            vec![
                "client_kem_pub_key_b64",
                "nonce_b64",
                "ciphertext_b64",
                "signature_b64",
            ],
        ),
    ]
}
