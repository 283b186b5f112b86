//! The system: what profiles run.

use std::sync::Arc;

use pqfw_framework::profile::{Profile, ProfileError, schema_of};
use pqfw_framework::scene::{Scene, failed};
use pqfw_framework::schemars::JsonSchema;
use pqfw_framework::serde::Deserialize;
use pqfw_framework::serde_json::Value;
use pqfw_framework::system::{Dialect, Event, Failure, Host, Role, RunError, System, SystemInfo};
use pqfw_framework::transport::{BoxFuture, Exchange, Listener, Request, Response};

use crate::card::{self, Sent};
use crate::office::Office;

/// The profile's `[postcard]`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(crate = "pqfw_framework::serde", deny_unknown_fields)]
#[schemars(crate = "pqfw_framework::schemars")]
struct Config {
    /// What the client writes.
    text: String,
    /// Bytes of the longest card that the office takes.
    card_bytes: usize,
}

/// The system.
pub struct Postcard;

impl System for Postcard {
    fn info(&self) -> SystemInfo {
        SystemInfo {
            name: "postcard",
            summary: "a toy: one sealed line, and its answer",
            dialects: vec![Dialect {
                name: "postcard-1",
                summary: "the only one there is",
                policy: None,
                cannot_protect: vec![
                    (
                        "PC-1",
                        "nobody is authenticated: whoever sits in between reads and writes",
                    ),
                    (
                        "PC-2",
                        "the office's key opens every card as long as it runs",
                    ),
                    (
                        "PC-3",
                        "a recorded card can be sent again, and counts again",
                    ),
                ],
            }],
            roles: &[Role::Demo, Role::Server, Role::Client],
            shipped_profile: include_str!("../postcard.toml"),
        }
    }

    fn table_schema(&self) -> Value {
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
        Box::pin(async move {
            let config = config?;
            match role {
                Role::Server => {
                    let office = open(&config, &host).await?;
                    let url = office.url().to_owned();
                    let fingerprint = None;
                    host.report.event(&Event::Ready { url, fingerprint });
                    stop.await;
                    office.shutdown().await;
                    Ok(())
                }
                Role::Client => {
                    let client = host.transport.connect_exchange(&host.settings)?;
                    let answer = send(&*client, &config, &host).await?;
                    let line = answer.escape_debug().to_string();
                    host.report.event(&Event::Line(line));
                    Ok(())
                }
                Role::Demo => demo(&config, host).await,
                Role::Node => Err(Postcard.info().has_no(role)),
            }
        })
    }
}

async fn open(config: &Config, host: &Host) -> Result<Box<dyn Listener>, RunError> {
    let (suite, report) = (host.suite.clone(), host.report.clone());
    let office = Office::open(suite, config.card_bytes, report, &mut *host.world.rng())?;
    let (office, world) = (Arc::new(office), host.world.clone());
    let serving = host.transport.serve_exchange(&host.settings, office, world);
    Ok(serving.await?)
}

/// Sends the card of the profile, and gives the office's answer.
async fn send(client: &dyn Exchange, config: &Config, host: &Host) -> Result<String, RunError> {
    let sent = write(client, config, host).await?;
    let answer = client.exchange(Request::post("/card", sent.body.clone()));
    sent.open(&good(answer.await?)?)
}

/// Fetches the office's key, and seals the card to it.
async fn write(client: &dyn Exchange, config: &Config, host: &Host) -> Result<Sent, RunError> {
    let public = good(client.exchange(Request::get("/key")).await?)?;
    card::send(&host.suite, &public, &config.text, &mut *host.world.rng())
}

fn good(response: Response) -> Result<Vec<u8>, RunError> {
    match response.status {
        200 => Ok(response.body),
        status => {
            let text = format!("the office refused with status {status}");
            Err(RunError::new(Failure::Authentication, text))
        }
    }
}

/// Both ends in one process, and somebody who changes a card on its way.
async fn demo(config: &Config, mut host: Host) -> Result<(), RunError> {
    host.settings.listen = host.transport.loopback().into();
    let office = open(config, &host).await?;
    host.settings.connect = office.url().to_owned();
    let played = play(config, &host).await;
    office.shutdown().await;
    played
}

async fn play(config: &Config, host: &Host) -> Result<(), RunError> {
    let mut scene = Scene::new(host.world.clone(), host.report.clone());
    let client = host.transport.connect_exchange(&host.settings)?;

    scene.step("a card, and its answer");
    scene.passed(&send(&*client, config, host).await?);

    scene.step("attack: one bit of a card is turned over on its way");
    let mut body = write(&*client, config, host).await?.body;
    if let Some(last) = body.last_mut() {
        *last ^= 1;
    }
    let response = client.exchange(Request::post("/card", body)).await?;
    if response.status != 400 {
        let text = format!("the changed card was answered with {}", response.status);
        return Err(failed(text));
    }
    scene.passed("refused: 400");
    Ok(())
}
