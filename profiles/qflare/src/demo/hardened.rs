//! The devices in dialect `qflare-2`, and what is refused in it.

use std::sync::Arc;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::profile::Profile;
use pqfw_framework::system::{Host, RunError};
use pqfw_framework::transport::Exchange;
use serde_json::{Value, json};

use super::crowd::{DEVICES, House, named, one_end};
use super::scene::{Scene, failed};
use super::wire::Wire;
use super::{EVIL_PICKLE, moved, no_number};
use crate::error::ClientError;
use crate::hardened::{Client, EnrolToken};
use crate::keys::DeviceKeys;
use crate::learning::Trainer;
use crate::model::{Model, ModelLimits, read};
use crate::state::DeviceId;
use crate::system::connect_over;

/// The format of what is sent.
const FORMAT: &str = "safetensors";

/// Where devices come to be.
pub(super) struct Stage {
    pub(super) profile: Profile,
    /// With the address of the server.
    pub(super) host: Host,
    /// Whom they believe.
    pub(super) server: Fingerprint,
}

/// A device with keys in a pocket of its own.
pub(super) struct Device {
    pub(super) id: DeviceId,
    /// The token that it has used.
    token: Option<EnrolToken>,
    client: Client,
    wire: Arc<Wire>,
    host: Host,
}

/// A model that was fetched.
struct Base {
    round: u64,
    sha256: Vec<u8>,
    model: Model,
}

/// Devices with new keys, that have proved their tokens and both keys, each on its channel.
pub(super) async fn enrolled(house: &House, stage: &Stage) -> Result<Vec<Device>, RunError> {
    let mut devices = Vec::new();
    for number in 0..DEVICES {
        let id = named(number)?;
        let token = EnrolToken::parse(&house.token(&id, "token")?)?;
        let mut device = stage.newcomer(id)?;
        device.client.enrol(&token).await?;
        device.token = Some(token);
        devices.push(device);
    }
    Ok(devices)
}

impl Stage {
    /// A device with new keys, that nobody knows.
    fn newcomer(&self, id: DeviceId) -> Result<Device, RunError> {
        let host = one_end(&self.host);
        let name = &self.profile.common.keys.identity;
        let rng = &mut *host.world.rng();
        let (keys, _) = DeviceKeys::load_or_generate(&*host.keys, name, &host.suite, rng)?;
        let wire = Wire::new(host.transport.connect_exchange(&host.settings)?);
        let client = self.client(&id, &wire, &host, keys)?;
        Ok(Device {
            id,
            token: None,
            client,
            wire,
            host,
        })
    }

    /// A client whose channel has the identity in the pocket of `host`, and that signs with `keys`.
    fn client(
        &self,
        id: &DeviceId,
        wire: &Arc<Wire>,
        host: &Host,
        keys: DeviceKeys,
    ) -> Result<Client, RunError> {
        let who = (id.clone(), self.server.clone());
        connect_over(wire.clone(), &self.profile, host, who, keys)
    }

    /// One device, that has got at the signing key of another.
    fn forger(&self, device: &Device, other: &Device) -> Result<Client, RunError> {
        let (files, name) = (&*other.host.keys, &self.profile.common.keys.identity);
        let keys = DeviceKeys::load(files, name, &other.host.suite)?;
        let keys = keys.ok_or_else(|| failed("a device without keys"))?;
        self.client(&device.id, &device.wire, &device.host, keys)
    }
}

impl Device {
    /// Fetches the model, trains on it, signs and submits.
    pub(super) async fn learn(&self, trainer: &mut Trainer) -> Result<(), RunError> {
        let base = self.fetch().await?;
        let update = trainer.update(base.model.values());
        let update = base.with(update)?;
        self.submit(&base, &update, trainer.examples()).await?;
        Ok(())
    }

    async fn fetch(&self) -> Result<Base, RunError> {
        let fetched = self.client.model(None).await?;
        let fetched = fetched.ok_or_else(|| failed("there is no model"))?;
        let round = self.client.status().await?["round"].as_u64();
        Ok(Base {
            round: round.ok_or_else(|| failed("there is no round"))?,
            sha256: fetched.sha256,
            model: read(&fetched.file, &ModelLimits::default()).map_err(failed)?,
        })
    }

    /// Signs any bytes as an update and submits them; gives the receipt.
    async fn submit(
        &self,
        base: &Base,
        update: &[u8],
        examples: u64,
    ) -> Result<Value, ClientError> {
        submit(&self.client, base, update, examples).await
    }
}

impl Base {
    /// The file of a model with these values.
    fn with(&self, values: Vec<f32>) -> Result<Vec<u8>, RunError> {
        let model = self.model.with_values(values).map_err(failed)?;
        Ok(model.to_safetensors())
    }
}

async fn submit(
    client: &Client,
    base: &Base,
    update: &[u8],
    examples: u64,
) -> Result<Value, ClientError> {
    let (round, hash) = (base.round, &base.sha256);
    client.submit(round, hash, (FORMAT, update), examples).await
}

/// What is tried, and refused: from outside, on the wire, and by devices that were enrolled.
pub(super) async fn attacks(
    scene: &mut Scene,
    house: &House,
    stage: &Stage,
    devices: &[Device],
) -> Result<(), RunError> {
    let [.., other, device] = devices else {
        return Err(failed("there are no devices"));
    };
    let before = house.service.global()?.map(|global| global.version());
    strangers(scene, house, stage, device).await?;
    let base = device.fetch().await?;
    let update = base.with(base.model.values().clone())?;
    on_the_wire(scene, device, &base, &update).await?;
    by_devices(scene, stage, (device, other), &base, &update).await?;

    scene.step("the operator revokes a device");
    house.ask_operator(
        "/devices/revoke",
        &json!({ "device_id": other.id.as_str() }),
    )?;
    scene.refused(other.client.model(None).await, 403)?;

    let updates = house.service.state().updates(base.round).map_err(failed)?;
    if house.service.global()?.map(|global| global.version()) != before || updates.len() != 1 {
        return Err(failed("an attack has changed the model or the round"));
    }
    Ok(())
}

async fn strangers(
    scene: &mut Scene,
    house: &House,
    stage: &Stage,
    device: &Device,
) -> Result<(), RunError> {
    scene.step("attack: a stranger with a key of its own connects");
    let stranger = stage.newcomer(named(DEVICES)?)?;
    scene.stopped(stranger.client.status().await)?;

    scene.step("attack: while an eleventh device is awaited, a used token is brought once more");
    house.token(&named(DEVICES)?, "token")?;
    let stranger = stage.newcomer(device.id.clone())?;
    let used = device.token.as_ref();
    let used = used.ok_or_else(|| failed("a device without a token"))?;
    scene.refused(stranger.client.enrol(used).await, 401)
}

async fn on_the_wire(
    scene: &mut Scene,
    device: &Device,
    base: &Base,
    update: &[u8],
) -> Result<(), RunError> {
    scene.step("attack: one bit of a sealed update is changed on the wire");
    let least = update.len();
    device.wire.change_next(move |body| {
        let (is_the_update, middle) = (body.len() > least, body.len() / 2);
        if let Some(byte) = body.get_mut(middle).filter(|_| is_the_update) {
            *byte ^= 1;
        }
        is_the_update
    });
    scene.stopped(device.submit(base, update, 1).await)?;

    scene.step("an honest update, and its bytes on the wire once more");
    let receipt = device.submit(base, update, 1).await?;
    scene.fact("accepted", &words(&receipt));
    let sent = device.wire.last();
    let sent = sent.ok_or_else(|| failed("nothing was sent"))?;
    let answer = device.wire.exchange(sent).await?;
    if answer.status == 200 {
        return Err(failed("the attack succeeded"));
    }
    scene.passed(&format!("refused by the channel: {}", answer.status));
    Ok(())
}

async fn by_devices(
    scene: &mut Scene,
    stage: &Stage,
    (device, other): (&Device, &Device),
    base: &Base,
    update: &[u8],
) -> Result<(), RunError> {
    scene.step("the device submits the same update again, and then another");
    let again = device.submit(base, update, 1).await?;
    scene.fact("the same", &words(&again));
    let another = base.with(moved(base.model.values()))?;
    scene.refused(device.submit(base, &another, 1).await, 409)?;

    scene.step("attack: a device submits an update that another one has signed");
    let forger = stage.forger(other, device)?;
    scene.refused(submit(&forger, base, update, 1).await, 401)?;

    scene.step("attack: an enrolled device signs an update that is no number");
    let sent = other.submit(base, &no_number(update), 1).await;
    scene.refused(sent, 422)?;

    scene.step("attack: an enrolled device signs a pickle");
    scene.refused(other.submit(base, EVIL_PICKLE, 1).await, 415)
}

fn words(receipt: &Value) -> String {
    let (round, entry) = (&receipt["round"], &receipt["audit_entry"]);
    format!("with a receipt: round {round}, entry {entry} of the audit")
}
