//! The handshake: each end signs a number of its own, and the server the client's as well.
//!
//! ```text
//! client ── Sign(did ‖ ":" ‖ nonce ‖ ":" ‖ timestamp) ──▶ server
//!        ◀── Sign(did ‖ ":" ‖ nonce ‖ ":" ‖ server's nonce ‖ ":" ‖ session) ──
//! ```

use std::sync::Arc;

use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::world::Now;

use super::error::PqcTransportError;
use super::hex;
use super::identity::{Algorithms, Did, Identity};
use super::lenience::Lenience;
use super::message::{Nonce, foreign_key, fresh, parse_nonce, printable};
use super::session::{Peer, PqcSession, SessionTimes};

const REQUEST: &str = "pqc_handshake_request";
const RESPONSE: &str = "pqc_handshake_response";

/// A client's handshake that waits for its answer.
pub struct PqcHandshake {
    identity: Arc<Identity>,
    nonce: String,
}

/// A client that asks for a session and has shown that it holds its key.
#[derive(Clone)]
pub struct Caller {
    /// Who.
    pub peer: Peer,
    /// Its number.
    pub nonce: Nonce,
    /// When it says that it asked, in microseconds since 1970.
    pub unix_micros: u64,
    /// Its signature.
    pub signature: Vec<u8>,
    nonce_text: String,
}

impl PqcHandshake {
    /// Asks for a session: gives what to send.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`].
    pub fn initiate(
        identity: &Arc<Identity>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Json), PqcTransportError> {
        let (nonce, timestamp) = (fresh(rng), now.iso8601());
        let text = format!("{}:{nonce}:{timestamp}", identity.did());
        let signature = identity.sign(rng, text.as_bytes())?;
        let request = Json::object([
            ("type", REQUEST.into()),
            ("client_did", identity.did().as_str().into()),
            (
                "client_public_key",
                hex::encode(identity.public_key()).into(),
            ),
            ("algorithm", identity.algorithms().label().into()),
            ("timestamp", timestamp.into()),
            ("nonce", nonce.as_str().into()),
            ("signature", hex::encode(&signature).into()),
        ]);
        let waiting = Self {
            identity: identity.clone(),
            nonce,
        };
        Ok((waiting, request))
    }

    /// Reads a request and verifies it. Whether the client is welcome, and whether its time and
    /// number are good, is the server's to say.
    ///
    /// # Errors
    /// [`PqcTransportError::Handshake`], [`PqcTransportError::SignatureVerification`].
    pub fn receive(
        algorithms: &Algorithms,
        request: &Json,
        lenience: &Lenience,
    ) -> Result<Caller, PqcTransportError> {
        let read = Fields::of(algorithms, request, REQUEST)?;
        let peer = read.peer(["client_did", "client_public_key"], lenience)?;
        let (nonce_text, timestamp) = (read.text("nonce")?, read.text("timestamp")?);
        let bad = |what: &str| PqcTransportError::Handshake(format!("`{what}` is none"));
        let unix_micros = super::timestamp::parse(timestamp).ok_or_else(|| bad("timestamp"))?;
        let nonce = parse_nonce(nonce_text).ok_or_else(|| bad("nonce"))?;
        let signature = read.binary("signature")?;
        let text = format!("{}:{nonce_text}:{timestamp}", peer.did);
        algorithms.verify(&peer.key, text.as_bytes(), &signature)?;
        Ok(Caller {
            peer,
            nonce,
            unix_micros,
            signature,
            nonce_text: nonce_text.to_owned(),
        })
    }

    /// Answers a caller: gives what to send, and the server's end of the session.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`].
    pub fn respond(
        identity: &Identity,
        now: Now,
        rng: &mut dyn CryptoRng,
        caller: &Caller,
        times: SessionTimes,
    ) -> Result<(Json, PqcSession), PqcTransportError> {
        let (server_nonce, session) = (fresh(rng), fresh(rng));
        let client_nonce = caller.nonce_text.as_str();
        let text = format!("{}:{client_nonce}:{server_nonce}:{session}", identity.did());
        let signature = identity.sign(rng, text.as_bytes())?;
        let response = Json::object([
            ("type", RESPONSE.into()),
            ("server_did", identity.did().as_str().into()),
            (
                "server_public_key",
                hex::encode(identity.public_key()).into(),
            ),
            ("algorithm", identity.algorithms().label().into()),
            ("client_nonce", client_nonce.into()),
            ("server_nonce", server_nonce.into()),
            ("signature", hex::encode(&signature).into()),
            ("session_id", session.as_str().into()),
        ]);
        let session = PqcSession::new(now, session, caller.peer.clone(), times);
        Ok((response, session))
    }

    /// Reads the answer: gives the client's end of the session. Whether the server is the right
    /// one is the client's to say.
    ///
    /// # Errors
    /// [`PqcTransportError::Handshake`], [`PqcTransportError::SignatureVerification`].
    pub fn complete(
        self,
        now: Now,
        response: &Json,
        times: SessionTimes,
        lenience: &Lenience,
    ) -> Result<PqcSession, PqcTransportError> {
        let algorithms = self.identity.algorithms();
        let read = Fields::of(algorithms, response, RESPONSE)?;
        let peer = read.peer(["server_did", "server_public_key"], lenience)?;
        let client_nonce = read.text("client_nonce")?;
        if client_nonce != self.nonce {
            let text = "the server answers another handshake than ours";
            return Err(PqcTransportError::Handshake(text.into()));
        }
        let (server_nonce, session) = (read.text("server_nonce")?, read.text("session_id")?);
        for (name, text) in [("server_nonce", server_nonce), ("session_id", session)] {
            if parse_nonce(text).is_none() {
                return Err(PqcTransportError::Handshake(format!("`{name}` is none")));
            }
        }
        let text = format!("{}:{client_nonce}:{server_nonce}:{session}", peer.did);
        algorithms.verify(&peer.key, text.as_bytes(), &read.binary("signature")?)?;
        Ok(PqcSession::new(now, session.to_owned(), peer, times))
    }
}

/// The fields of either message.
struct Fields<'m> {
    algorithms: &'m Algorithms,
    message: &'m Json,
}

impl<'m> Fields<'m> {
    fn of(
        algorithms: &'m Algorithms,
        message: &'m Json,
        kind: &str,
    ) -> Result<Self, PqcTransportError> {
        let fields = Self {
            algorithms,
            message,
        };
        let (found, algorithm) = (fields.text("type")?, fields.text("algorithm")?);
        if found != kind {
            let text = format!("expected `{kind}`, got `{}`", printable(found));
            return Err(PqcTransportError::Handshake(text));
        }
        if algorithm != algorithms.label() {
            return Err(PqcTransportError::Handshake(format!(
                "the peer's algorithm is called `{}`, ours `{}`",
                printable(algorithm),
                algorithms.label()
            )));
        }
        Ok(fields)
    }

    fn text(&self, name: &str) -> Result<&'m str, PqcTransportError> {
        let value = self.message.get(name).and_then(Json::as_str);
        value.ok_or_else(|| PqcTransportError::Handshake(format!("no text under `{name}`")))
    }

    fn binary(&self, name: &str) -> Result<Vec<u8>, PqcTransportError> {
        hex::decode(self.text(name)?).ok_or_else(|| {
            let text = format!("`{name}` is not in lower-case hexadecimal");
            PqcTransportError::Handshake(text)
        })
    }

    fn peer(&self, [did, key]: [&str; 2], lenience: &Lenience) -> Result<Peer, PqcTransportError> {
        let named = Did::parse(self.text(did)?)
            .ok_or_else(|| PqcTransportError::Handshake(format!("`{did}` is none")))?;
        let public_key = self.binary(key)?;
        if self.algorithms.did(&public_key) != named {
            lenience.forgive(foreign_key())?;
        }
        Ok(Peer {
            did: named,
            key: Arc::new(self.algorithms.import(&public_key)?),
            public_key,
        })
    }
}
