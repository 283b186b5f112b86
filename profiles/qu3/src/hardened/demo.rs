//! The scenario of `role = "demo"` in this dialect: a real server, a real client, and an attacker
//! who holds the wire and can do nothing with it.

use std::sync::Arc;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::python_json::Json;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Host, RunError};
use pqfw_framework::transport::Exchange;
use pqfw_framework::world::World;
use pqfw_session::exchange::ChannelService;
use pqfw_session::{ChannelError, Config, Identity, PinnedPeers};

use super::{Client, PROTOCOL, Server};
use crate::config::Qu3Config;
use crate::error::ClientError;
use crate::governed::Governed;
use crate::inference::{InferenceClient, run_agent};
use crate::models::Models;
use crate::scene::{Quiet, Scene, display, failed};

/// Plays the scenario.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(config: &Qu3Config, policy: &str, mut host: Host) -> Result<(), RunError> {
    let suites: Vec<Suite> = std::iter::once(&host.suite)
        .chain(&host.alternatives)
        .cloned()
        .collect();
    let (server_keys, client_keys) = (identities(&suites, &host)?, identities(&suites, &host)?);
    let (server_is, client_is) = (fingerprints(&server_keys), fingerprints(&client_keys));
    let end = |keys, peers| {
        let peers = Arc::new(PinnedPeers::new(peers));
        let config = Config::new(PROTOCOL.into(), policy.into(), suites.clone(), keys, peers);
        config.map(Arc::new).map_err(failed)
    };
    let sha256 = host.suite.digest.clone();
    let governed = Governed::new(
        Models::builtin(),
        config,
        host.store.clone(),
        Arc::new(Quiet),
    )?;
    let channel = end(server_keys, client_is)?;
    let server = Server::new(governed, channel.clone(), sha256.clone());
    let service = ChannelService::new(channel, Arc::new(server), &mut *host.world.rng());
    host.settings.listen = host.transport.loopback().into();
    let listener = host
        .transport
        .serve_exchange(&host.settings, Arc::new(service), host.world.clone())
        .await?;
    host.settings.connect = listener.url().to_owned();
    let inner = host.transport.connect_exchange(&host.settings)?;
    let mut scene = Scene::new(inner, host.world.clone(), host.report.clone());
    let cast = Cast {
        url: listener.url().to_owned(),
        client: end(client_keys, server_is.clone())?,
        stranger: end(identities(&suites, &host)?, server_is)?,
        sha256,
        world: host.world.clone(),
    };
    let outcome = play(&mut scene, &cast).await;
    listener.shutdown().await;
    outcome
}

struct Cast {
    url: String,
    client: Arc<Config>,
    stranger: Arc<Config>,
    sha256: AdmittedHash,
    world: Arc<dyn World>,
}

impl Cast {
    fn client(&self, config: &Arc<Config>, scene: &Scene) -> Client {
        let wire: Arc<dyn Exchange> = scene.wire.clone();
        Client::new(
            config.clone(),
            wire,
            self.world.clone(),
            self.sha256.clone(),
        )
    }
}

fn identities(suites: &[Suite], host: &Host) -> Result<Vec<Identity>, RunError> {
    let mut identities: Vec<Identity> = Vec::new();
    for suite in suites {
        let algorithm = &suite.signature.info().id;
        if identities
            .iter()
            .all(|known| known.algorithm() != algorithm)
        {
            let key = suite
                .signature
                .generate(&mut *host.world.rng())
                .map_err(failed)?;
            identities.push(Identity::new(key, &suite.digest).map_err(failed)?);
        }
    }
    Ok(identities)
}

fn fingerprints(identities: &[Identity]) -> Vec<Fingerprint> {
    let fingerprints = identities
        .iter()
        .map(|identity| identity.fingerprint().clone());
    fingerprints.collect()
}

async fn play(scene: &mut Scene, cast: &Cast) -> Result<(), RunError> {
    let text = |text: &str| Json::object([("text", text.into())]);

    scene.step("the channel opens: both ends prove who they are");
    scene.fact("server", &cast.url);
    let mut client = cast.client(&cast.client, scene);
    let models = client.models().await?;
    if let Some((suite, peer)) = client.session() {
        scene.fact("suite", &suite);
        scene.fact("peer", &peer);
    }
    let names: Vec<_> = models.iter().map(|(name, _)| name.as_str()).collect();
    scene.passed(&format!(
        "the server is the pinned one; it has {}",
        names.join(", ")
    ));

    for (model, input) in [("model_caps", "change one line"), ("model_reverse", "aß😀")] {
        scene.step(&format!("a sealed and attested inference on {model}"));
        let input = text(input);
        scene.fact("input", &display(&input));
        let inference = client.infer(model, &input).await?;
        let output = inference.outcome.map_err(failed)?;
        let what = "request, output, session, counter, server and time are those of this exchange";
        scene.fact("attestation", what);
        scene.passed(&display(&output));
    }

    scene.step("an agent workflow: model_caps -> model_reverse");
    let input = text("post-quantum");
    let mut trail = vec![display(&input)];
    let workflow = "model_caps -> model_reverse";
    run_agent(&mut client, workflow, &input, |_, step| {
        trail.push(step.outcome.as_ref().map_or_else(Clone::clone, display));
    })
    .await?;
    scene.passed(&trail.join(" -> "));

    scene.step("a policy, enforced from now on");
    let policy = "Allow model_caps access.\n";
    scene.fact("policy", policy.trim());
    client.set_policy(policy, false).await?;
    let input = text("x");
    client
        .infer("model_caps", &input)
        .await?
        .outcome
        .map_err(failed)?;
    match client.infer("model_reverse", &input).await?.outcome {
        Err(message) => scene.passed(&format!("denied: {message}")),
        Ok(_) => return Err(failed("the denied model ran")),
    }

    attacks(scene, cast, &mut client, &input).await?;
    Box::new(client).end().await;
    Ok(())
}

async fn attacks(
    scene: &mut Scene,
    cast: &Cast,
    client: &mut Client,
    input: &Json,
) -> Result<(), RunError> {
    scene.step("attack: one bit of a sealed request is changed on the wire");
    scene.wire.change_next(|body| flip_in_the_middle(body));
    refused(scene, client.infer("model_caps", input).await.map(drop))?;
    client
        .infer("model_caps", input)
        .await?
        .outcome
        .map_err(failed)?;

    scene.step("attack: one bit of a sealed answer is changed on the wire");
    scene
        .wire
        .change_next_answer(|body| flip_in_the_middle(body));
    refused(scene, client.infer("model_caps", input).await.map(drop))?;
    client
        .infer("model_caps", input)
        .await?
        .outcome
        .map_err(failed)?;

    scene.step("attack: a recorded request is sent again, bit for bit");
    let recorded = scene.wire.last();
    let recorded = recorded.ok_or_else(|| failed("nothing was recorded"))?;
    let answer = scene.wire.exchange(recorded).await?;
    if answer.status == 200 {
        return Err(failed("the attack succeeded"));
    }
    scene.passed(&format!("refused: {}", answer.status));

    scene.step("attack: the offer of suites is changed on the wire");
    let mut victim = cast.client(&cast.client, scene);
    scene.wire.change_next(|body| flip_in_the_middle(body));
    refused(scene, victim.infer("model_caps", input).await.map(drop))?;

    scene.step("attack: a stranger with a key of its own connects");
    let mut stranger = cast.client(&cast.stranger, scene);
    refused(scene, stranger.infer("model_caps", input).await.map(drop))?;
    client
        .infer("model_caps", input)
        .await?
        .outcome
        .map_err(failed)?;
    Ok(())
}

fn flip_in_the_middle(body: &mut [u8]) {
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 1;
    }
}

fn refused(scene: &Scene, outcome: Result<(), ClientError>) -> Result<(), RunError> {
    match outcome {
        Err(ClientError::Channel(ChannelError::Transport(error))) => Err(failed(error)),
        Err(ClientError::Channel(error)) => {
            scene.passed(&format!("refused: {error}"));
            Ok(())
        }
        Err(other) => Err(failed(other)),
        Ok(()) => Err(failed("the attack succeeded")),
    }
}
