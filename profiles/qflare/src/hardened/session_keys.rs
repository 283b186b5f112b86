//! One-time session keys: encapsulated to a device's enrolled KEM key and to a fresh one, and taken
//! once, by another system of the operator.
//!
//! ```text
//! key = KDF(static secret ‖ ephemeral secret,
//!           "qflare-2/session-key" ‖ 00 ‖ SHA-256(parts: exporter ‖ device ‖ id ‖ ephemeral key ‖ both ciphertexts))
//! ```

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::kdf::{AdmittedKdf, KdfError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::world::Now;
use pqfw_session::exchange::Peer;
use serde_json::{Value, json};

use super::server::exported;
use super::{label, parts};
use crate::error::Refusal;
use crate::json::{Body, base64, hex};
use crate::service::locked;
use crate::state::{Device, DeviceId};

/// Keys that wait to be taken.
#[derive(Default)]
pub struct SessionKeys(Mutex<BTreeMap<String, Waiting>>);

struct Waiting {
    device: DeviceId,
    key: SecretBytes,
    until: Duration,
}

/// The most that wait.
const MOST: usize = 10_000;
/// Bytes of a key.
const LENGTH: usize = 32;

impl SessionKeys {
    /// Takes a key, with the device that has it, too. No key is taken twice.
    #[must_use]
    pub fn take(&self, now: Now, id: &str) -> Option<(DeviceId, SecretBytes)> {
        let waiting = locked(&self.0).remove(id)?;
        (now.since_start < waiting.until).then_some((waiting.device, waiting.key))
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each says what it is, and they are of one use"
    )]
    pub(super) fn make(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        suite: &Suite,
        secs: u64,
        (id, device): (&DeviceId, &Device),
        body: &[u8],
        peer: &Peer,
    ) -> Result<Value, Refusal> {
        let mut body = Body::read(body)?;
        let ephemeral = body.base64("ephemeral_public_key");
        let ephemeral = body.finish(ephemeral)?;
        let fixed = device.kem.as_ref().map_or(&[][..], |kem| &kem.key);
        let encapsulate = |key: &[u8], rng: &mut dyn CryptoRng| {
            let key = suite.kem.import_encapsulation_key(key);
            let key = key.map_err(|_| {
                Refusal::field(
                    "ephemeral_public_key",
                    "it is no raw public key of the device's KEM",
                )
            })?;
            Ok::<_, Refusal>(suite.kem.encapsulate(&key, rng)?)
        };
        let (to_fresh, fresh) = encapsulate(&ephemeral, rng)?;
        let (to_fixed, fixed) = encapsulate(fixed, rng)?;
        let mut name = [0; 16];
        rng.fill_bytes(&mut name);
        let name = hex(&name);
        let about = [
            &exported(peer, label::SESSION_KEY)?[..],
            id.as_str().as_bytes(),
            name.as_bytes(),
            &ephemeral,
            &to_fixed,
            &to_fresh,
        ];
        let key = derive(&suite.kdf, &suite.digest, [&fixed, &fresh], &about);
        let key = key.map_err(|error| Refusal::Internal(error.to_string()))?;
        let until = now.since_start.saturating_add(Duration::from_secs(secs));
        let mut all = locked(&self.0);
        if all.len() >= MOST {
            all.retain(|_, one| now.since_start < one.until);
        }
        if all.len() >= MOST {
            return Err(Refusal::Unavailable("too many session keys wait".into()));
        }
        let device = id.clone();
        let waiting = Waiting { device, key, until };
        all.insert(name.clone(), waiting);
        Ok(json!({
            "id": name,
            "static_ciphertext": base64(&to_fixed),
            "ephemeral_ciphertext": base64(&to_fresh),
            "expires_in": secs,
        }))
    }
}

/// The key that both ends make.
pub(super) fn derive(
    kdf: &AdmittedKdf,
    sha256: &AdmittedHash,
    [fixed, fresh]: [&SecretBytes; 2],
    about: &[&[u8]],
) -> Result<SecretBytes, KdfError> {
    let secrets = SecretBytes::own([fixed.expose(), fresh.expose()].concat());
    let digest = sha256.digest(&[&parts(about)]);
    let info = [label::SESSION_KEY.as_bytes(), b"\0", &digest[..]];
    kdf.derive(&[], secrets.expose(), &info, LENGTH)
}
