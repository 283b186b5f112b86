//! One server and its devices, each with a client, a wire and keys of its own.

use std::sync::Arc;

use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::profile::Profile;
use pqfw_framework::scene::Quiet;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{Host, RunError};
use pqfw_framework::transport::{ExchangeService, Listener, Request};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::pocket::Pocket;
use super::scene::failed;
use super::{compatible, hardened};
use crate::admin::Admin;
use crate::aggregate::Recipe;
use crate::config::QflareConfig;
use crate::learning::{CLASSES, DIGITS, Federation, Lie, PIXELS, read_digits};
use crate::service::{Closed, Service};
use crate::state::DeviceId;
use crate::system::{HARDENED, open, server};

/// The devices, and those of them that lie.
pub(super) const DEVICES: usize = 10;
pub(super) const LIARS: usize = 3;
/// Which digits each device has: the same in every run.
const SEED: u64 = 0;

/// A server with an address, and devices that know it.
pub(super) struct Crowd {
    pub(super) house: House,
    pub(super) cast: Cast,
    listener: Box<dyn Listener>,
    federation: Federation,
}

/// A server, seen from within: its state, its operator, and the host that has its address.
pub(super) struct House {
    pub(super) service: Arc<Service>,
    pub(super) host: Host,
    operator: Admin,
}

/// The devices, which are enrolled, of the dialect that is played.
pub(super) enum Cast {
    Compatible(Vec<compatible::Device>),
    Hardened(Box<hardened::Stage>, Vec<hardened::Device>),
}

/// A round's end.
pub(super) struct Round {
    pub(super) accuracy: f64,
    pub(super) closed: Closed,
}

impl Crowd {
    /// Starts a server with this rule, and has the devices enrol.
    pub(super) async fn gather(
        config: &QflareConfig,
        recipe: &Recipe,
        profile: &Profile,
        host: &Host,
    ) -> Result<Self, RunError> {
        let digits = read_digits(DIGITS).ok_or_else(|| failed("the digits are damaged"))?;
        let tensors = [
            ("bias".to_owned(), vec![CLASSES]),
            ("weight".to_owned(), vec![CLASSES, PIXELS]),
        ];
        let config = QflareConfig {
            rule: recipe.rule.to_string(),
            clip: recipe.clip.to_string(),
            // The scenario closes rounds itself, to show what became of each update.
            close_at: 0,
            open_rounds: true,
            initial: tensors.into(),
            // All devices of the scenario come from one address, as fast as they can.
            per_device_per_minute: 0,
            ..config.clone()
        };
        let mut host = one_end(host);
        host.store = Arc::new(MemoryStore::default());
        host.outside.blobs = Arc::new(MemoryBlobs::default());
        host.settings.limits.per_ip_per_minute = 0;
        host.settings.listen = host.transport.loopback().into();
        let service = Arc::new(open(&config, &host)?);
        service.begin(host.world.now(), &profile.dialect)?;
        let (operator, serving, fingerprint) = server(&service, profile, &host)?;
        let listener = host
            .transport
            .serve_exchange(&host.settings, serving, host.world.clone())
            .await?;
        host.settings.connect = listener.url().to_owned();
        let house = House {
            service,
            host,
            operator,
        };
        let cast = match fingerprint.filter(|_| profile.dialect == HARDENED) {
            None => Cast::Compatible(compatible::enrolled(&house).await?),
            Some(server) => {
                let stage = hardened::Stage {
                    profile: profile.clone(),
                    host: house.host.clone(),
                    server,
                };
                let devices = hardened::enrolled(&house, &stage).await?;
                Cast::Hardened(Box::new(stage), devices)
            }
        };
        Ok(Self {
            house,
            cast,
            listener,
            federation: Federation::split(&digits, DEVICES, LIARS, Lie::SignFlip, SEED),
        })
    }

    /// One round: every device fetches the model, trains, signs and submits; then the server makes
    /// the next model.
    pub(super) async fn round(&mut self) -> Result<Round, RunError> {
        let trainers = self.federation.trainers.iter_mut();
        let House { service, host, .. } = &self.house;
        match &self.cast {
            Cast::Compatible(devices) => {
                for (device, trainer) in devices.iter().zip(trainers) {
                    device.learn(&mut *host.world.rng(), trainer).await?;
                }
            }
            Cast::Hardened(_, devices) => {
                for (device, trainer) in devices.iter().zip(trainers) {
                    device.learn(trainer).await?;
                }
            }
        }
        let closed = service.close(host.world.now())?;
        let global = service.global()?;
        let global = global.ok_or_else(|| failed("there is no model"))?;
        Ok(Round {
            accuracy: self.federation.accuracy(global.model.values()),
            closed,
        })
    }

    /// The devices that lie.
    pub(super) fn liars(&self) -> Vec<DeviceId> {
        let ids: Vec<_> = match &self.cast {
            Cast::Compatible(devices) => devices.iter().map(|device| &device.id).collect(),
            Cast::Hardened(_, devices) => devices.iter().map(|device| &device.id).collect(),
        };
        ids.into_iter().take(LIARS).cloned().collect()
    }

    pub(super) fn url(&self) -> &str {
        self.listener.url()
    }

    pub(super) async fn over(self) {
        self.listener.shutdown().await;
    }
}

impl House {
    /// What the operator asks for at a door of their own.
    pub(super) fn ask_operator(&self, route: &str, body: &Value) -> Result<Value, RunError> {
        let request = Request::post(route, body.to_string().into_bytes());
        let world = &self.host.world;
        let answer = self
            .operator
            .respond(world.now(), &mut *world.rng(), &request);
        let json: Value = serde_json::from_slice(&answer.body).map_err(failed)?;
        match answer.status {
            200 => Ok(json),
            status => Err(failed(format!("{route}: {status} {}", json["detail"]))),
        }
    }

    /// A one-time token for a device: `token` of its own dialect.
    pub(super) fn token(
        &self,
        device: &DeviceId,
        field: &str,
    ) -> Result<Zeroizing<String>, RunError> {
        let body = json!({ "device_id": device.as_str(), "creator": "demo" });
        let made = self.ask_operator("/tokens", &body)?;
        let token = made[field].as_str();
        let token = token.ok_or_else(|| failed("there is no token"))?;
        Ok(Zeroizing::new(token.to_owned()))
    }
}

/// The host of one end: keys of its own, and nothing told, which the scene does.
pub(super) fn one_end(host: &Host) -> Host {
    let mut host = host.clone();
    host.keys = Arc::new(Pocket::default());
    host.report = Arc::new(Quiet);
    host
}

/// How the devices are called.
pub(super) fn named(number: usize) -> Result<DeviceId, RunError> {
    DeviceId::parse(&format!("device-{number:02}")).map_err(failed)
}
