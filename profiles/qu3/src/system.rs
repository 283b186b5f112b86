//! QU3 as a system that profiles run.

use std::sync::Arc;

use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::python_json::Json;
use pqfw_framework::system::{Dialect, Event, Failure, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::BoxFuture;
use pqfw_session::compose;
use pqfw_session::exchange::ChannelService;

use crate::client::{Qu3Client, fetch_keys};
use crate::config::Qu3Config;
use crate::error::ClientError;
use crate::governed::Governed;
use crate::inference::{InferenceClient, run_agent};
use crate::keys::{End, EndKeys, ServerPublicKeys};
use crate::models::Models;
use crate::server::Qu3Server;
use crate::{agent, demo, hardened};

/// The dialect for new deployments.
const HARDENED: &str = "qu3-2";

/// The dialect of deployed peers.
const COMPATIBLE: &str = "qu3-1";

/// The system.
pub struct Qu3;

impl System for Qu3 {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "qu3",
            summary: "quantum-safe inference, client and server",
            dialects: vec![
                Dialect {
                    name: HARDENED,
                    summary: "on the channel: mutual, forward secret, nothing replays",
                    policy: None,
                    cannot_protect: Vec::new(),
                },
                Dialect {
                    name: COMPATIBLE,
                    summary: "wire-compatible with deployed Python peers",
                    policy: Some("legacy-compat"),
                    cannot_protect: vec![
                        (
                            "QU3-1",
                            "no forward secrecy: the client's KEM key is long-term",
                        ),
                        (
                            "QU3-2",
                            "no handshake is signed: whoever sits in between reads and forges",
                        ),
                        (
                            "QU3-3",
                            "the attestation is bound to neither session nor time",
                        ),
                        ("QU3-4", "one key serves both directions"),
                        ("QU3-5", "the server's key is trusted on first use"),
                        (
                            "QU3-6",
                            "signatures cover no session: a policy\'s acceptance can be shown again",
                        ),
                    ],
                },
            ],
            roles: &[Role::Demo, Role::Server, Role::Client],
            shipped_profile: include_str!("../../qu3.toml"),
        }
    }

    fn table_schema(&self) -> serde_json::Value {
        schema_of::<Qu3Config>()
    }

    fn check_table(&self, profile: &Profile) -> Result<(), ProfileError> {
        profile.system_table::<Qu3Config>().map(drop)
    }

    fn run(
        &self,
        role: Role,
        profile: &Profile,
        host: Host,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>> {
        let config = profile.system_table::<Qu3Config>();
        let profile = profile.clone();
        Box::pin(async move {
            let config = config?;
            let hardened = profile.dialect == HARDENED;
            if !hardened {
                host.one_suite(COMPATIBLE)?;
            }
            match role {
                Role::Demo if hardened => {
                    let policy = profile.common.policy.0.join("+");
                    hardened::demo::run(&config, &policy, host).await
                }
                Role::Demo => demo::run(config, host).await,
                Role::Server if hardened => serve(&config, &profile, host, stop).await,
                Role::Server => serve_compatible(config, host, stop).await,
                Role::Client => ask(&config, &profile, host).await,
                Role::Node => Err(Qu3.info().has_no(role)),
            }
        })
    }
}

async fn serve(
    config: &Qu3Config,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let channel = compose::config(hardened::PROTOCOL, compose::End::Responder, profile, &host)?;
    let channel = Arc::new(channel);
    let models = Models::builtin().with_tables(&config.models, &host.outside, &host.report)?;
    let governed = Governed::new(models, config, host.store.clone(), host.report.clone())?;
    let server = hardened::Server::new(governed, channel.clone(), host.suite.digest.clone());
    let service = ChannelService::new(channel.clone(), Arc::new(server), &mut *host.world.rng());
    let listener = host
        .transport
        .serve_exchange(&host.settings, Arc::new(service), host.world)
        .await?;
    let identity = channel.identities().first();
    host.report.event(&Event::Ready {
        url: listener.url().to_owned(),
        fingerprint: identity.map(|identity| identity.fingerprint().to_string()),
    });
    stop.await;
    listener.shutdown().await;
    Ok(())
}

async fn serve_compatible(
    config: Qu3Config,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let Host {
        world,
        suite,
        store,
        keys,
        transport,
        settings,
        report,
        outside,
        alternatives: _,
    } = host;
    let models = Models::builtin().with_tables(&config.models, &outside, &report)?;
    let keys = if config.generate_keys {
        let (keys, made) =
            EndKeys::load_or_generate(&*keys, &suite, End::Server, &mut *world.rng())?;
        if made {
            report.event(&Event::Info("server keys generated on first start".into()));
        }
        Some(keys)
    } else {
        EndKeys::load(&*keys, &suite, End::Server)?
    };
    let fingerprint = keys
        .as_ref()
        .map(|keys| keys.fingerprint(&suite))
        .transpose()?;
    let server = Qu3Server::new(suite, keys, models, config, store, report.clone())?;
    let listener = transport
        .serve_exchange(&settings, Arc::new(server), world)
        .await?;
    let fingerprint = fingerprint.map(|fingerprint| fingerprint.to_string());
    report.event(&Event::Ready {
        url: listener.url().to_owned(),
        fingerprint,
    });
    stop.await;
    listener.shutdown().await;
    Ok(())
}

/// Connects as a client of the server that `transport.connect` names, in the profile's dialect.
///
/// # Errors
/// [`RunError`].
pub async fn connect(host: &Host, profile: &Profile) -> Result<Box<dyn InferenceClient>, RunError> {
    if profile.dialect != HARDENED {
        return Ok(Box::new(connect_compatible(host).await?));
    }
    let channel = compose::config(hardened::PROTOCOL, compose::End::Initiator, profile, host)?;
    let exchange = host.transport.connect_exchange(&host.settings)?;
    let (world, sha256) = (host.world.clone(), host.suite.digest.clone());
    let client = hardened::Client::new(Arc::new(channel), exchange, world, sha256);
    Ok(Box::new(client))
}

/// Connects as a client in dialect `qu3-1`. The server's keys are those
/// that an earlier use stored, else they are fetched and stored: trust on first use.
///
/// # Errors
/// [`ClientError`].
pub async fn connect_compatible(host: &Host) -> Result<Qu3Client, ClientError> {
    let exchange = host
        .transport
        .connect_exchange(&host.settings)
        .map_err(ClientError::Transport)?;
    let (keys, made) = {
        let mut rng = host.world.rng();
        EndKeys::load_or_generate(&*host.keys, &host.suite, End::Client, &mut *rng)?
    };
    if made {
        let place = host.keys.describe();
        host.report
            .event(&Event::Info(format!("client keys generated in {place}")));
    }
    let server = match ServerPublicKeys::load(&*host.keys)? {
        Some(server) => {
            let imported = host.suite.signature.import_verifying_key(&server.sign);
            imported.map_err(|error| ClientError::Keys {
                dir: host.keys.describe(),
                reason: format!("server_sign.pub: {error}; restore it"),
            })?;
            server
        }
        None => {
            let server = fetch_keys(&*exchange).await?;
            // Checked before they are stored, so that one bad answer is not trusted for ever.
            host.suite.signature.import_verifying_key(&server.sign)?;
            let fingerprint = crate::keys::fingerprint(&host.suite, &server.sign)?;
            server.save(&*host.keys)?;
            host.report.event(&Event::Warning(format!(
                "trusting the server's sign key {fingerprint} on first use; compare it with the \
                 one that the server printed at its start"
            )));
            server
        }
    };
    let url = host.settings.connect.clone();
    let (suite, world) = (host.suite.clone(), host.world.clone());
    Qu3Client::connect(exchange, suite, world, keys, &server, &url).await
}

async fn ask(config: &Qu3Config, profile: &Profile, host: Host) -> Result<(), RunError> {
    agent::steps(&config.workflow)?;
    let mut client = connect(&host, profile).await?;
    let input = Json::object([("text", config.input.as_str().into())]);
    let mut failed = None;
    let report = host.report.clone();
    run_agent(
        &mut *client,
        &config.workflow,
        &input,
        |number, inference| {
            report.event(&Event::Step {
                number,
                title: inference.model.clone(),
            });
            match &inference.outcome {
                Ok(output) => report.event(&Event::Passed(output.default_text())),
                Err(message) => failed = Some(format!("step {number}: {message}")),
            }
        },
    )
    .await?;
    client.end().await;
    match failed {
        None => Ok(()),
        Some(message) => Err(RunError::new(Failure::Operation, message)),
    }
}
