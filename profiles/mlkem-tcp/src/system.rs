//! The system that profiles run.

use std::sync::Arc;

use pqfw_framework::keys::identity_key;
use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::system::{Dialect, Event, Failure, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::BoxFuture;
use pqfw_session::compose::{self, End};

use crate::channel::client::Caller;
use crate::channel::server::Parts;
use crate::client::Input;
use crate::config::Config;
use crate::server::Server;
use crate::trust::{KeysError, ServerKeys};
use crate::{channel, client, console, demo};
use pqfw_framework::waiting::race;

/// The dialect of deployed peers.
const COMPATIBLE: &str = "demo-1";

/// The system.
pub struct MlkemTcp;

impl System for MlkemTcp {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "mlkem-tcp",
            summary: "secure messaging over a stream, server and client",
            dialects: vec![
                Dialect {
                    name: channel::DIALECT,
                    summary: "on the channel: mutual, forward secret, nothing replays; forwards, too",
                    policy: None,
                    cannot_protect: Vec::new(),
                },
                Dialect {
                    name: COMPATIBLE,
                    summary: "wire-compatible with deployed Python peers",
                    policy: None,
                    cannot_protect: vec![
                        (
                            "MLT-1",
                            "no client is authenticated: anybody can send, and no message has a sender",
                        ),
                        (
                            "MLT-2",
                            "no forward secrecy: the server's key opens everything sent while its \
                         process lives",
                        ),
                        (
                            "MLT-3",
                            "an unsigned server key proves nothing: whoever sits in between reads and \
                         forges",
                        ),
                        (
                            "MLT-4",
                            "a recorded message can be sent again, and counts again",
                        ),
                        (
                            "MLT-5",
                            "messages can be dropped, reordered and cut off unnoticed, `exit` included",
                        ),
                        (
                            "MLT-6",
                            "a signature on a server key covers neither time nor connection: an old \
                         key stays good for ever",
                        ),
                    ],
                },
            ],
            roles: &[Role::Demo, Role::Server, Role::Client],
            shipped_profile: include_str!("../../mlkem-tcp.toml"),
        }
    }

    fn table_schema(&self) -> serde_json::Value {
        schema_of::<Config>()
    }

    fn check_table(&self, profile: &Profile) -> Result<(), ProfileError> {
        profile.system_table::<Config>().map(drop)
    }

    fn run(
        &self,
        role: Role,
        profile: &Profile,
        host: Host,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>> {
        let config = profile.system_table::<Config>();
        let identity = profile.common.keys.identity.clone();
        let profile = profile.clone();
        Box::pin(async move {
            let config = config?;
            let (trust, bounds) = (config.trust()?, config.bounds(&host.settings.limits));
            if role == Role::Node {
                return Err(MlkemTcp.info().has_no(role));
            }
            if profile.dialect == channel::DIALECT {
                return match role {
                    Role::Server => serve_channel(&config, &profile, host, stop).await,
                    Role::Client => Caller::new(host, &profile, bounds)?.converse(stop).await,
                    _ => {
                        let policy = profile.common.policy.0.join("+");
                        channel::demo::run(&policy, bounds, host).await
                    }
                };
            }
            host.one_suite(COMPATIBLE)?;
            match role {
                Role::Server => serve(&config, &identity, host, stop).await,
                Role::Client => client::run(host, trust, bounds, stop).await,
                _ => demo::run(host, bounds).await,
            }
        })
    }
}

async fn serve_channel(
    config: &Config,
    profile: &Profile,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let allow = config.targets()?;
    let channel = compose::config(channel::PROTOCOL, End::Responder, profile, &host)?;
    let channel = Arc::new(channel);
    let bounds = config.bounds(&host.settings.limits);
    let output = || host.outside.standard.open().writer;
    let server = Arc::new(channel::server::Server::new(Parts {
        channel: channel.clone(),
        bounds,
        world: host.world.clone(),
        report: host.report.clone(),
        allow,
        transports: host.outside.transports.clone(),
        settings: host.settings.clone(),
        output: config.accept_pipe.then(output),
    }));
    let listener = host
        .transport
        .serve_stream(&host.settings, server.clone(), host.world.clone())
        .await?;
    let identity = channel.identities().first();
    host.report.event(&Event::Ready {
        url: listener.url().to_owned(),
        fingerprint: identity.map(|identity| identity.fingerprint().to_string()),
    });
    let until = async {
        if config.once {
            server.first_is_over().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let typed = async {
        let mut input = Input::new(&host, bounds.frame_bytes);
        loop {
            match input.next().await {
                Ok(Some(line)) => server.say(&line),
                Ok(None) => break,
                Err(error) => {
                    host.report.event(&Event::Warning(error.to_string()));
                    break;
                }
            }
        }
        // Nobody types any more; the server goes on.
        std::future::pending::<()>().await;
    };
    race(race(stop, until), typed).await;
    server.close();
    listener.shutdown().await;
    Ok(())
}

async fn serve(
    config: &Config,
    identity: &str,
    host: Host,
    stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let (suite, report) = (host.suite, host.report);
    let keys = {
        let mut rng = host.world.rng();
        let signing = if config.signed {
            let made = identity_key(&*host.keys, identity, &suite.signature, &mut *rng);
            let (key, made) = made?;
            if made {
                let place = host.keys.describe();
                report.event(&Event::Info(format!(
                    "signing key generated on first start, in {place}"
                )));
            }
            Some(key)
        } else {
            report.event(&Event::Warning(
                "clients cannot tell this server from whoever sits in between: its key is not \
                 signed (mlkem-tcp.signed = true signs it)"
                    .into(),
            ));
            None
        };
        ServerKeys::generate(&suite, signing.as_ref(), &mut *rng)?
    };
    let fingerprint = keys.fingerprint.as_ref().map(ToString::to_string);
    let bounds = config.bounds(&host.settings.limits);
    let server = Server::new(suite, keys, bounds, host.world.clone(), report.clone());
    let server = Arc::new(server);
    let listener = host
        .transport
        .serve_stream(&host.settings, server.clone(), host.world)
        .await?;
    let url = listener.url().to_owned();
    report.event(&Event::Line(console::listening(&url)));
    report.event(&Event::Ready { url, fingerprint });
    let until = async {
        if config.once {
            server.first_is_over().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    race(stop, until).await;
    server.close();
    listener.shutdown().await;
    report.event(&Event::Line(console::SERVER_END.into()));
    Ok(())
}

impl From<KeysError> for RunError {
    fn from(error: KeysError) -> Self {
        let failure = match &error {
            KeysError::NoIdentifier(_) => Failure::Usage,
            KeysError::Crypto(_) => Failure::Operation,
        };
        Self::new(failure, error)
    }
}
