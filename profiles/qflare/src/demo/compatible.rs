//! The devices in dialect `qflare-1`, and what is refused in it.

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::system::RunError;
use pqfw_framework::transport::{Exchange, Request};
use zeroize::Zeroizing;

use super::crowd::{DEVICES, House, named};
use super::scene::{Scene, failed};
use super::wire::Wire;
use super::{EVIL_PICKLE, moved, no_number};
use crate::compatible::{Client, accepted};
use crate::error::ClientError;
use crate::keys::DeviceKeys;
use crate::learning::Trainer;
use crate::state::DeviceId;

/// A device that is enrolled and has a session.
pub(super) struct Device {
    pub(super) id: DeviceId,
    client: Client,
    keys: DeviceKeys,
    wire: Arc<Wire>,
    /// The request that enrolled it.
    enrolment: Request,
    session: Zeroizing<String>,
}

/// Devices with new keys, that have used their tokens and proved that they hold their KEM keys.
pub(super) async fn enrolled(house: &House) -> Result<Vec<Device>, RunError> {
    let mut devices = Vec::new();
    for number in 0..DEVICES {
        devices.push(Device::enrol(named(number)?, house).await?);
    }
    Ok(devices)
}

impl Device {
    async fn enrol(id: DeviceId, house: &House) -> Result<Self, RunError> {
        let token = house.token(&id, "enrollment_token")?;
        let host = &house.host;
        let (suite, rng) = (&host.suite, &mut *host.world.rng());
        let keys = DeviceKeys {
            sign: suite.signature.generate(rng).map_err(failed)?,
            kem: suite.kem.generate(rng).map_err(failed)?,
        };
        let wire = Wire::new(host.transport.connect_exchange(&host.settings)?);
        let client = Client::new(wire.clone(), suite.clone(), id.clone());
        client.health().await?;
        client.enroll(&token, &keys).await?;
        let enrolment = wire.last().ok_or_else(|| failed("nothing was sent"))?;
        let session = client.authenticate(&keys).await?;
        Ok(Self {
            id,
            client,
            keys,
            wire,
            enrolment,
            session,
        })
    }

    /// Fetches the model, trains on it, signs and submits.
    pub(super) async fn learn(
        &self,
        rng: &mut (dyn CryptoRng + Send),
        trainer: &mut Trainer,
    ) -> Result<(), RunError> {
        let (version, base) = self.fetch().await?;
        let update = bytes_of(&trainer.update(&base));
        let examples = trainer.examples();
        self.submit(rng, &update, examples, &version).await?;
        Ok(())
    }

    /// The version of the global model, and its values.
    async fn fetch(&self) -> Result<(String, Vec<f32>), RunError> {
        let fetched = self.client.global_model().await?;
        let fetched = fetched.ok_or_else(|| failed("there is no model"))?;
        let values = fetched.weights.as_chunks::<4>().0.iter();
        let values = values.copied().map(f32::from_le_bytes).collect();
        Ok((fetched.version, values))
    }

    /// Signs any bytes as an update and submits them.
    async fn submit(
        &self,
        rng: &mut (dyn CryptoRng + Send),
        update: &[u8],
        examples: u64,
        version: &str,
    ) -> Result<u64, ClientError> {
        let session = Some(self.session.as_str());
        let client = &self.client;
        client
            .submit(&self.keys, rng, update, examples, version, session)
            .await
    }
}

/// What is tried, and refused.
pub(super) async fn attacks(scene: &mut Scene, devices: &[Device]) -> Result<(), RunError> {
    let device = devices.last();
    let device = device.ok_or_else(|| failed("there are no devices"))?;
    let world = scene.host.world.clone();
    let rng = &mut *world.rng();
    scene.step("attack: an enrolment is sent again, bit for bit");
    let response = device.wire.exchange(device.enrolment.clone()).await?;
    scene.refused(accepted(&response), 401)?;

    let (version, base) = device.fetch().await?;
    let update = bytes_of(&base);
    scene.step("attack: one bit of an update's signature is changed on the wire");
    device.wire.change_next(flip_in_signature);
    let sent = device.submit(rng, &update, 1, &version).await;
    scene.refused(sent, 401)?;

    scene.step("attack: an enrolled device signs an update that is no number");
    let sent = device.submit(rng, &no_number(&update), 1, &version).await;
    scene.refused(sent, 422)?;

    scene.step("attack: an enrolled device signs a pickle");
    let sent = device.submit(rng, EVIL_PICKLE, 1, &version).await;
    scene.refused(sent, 415)?;

    scene.step("an honest update, and then another of the same device in the same round");
    let round = device.submit(rng, &update, 1, &version).await?;
    scene.fact("first", &format!("accepted in round {round}"));
    let other = bytes_of(&moved(&base));
    let sent = device.submit(rng, &other, 1, &version).await;
    scene.refused(sent, 409)
}

/// As they travel.
fn bytes_of(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// Flips one bit in the middle of the field `signature`, if the body has one.
fn flip_in_signature(body: &mut Vec<u8>) -> bool {
    let changed = serde_json::from_slice(body)
        .ok()
        .and_then(|mut json: serde_json::Value| {
            let field = json.get_mut("signature")?;
            let mut signature = crate::json::from_base64(field.as_str()?)?;
            let middle = signature.len() / 2;
            *signature.get_mut(middle)? ^= 1;
            *field = crate::json::base64(&signature).into();
            Some(json.to_string().into_bytes())
        });
    match changed {
        Some(changed) => *body = changed,
        None => return false,
    }
    true
}
