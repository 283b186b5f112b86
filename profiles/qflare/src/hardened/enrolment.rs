//! Enrolment: a stranger with a token becomes a device, when it has proved both keys.

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::world::Now;
use pqfw_session::exchange::Peer;
use serde_json::{Value, json};

use super::server::{Server, exported};
use super::{SINGLE_USE, kem_mac, keys_transcript, label, token_mac};
use crate::error::{BAD_TOKEN, NO_DEVICE, Refusal};
use crate::json::{Body, base64};
use crate::service::secs;
use crate::state::{Device, DeviceId, PublicKey};

/// The keys that a device offers.
pub(super) struct Offered {
    pub(super) device: DeviceId,
    pub(super) sign: PublicKey,
    pub(super) kem: PublicKey,
}

impl Offered {
    /// Reads them off a body.
    pub(super) fn read(body: &mut Body) -> Option<Self> {
        let device = body.device("device_id");
        let mut key = |name: &str| {
            let algorithm = body.text(&format!("{name}_algorithm"));
            let key = body.base64(&format!("{name}_public_key"));
            let (algorithm, key) = algorithm.zip(key)?;
            Some(PublicKey { algorithm, key })
        };
        let keys = key("signature").zip(key("kem"));
        let (device, (sign, kem)) = device.zip(keys)?;
        Some(Self { device, sign, kem })
    }

    pub(super) fn transcript(&self, exporter: &[u8]) -> Vec<u8> {
        keys_transcript(exporter, &self.device, &self.sign, &self.kem)
    }
}

impl Server {
    /// Encapsulates to a KEM key that is offered, to see whether the device holds it. Only who has
    /// a token or is a device can ask for that.
    pub(super) fn prove(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        body: &[u8],
        peer: &Peer,
        known: Option<(DeviceId, Device)>,
    ) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let offered = Offered::read(&mut body);
        let proof = match &known {
            None => body.base64("token_proof").map(Some),
            Some(_) => Some(None),
        };
        let (offered, proof) = body.finish(offered.zip(proof))?;
        let transcript = offered.transcript(&exported(peer, label::ENROL)?);
        match (&known, proof) {
            (Some((id, _)), _) if *id == offered.device => {
                self.service.count(now, "prove", id)?;
            }
            (None, Some(proof)) => drop(self.token(now, &offered.device, &transcript, &proof)?),
            _ => return Err(Refusal::Forbidden(NO_DEVICE)),
        }
        let kem = self.usable(&offered)?;
        let key = kem.import_encapsulation_key(&offered.kem.key);
        let key = key.map_err(|_| not_a_key("kem_public_key", &offered.kem))?;
        let (ciphertext, secret) = kem.encapsulate(&key, rng)?;
        let sha256 = self.service.sha256();
        let answer = kem_mac(sha256, &secret, &transcript, &ciphertext);
        let about = sha256.digest(&[&transcript]);
        let secs = self.service.config().challenge_secs;
        self.proofs.expect(now, peer.session, about, answer, secs)?;
        Ok(json!({ "challenge": base64(&ciphertext) }))
    }

    /// One transaction: the token is used up and the device is there, or neither.
    pub(super) fn enroll(&self, now: Now, body: &[u8], peer: &Peer) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let offered = Offered::read(&mut body);
        let proofs = body.base64("token_proof").zip(body.base64("kem_proof"));
        let signature = body.base64("signature");
        let read = offered.zip(proofs).zip(signature);
        let ((offered, (token_proof, kem_proof)), signature) = body.finish(read)?;
        let transcript = offered.transcript(&exported(peer, label::ENROL)?);
        let token = self.token(now, &offered.device, &transcript, &token_proof)?;
        self.usable(&offered)?;
        if self.devices.fingerprint(&offered.sign).as_ref() != Some(&peer.fingerprint) {
            let text = "it is not the key that opened this channel";
            return Err(Refusal::field("signature_public_key", text));
        }
        self.proves_keys(
            now,
            &offered,
            &transcript,
            (&kem_proof, &signature),
            label::ENROL,
            peer,
        )?;
        let (sign, kem) = (&offered.sign, Some(&offered.kem));
        let state = self.service.state();
        state.enrol_by(secs(now), &token, &offered.device, sign, kem)?;
        let (device, peer) = (&offered.device, &peer.fingerprint);
        self.service
            .tell(format!("device {device} is enrolled as {peer}"));
        Ok(json!({
            "status": "success",
            "device_id": device.as_str(),
            "message": "Device enrolled successfully",
        }))
    }

    /// Both proofs of possession: the KEM key's answer, and a signature of the new key.
    pub(super) fn proves_keys(
        &self,
        now: Now,
        offered: &Offered,
        transcript: &[u8],
        (kem_proof, signature): (&[u8], &[u8]),
        label: &str,
        peer: &Peer,
    ) -> Result<(), Refusal> {
        let digest = self.service.sha256().digest(&[transcript]);
        if !self.proofs.take(now, &peer.session, &digest, kem_proof) {
            return Err(Refusal::field("kem_proof", "the KEM key is not proved"));
        }
        match self.verify(&offered.sign, label, &digest, signature) {
            Err(Refusal::Unauthorized(_)) => Err(Refusal::field(
                "signature",
                "the signature key is not proved",
            )),
            other => other,
        }
    }

    /// The token of this device whose secret made the proof. Every fault sounds alike.
    fn token(
        &self,
        now: Now,
        device: &DeviceId,
        transcript: &[u8],
        proof: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let now = secs(now);
        let tokens = self.service.state().tokens()?.into_iter();
        let mut good = tokens.filter(|(_, token)| token.device == *device && now < token.expires);
        let sha256 = self.service.sha256();
        let found = good.find(|(id, _)| {
            let expected = token_mac(sha256, id, transcript);
            expected.constant_time_eq(proof)
        });
        let (id, _) = found.ok_or(Refusal::Unauthorized(BAD_TOKEN))?;
        Ok(id)
    }

    /// The KEM of the offered key, if both keys are of this server's suites and fit to be static.
    fn usable(&self, offered: &Offered) -> Result<&pqfw_framework::kem::AdmittedKem, Refusal> {
        let sign = self.devices.suite_of(&offered.sign.algorithm);
        let unknown =
            |field: &str| Refusal::field(field, "an algorithm of no suite of this server");
        let sign = sign.ok_or_else(|| unknown("signature_algorithm"))?;
        sign.signature
            .import_verifying_key(&offered.sign.key)
            .map_err(|_| not_a_key("signature_public_key", &offered.sign))?;
        let kem = self.devices.suite_with_kem(&offered.kem.algorithm);
        let kem = &kem.ok_or_else(|| unknown("kem_algorithm"))?.kem;
        if kem.info().claims.iter().any(|claim| claim == SINGLE_USE) {
            let text = "keys of this algorithm are for single use, and a device's is not";
            return Err(Refusal::field("kem_algorithm", text));
        }
        kem.import_encapsulation_key(&offered.kem.key)
            .map_err(|_| not_a_key("kem_public_key", &offered.kem))?;
        Ok(kem)
    }
}

fn not_a_key(field: &str, key: &PublicKey) -> Refusal {
    let (length, algorithm) = (key.key.len(), key.algorithm.escape_debug());
    let text = format!("{length} bytes are no raw public key of {algorithm}");
    Refusal::field(field, &text)
}
