//! QFLARE as a system that profiles run.

use std::sync::Arc;

use pqfw_framework::control::{Door, token};
use pqfw_framework::keys::{Fingerprint, identity_key};
use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::signature::SigningKey;
use pqfw_framework::system::{Dialect, Event, Failure, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::{BoxFuture, Exchange, ExchangeService, Listener};
use pqfw_session::exchange::ChannelService;
use pqfw_session::{PinnedPeers, compose};

use crate::admin::Admin;
use crate::aggregator::Aggregator;
use crate::config::QflareConfig;
use crate::demo;
use crate::error::ClientError;
use crate::hardened::{Devices, PROTOCOL};
use crate::keys::DeviceKeys;
use crate::service::Service;
use crate::state::DeviceId;
use crate::{compatible, hardened};

/// The dialect of deployed devices.
pub const COMPATIBLE: &str = "qflare-1";

/// The dialect for new deployments.
pub const HARDENED: &str = "qflare-2";

/// The system.
pub struct Qflare;

impl System for Qflare {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "qflare",
            summary: "device enrolment and federated-learning updates",
            dialects: vec![
                Dialect {
                    name: HARDENED,
                    summary: "on the channel: mutual, forward secret; updates are evidence",
                    policy: None,
                    cannot_protect: Vec::new(),
                },
                Dialect {
                    name: COMPATIBLE,
                    summary: "wire-compatible with deployed devices",
                    policy: Some("legacy-compat"),
                    cannot_protect: vec![
                        (
                            "QFLARE-1",
                            "tokens travel in the clear: whoever reads an enrolment first can make it",
                        ),
                        (
                            "QFLARE-2",
                            "no server is authenticated: whoever sits in between chooses the model",
                        ),
                        (
                            "QFLARE-3",
                            "an update is signed for no round and no server: it can be shown again",
                        ),
                        (
                            "QFLARE-4",
                            "enrolment does not prove that the device holds its keys",
                        ),
                        (
                            "QFLARE-5",
                            "the static KEM key is unsalted (single-use-key): 256 challenges, which \
                         whoever knows the device's id can use up",
                        ),
                        (
                            "QFLARE-6",
                            "weights, devices and models are readable by anybody",
                        ),
                    ],
                },
            ],
            roles: &[Role::Demo, Role::Server, Role::Client],
            shipped_profile: include_str!("../../qflare.toml"),
        }
    }

    fn table_schema(&self) -> serde_json::Value {
        schema_of::<QflareConfig>()
    }

    fn check_table(&self, profile: &Profile) -> Result<(), ProfileError> {
        profile.system_table::<QflareConfig>().map(drop)
    }

    fn run(
        &self,
        role: Role,
        profile: &Profile,
        host: Host,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>> {
        let config = profile.system_table::<QflareConfig>();
        let profile = profile.clone();
        Box::pin(async move {
            let config = config?;
            let hardened = profile.dialect == HARDENED;
            if !hardened {
                host.one_suite(COMPATIBLE)?;
            }
            match role {
                Role::Server => serve(&config, &profile, host, stop).await,
                Role::Client if hardened => look(&config, &profile, &host).await,
                Role::Client => look_compatible(&config, &host).await,
                Role::Demo => demo::run(&config, &profile, host).await,
                Role::Node => Err(Qflare.info().has_no(role)),
            }
        })
    }
}

/// Opens the state that a profile names.
///
/// # Errors
/// [`RunError`].
pub fn open(config: &QflareConfig, host: &Host) -> Result<Service, RunError> {
    let (store, blobs) = (host.store.clone(), host.outside.blobs.clone());
    let (digest, report) = (host.suite.digest.clone(), host.report.clone());
    let now = host.world.now();
    Ok(Service::open(
        now,
        store,
        blobs,
        digest,
        config.clone(),
        report,
    )?)
}

/// The signing key of this end, made on first start.
///
/// # Errors
/// [`RunError`].
pub fn identity(profile: &Profile, host: &Host) -> Result<SigningKey, RunError> {
    let name = &profile.common.keys.identity;
    let mut rng = host.world.rng();
    let made = identity_key(&*host.keys, name, &host.suite.signature, &mut *rng);
    let (key, made) = made?;
    if made {
        let place = host.keys.describe();
        let text = format!("signing key generated on first start, in {place}");
        host.report.event(&Event::Info(text));
    }
    Ok(key)
}

/// The operator's side of a profile's server; `service` signs the ends of its audit from here on.
///
/// # Errors
/// [`RunError`].
pub fn operator(service: &Arc<Service>, profile: &Profile, host: &Host) -> Result<Admin, RunError> {
    let unusable = |error: &dyn std::fmt::Display| RunError::new(Failure::Usage, error);
    let (key, signature) = (identity(profile, host)?, &host.suite.signature);
    let public = key.verifying_key();
    let fingerprint = Fingerprint::of(&host.suite.digest, signature.info(), &public);
    let fingerprint = fingerprint.map_err(|error| unusable(&error))?;
    let verifying = signature.import_verifying_key(&public);
    let verifying = verifying.map_err(|error| unusable(&error))?;
    let world = host.world.clone();
    service.sign_ends_with(move |message| key.sign(&mut *world.rng(), &[message]).ok());
    Ok(Admin::new(service.clone(), fingerprint, verifying))
}

async fn serve(
    config: &QflareConfig,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let service = Arc::new(open(config, &host)?);
    service.begin(host.world.now(), &profile.dialect)?;
    let (admin, server, fingerprint) = server(&service, profile, &host)?;
    let _aggregator = aggregator(&service, &host)?;
    let doors = doors(config, Arc::new(admin), &host).await?;
    let listener = host
        .transport
        .serve_exchange(&host.settings, server, host.world);
    let listener = listener.await?;
    host.report.event(&Event::Ready {
        url: listener.url().to_owned(),
        fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
    });
    stop.await;
    listener.shutdown().await;
    for door in doors {
        door.shutdown().await;
    }
    Ok(())
}

/// The operator's side of a server, the devices' side, and by which name devices know it.
type Served = (Admin, Arc<dyn ExchangeService>, Option<Fingerprint>);

/// A server of the profile's dialect, without its transport.
pub(crate) fn server(
    service: &Arc<Service>,
    profile: &Profile,
    host: &Host,
) -> Result<Served, RunError> {
    let admin = operator(service, profile, host)?;
    if profile.dialect == HARDENED {
        return hardened_server(service, admin, profile, host);
    }
    let key = identity(profile, host)?.verifying_key();
    let (sha256, info) = (&host.suite.digest, host.suite.signature.info());
    let fingerprint = Fingerprint::of(sha256, info, &key).ok();
    let server = compatible::Server::new(service.clone(), host.suite.clone(), key);
    Ok((admin, Arc::new(server), fingerprint))
}

fn hardened_server(
    service: &Arc<Service>,
    admin: Admin,
    profile: &Profile,
    host: &Host,
) -> Result<Served, RunError> {
    let suites = std::iter::once(&host.suite).chain(&host.alternatives);
    let suites = suites.cloned().collect();
    let devices = Arc::new(Devices::new(service.clone(), suites, host.report.clone()));
    let channel = compose::config_with(PROTOCOL, profile, host, devices.clone())?;
    let channel = Arc::new(channel);
    let fingerprint = channel
        .identities()
        .first()
        .map(|own| own.fingerprint().clone());
    let server = hardened::Server::new(service.clone(), devices, channel.clone());
    let admin = admin.with_session_keys(server.session_keys());
    let server = ChannelService::new(channel, Arc::new(server), &mut *host.world.rng());
    Ok((admin, Arc::new(server), fingerprint))
}

/// The operator's doors that the profile names.
async fn doors(
    config: &QflareConfig,
    admin: Arc<Admin>,
    host: &Host,
) -> Result<Vec<Box<dyn Listener>>, RunError> {
    let (control, world) = (&host.outside.control, &host.world);
    let mut doors = Vec::new();
    let door = match config.admin.as_str() {
        "" => None,
        place => Some(match place.strip_prefix("unix:") {
            Some(path) => Door::Socket { path: path.into() },
            None => {
                let token = token(&*host.keys, ADMIN_TOKEN, &mut *world.rng());
                let token = token.map_err(|error| RunError::new(Failure::Operation, error))?;
                Door::Loopback {
                    listen: place.into(),
                    token: Arc::new(token),
                }
            }
        }),
    };
    if let Some(door) = door {
        let open = control.open(door, admin.clone(), world.clone()).await?;
        let url = open.url().to_owned();
        let door = "admin".into();
        host.report.event(&Event::Opened { door, url });
        doors.push(open);
    }
    if !config.metrics.is_empty() {
        let listen = config.metrics.clone();
        let open = control.open_metrics(listen, admin, world.clone()).await?;
        let url = open.url().to_owned();
        let door = "metrics".into();
        host.report.event(&Event::Opened { door, url });
        doors.push(open);
    }
    Ok(doors)
}

/// The file with the token of the operator's port.
const ADMIN_TOKEN: &str = "admin.token";

fn aggregator(service: &Arc<Service>, host: &Host) -> Result<Aggregator, RunError> {
    Aggregator::start(service.clone(), host.world.clone())
        .map_err(|error| RunError::new(Failure::Operation, format!("aggregator: {error}")))
}

/// Connects as the device of the profile, in dialect `qflare-1`.
///
/// # Errors
/// [`ClientError`].
pub fn connect_compatible(
    config: &QflareConfig,
    host: &Host,
) -> Result<compatible::Client, ClientError> {
    let exchange = host.transport.connect_exchange(&host.settings)?;
    Ok(compatible::Client::new(
        exchange,
        host.suite.clone(),
        device(config)?,
    ))
}

fn device(config: &QflareConfig) -> Result<DeviceId, ClientError> {
    DeviceId::parse(&config.device).map_err(|error| {
        let id = config.device.escape_debug();
        ClientError::Usage(format!("qflare.device = \"{id}\": {error}"))
    })
}

/// Connects as a device, in dialect `qflare-2`, to a server that is believed by its fingerprint.
///
/// # Errors
/// [`RunError`].
pub fn connect(
    profile: &Profile,
    host: &Host,
    device: DeviceId,
    server: Fingerprint,
) -> Result<hardened::Client, RunError> {
    let name = &profile.common.keys.identity;
    let keys = DeviceKeys::load_or_generate(&*host.keys, name, &host.suite, &mut *host.world.rng());
    let (keys, made) = keys?;
    if made {
        let place = host.keys.describe();
        host.report
            .event(&Event::Info(format!("device keys generated in {place}")));
    }
    let exchange = host.transport.connect_exchange(&host.settings)?;
    connect_over(exchange, profile, host, (device, server), keys)
}

/// The same over an exchange that there is, signing with these keys. The channel's identity is the
/// one of the profile's key directory.
pub(crate) fn connect_over(
    exchange: Arc<dyn Exchange>,
    profile: &Profile,
    host: &Host,
    (device, server): (DeviceId, Fingerprint),
    keys: DeviceKeys,
) -> Result<hardened::Client, RunError> {
    let peers = Arc::new(PinnedPeers::new([server.clone()]));
    let channel = Arc::new(compose::config_with(PROTOCOL, profile, host, peers)?);
    let (world, suite) = (host.world.clone(), host.suite.clone());
    Ok(hardened::Client::new(
        channel,
        exchange,
        world,
        suite,
        (device, server),
        keys,
    ))
}

/// Role client: what the server says of itself and this device.
async fn look(config: &QflareConfig, profile: &Profile, host: &Host) -> Result<(), RunError> {
    let server = Fingerprint::parse(&config.server_fingerprint).ok_or_else(|| {
        let text = "qflare.server_fingerprint says whom to believe: `sha256:` and 64 digits";
        RunError::new(Failure::Usage, text)
    })?;
    let client = connect(profile, host, device(config)?, server)?;
    let status = client.status().await?;
    client.end().await;
    host.report.event(&Event::Passed(status.to_string()));
    Ok(())
}

/// Role client: whether the server is well, and what it serves.
async fn look_compatible(config: &QflareConfig, host: &Host) -> Result<(), RunError> {
    let client = connect_compatible(config, host)?;
    client.health().await?;
    let text = match client.global_model().await? {
        Some(model) => {
            let values = model.weights.len() / size_of::<f32>();
            format!("the global model is {}, {values} values", model.version)
        }
        None => "there is no global model yet".into(),
    };
    host.report.event(&Event::Passed(text));
    Ok(())
}
