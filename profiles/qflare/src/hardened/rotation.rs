//! New keys for a device: the old key signs the new ones, and the new key the old one's name.

use pqfw_framework::world::Now;
use pqfw_session::exchange::Peer;
use serde_json::{Value, json};

use super::enrolment::Offered;
use super::server::{Server, exported};
use super::{label, parts};
use crate::error::{NO_DEVICE, Refusal};
use crate::json::Body;
use crate::service::secs;
use crate::state::{Device, DeviceId};

impl Server {
    /// Replaces the keys. Sessions of the old key are strangers' from then on.
    pub(super) fn rotate(
        &self,
        now: Now,
        body: &[u8],
        peer: &Peer,
        (id, device): (&DeviceId, &Device),
    ) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let offered = Offered::read(&mut body);
        let proof = body.base64("kem_proof");
        let signatures = body
            .base64("old_signature")
            .zip(body.base64("new_signature"));
        let read = offered.zip(proof).zip(signatures);
        let ((offered, kem_proof), (old, new)) = body.finish(read)?;
        if offered.device != *id {
            return Err(Refusal::Forbidden(NO_DEVICE));
        }
        let transcript = offered.transcript(&exported(peer, label::ENROL)?);
        let sha256 = self.service.sha256();
        let digest = sha256.digest(&[&transcript]);
        self.verify(&device.signature, label::OLD_KEY, &digest, &old)?;
        let back = sha256.digest(&[&named(peer.fingerprint.as_str(), &transcript)]);
        self.verify(&offered.sign, label::NEW_KEY, &back, &new)?;
        if !self.proofs.take(now, &peer.session, &digest, &kem_proof) {
            return Err(Refusal::field("kem_proof", "the KEM key is not proved"));
        }
        let state = self.service.state();
        state.rotate(secs(now), id, &offered.sign, Some(&offered.kem))?;
        self.service.tell(format!("device {id} has new keys"));
        Ok(json!({ "status": "success", "device_id": id.as_str() }))
    }
}

/// What the new key signs: the old key's name, and all that the old one signed.
pub(super) fn named(fingerprint: &str, transcript: &[u8]) -> Vec<u8> {
    parts(&[fingerprint.as_bytes(), transcript])
}
