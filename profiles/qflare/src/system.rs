//! QFLARE as a system that profiles run.

use std::sync::Arc;

use pqfw_framework::keys::{Fingerprint, IdentityError, identity_key};
use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::signature::SigningKey;
use pqfw_framework::system::{Dialect, Event, Failure, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::BoxFuture;

use crate::aggregator::Aggregator;
use crate::compatible;
use crate::config::QflareConfig;
use crate::error::ClientError;
use crate::service::Service;
use crate::state::DeviceId;

/// The dialect of deployed devices.
pub const COMPATIBLE: &str = "qflare-1";

/// The system.
pub struct Qflare;

impl System for Qflare {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "qflare",
            summary: "device enrolment and federated-learning updates",
            dialects: vec![Dialect {
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
            }],
            roles: &[Role::Server, Role::Client],
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
            let config = config.map_err(|error| RunError::new(Failure::Usage, error))?;
            match role {
                Role::Server => serve_compatible(&config, &profile, host, stop).await,
                Role::Client => look(&config, &host).await,
                Role::Demo | Role::Node => {
                    let text = format!("qflare has no role `{role}`; there are server and client");
                    Err(RunError::new(Failure::Usage, text))
                }
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

/// The server's signing key, made on first start.
fn identity(profile: &Profile, host: &Host) -> Result<SigningKey, RunError> {
    let name = &profile.common.keys.identity;
    let mut rng = host.world.rng();
    let made = identity_key(&*host.keys, name, &host.suite.signature, &mut *rng);
    let (key, made) = made.map_err(|error| {
        let failure = match &error {
            IdentityError::File(_) | IdentityError::Signature(_) => Failure::Operation,
            IdentityError::Codec { .. } | IdentityError::Import { .. } => Failure::Usage,
        };
        RunError::new(failure, error)
    })?;
    if made {
        let place = host.keys.describe();
        let text = format!("server key generated on first start, in {place}");
        host.report.event(&Event::Info(text));
    }
    Ok(key)
}

async fn serve_compatible(
    config: &QflareConfig,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    if !host.alternatives.is_empty() {
        let text = "dialect qflare-1 negotiates nothing: name one suite, not a list";
        return Err(RunError::new(Failure::Usage, text));
    }
    let key = identity(profile, &host)?.verifying_key();
    let (sha256, info) = (&host.suite.digest, host.suite.signature.info());
    let fingerprint = Fingerprint::of(sha256, info, &key).ok();
    let service = Arc::new(open(config, &host)?);
    let _aggregator = aggregator(&service, &host)?;
    let server = compatible::Server::new(service, host.suite, key);
    let listener = host
        .transport
        .serve_exchange(&host.settings, Arc::new(server), host.world)
        .await?;
    host.report.event(&Event::Ready {
        url: listener.url().to_owned(),
        fingerprint: fingerprint.map(|fingerprint| fingerprint.to_string()),
    });
    stop.await;
    listener.shutdown().await;
    Ok(())
}

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

/// Role client: looks whether the server is well and what it serves.
async fn look(config: &QflareConfig, host: &Host) -> Result<(), RunError> {
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
