//! One server and its devices, each with a client, a wire and keys of its own.

use std::sync::Arc;

use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::VerifyingKey;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{Event, Host, Report, RunError};
use pqfw_framework::transport::{Exchange, Listener, Request};
use pqfw_framework::world::World;
use zeroize::Zeroizing;

use super::failed;
use super::wire::Wire;
use crate::aggregate::Recipe;
use crate::compatible::{Client, Server};
use crate::config::QflareConfig;
use crate::error::ClientError;
use crate::json::base64_url;
use crate::keys::DeviceKeys;
use crate::learning::{CLASSES, DIGITS, Federation, Lie, PIXELS, read_digits};
use crate::service::{Closed, Service, secs};
use crate::state::{AuditEntry, DeviceId, Token};

/// The devices, and those of them that lie.
pub(super) const DEVICES: usize = 10;
pub(super) const LIARS: usize = 3;
/// Which digits each device has: the same in every run.
const SEED: u64 = 0;

/// A server with an address, and devices that know it.
pub(super) struct Crowd {
    service: Arc<Service>,
    listener: Box<dyn Listener>,
    pub(super) devices: Vec<Device>,
    federation: Federation,
    /// The server's.
    key: VerifyingKey,
    world: Arc<dyn World>,
}

/// A device that is enrolled and has a session.
pub(super) struct Device {
    pub(super) id: DeviceId,
    pub(super) client: Client,
    pub(super) keys: DeviceKeys,
    pub(super) wire: Arc<Wire>,
    /// The request that enrolled it.
    pub(super) enrolment: Request,
    session: Zeroizing<String>,
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
        host: &Host,
    ) -> Result<Self, RunError> {
        let digits = read_digits(DIGITS).ok_or_else(|| failed("the digits are damaged"))?;
        let (suite, world) = (&host.suite, &host.world);
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
        let service = Service::open(
            world.now(),
            Arc::new(MemoryStore::default()),
            Arc::new(MemoryBlobs::default()),
            suite.digest.clone(),
            config,
            Arc::new(Quiet),
        )?;
        let service = Arc::new(service);
        let key = suite
            .signature
            .generate(&mut *world.rng())
            .map_err(failed)?;
        let public = key.verifying_key();
        let key = suite
            .signature
            .import_verifying_key(&public)
            .map_err(failed)?;
        let server = Server::new(service.clone(), suite.clone(), public);
        let mut settings = host.settings.clone();
        settings.limits.per_ip_per_minute = 0;
        settings.listen = host.transport.loopback().into();
        let serve = host
            .transport
            .serve_exchange(&settings, Arc::new(server), world.clone());
        let listener = serve.await?;
        settings.connect = listener.url().to_owned();
        let mut devices = Vec::new();
        for number in 0..DEVICES {
            let exchange = host.transport.connect_exchange(&settings)?;
            devices.push(Device::enrol(number, exchange, &service, host).await?);
        }
        Ok(Self {
            service,
            listener,
            devices,
            federation: Federation::split(&digits, DEVICES, LIARS, Lie::SignFlip, SEED),
            key,
            world: world.clone(),
        })
    }

    /// One round: every device fetches the model, trains, signs and submits; then the server makes
    /// the next model.
    pub(super) async fn round(&mut self) -> Result<Round, RunError> {
        for (device, trainer) in self.devices.iter().zip(&mut self.federation.trainers) {
            let (version, base) = device.fetch().await?;
            let update = bytes_of(&trainer.update(&base));
            let rng = &mut *self.world.rng();
            device
                .submit(rng, &update, trainer.examples(), &version)
                .await?;
        }
        let closed = self.service.close(self.world.now())?;
        let global = self.service.global()?;
        let global = global.ok_or_else(|| failed("there is no model"))?;
        Ok(Round {
            accuracy: self.federation.accuracy(global.model.values()),
            closed,
        })
    }

    /// Checks the server's whole audit, and shows each entry.
    pub(super) fn audit(&self, show: impl FnMut(u64, &AuditEntry)) -> Result<(), RunError> {
        let verified = self.service.state().verify_audit(&self.key, show);
        verified.map(drop).map_err(failed)
    }

    pub(super) fn url(&self) -> &str {
        self.listener.url()
    }

    pub(super) async fn over(self) {
        self.listener.shutdown().await;
    }
}

impl Device {
    /// A device with new keys uses its token and proves that it holds the KEM key.
    async fn enrol(
        number: usize,
        exchange: Arc<dyn Exchange>,
        service: &Service,
        host: &Host,
    ) -> Result<Self, RunError> {
        let id = DeviceId::parse(&format!("device-{number:02}")).map_err(failed)?;
        let mut secret = Zeroizing::new([0; 32]);
        host.world.rng().fill_bytes(&mut secret[..]);
        let secret = Zeroizing::new(base64_url(&secret[..]));
        let now = secs(host.world.now());
        let token = Token {
            device: id.clone(),
            expires: now.saturating_add(TOKEN_SECS),
            creator: "demo".into(),
        };
        let issued = service.state().issue_token(now, secret.as_bytes(), &token);
        issued.map_err(failed)?;

        let (suite, rng) = (&host.suite, &mut *host.world.rng());
        let keys = DeviceKeys {
            sign: suite.signature.generate(rng).map_err(failed)?,
            kem: suite.kem.generate(rng).map_err(failed)?,
        };
        let wire = Wire::new(exchange);
        let client = Client::new(wire.clone(), suite.clone(), id.clone());
        client.health().await?;
        client.enroll(&secret, &keys).await?;
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

    /// The version of the global model, and its values.
    pub(super) async fn fetch(&self) -> Result<(String, Vec<f32>), RunError> {
        let fetched = self.client.global_model().await?;
        let fetched = fetched.ok_or_else(|| failed("there is no model"))?;
        let values = fetched.weights.as_chunks::<4>().0.iter();
        let values = values.copied().map(f32::from_le_bytes).collect();
        Ok((fetched.version, values))
    }

    /// Signs any bytes as an update and submits them.
    pub(super) async fn submit(
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

/// As they travel.
pub(super) fn bytes_of(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

const TOKEN_SECS: u64 = 3600;

/// The server tells nothing: the scene does.
struct Quiet;

impl Report for Quiet {
    fn event(&self, _event: &Event) {}
}
