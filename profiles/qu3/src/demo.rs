//! The scenario of `role = "demo"`: a real server, a real client, and an attacker on the wire.
//!
//! Every refusal shown is made by changing or repeating real bytes between the two ends.

use std::sync::Arc;

use pqfw_framework::python_json::Json;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Host, RunError};
use pqfw_framework::transport::{Exchange, Request, Response};

use crate::client::{Qu3Client, fetch_keys};
use crate::config::Qu3Config;
use crate::error::ClientError;
use crate::keys::{EndKeys, fingerprint};
use crate::models::Models;
use crate::scene::{Quiet, Scene, display, failed};
use crate::server::Qu3Server;
use crate::wire;

/// Plays the scenario.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(config: Qu3Config, host: Host) -> Result<(), RunError> {
    let Host {
        world,
        suite,
        store,
        transport,
        mut settings,
        report,
        keys: _,
        outside: _,
        alternatives: _,
    } = host;
    let server_keys = EndKeys::generate(&suite, &mut *world.rng())?;
    let client_keys = EndKeys::generate(&suite, &mut *world.rng())?;
    let quiet = Arc::new(Quiet);
    let models = Models::builtin();
    let server = Qu3Server::new(
        suite.clone(),
        Some(server_keys),
        models,
        config,
        store,
        quiet,
    )?;
    settings.listen = transport.loopback().into();
    let listener = transport
        .serve_exchange(&settings, Arc::new(server), world.clone())
        .await?;
    settings.connect = listener.url().to_owned();
    let inner = transport.connect_exchange(&settings)?;
    let mut scene = Scene::new(inner, world, report);
    let outcome = play(&mut scene, &suite, client_keys, &settings.connect).await;
    listener.shutdown().await;
    outcome
}

async fn play(scene: &mut Scene, suite: &Suite, keys: EndKeys, url: &str) -> Result<(), RunError> {
    scene.step("the client fetches the server's public keys");
    scene.fact("server", url);
    let server = fetch_keys(&*scene.wire).await?;
    scene.fact(
        "KEM key",
        &format!("{} bytes of {}", server.kem.len(), suite.kem.info().id),
    );
    let sign = &suite.signature.info().id;
    scene.fact(
        "sign key",
        &format!("{} bytes of {sign}", server.sign.len()),
    );
    let trusted = fingerprint(suite, &server.sign)?;
    scene.passed(&format!("trusted on first use: {trusted}"));

    scene.step("handshake: the server encapsulates to the client's KEM key");
    let (kem_public, sign_public) = (keys.kem_public.clone(), keys.sign_public.clone());
    let exchange = scene.wire.clone();
    let world = scene.world.clone();
    let mut client = Qu3Client::connect(exchange, suite.clone(), world, keys, &server, url).await?;
    scene.fact(
        "ciphertext",
        &format!("{} bytes", suite.kem.sizes().ciphertext),
    );
    scene.passed(&format!(
        "a session key for {}, pending until it is used",
        suite.aead.info().id
    ));

    for (model, text) in [("model_caps", "change one line"), ("model_reverse", "aß😀")] {
        scene.step(&format!("a signed and sealed inference on {model}"));
        let input = Json::object([("text", text.into())]);
        scene.fact("input", &display(&input));
        let inference = client.send_request(model, &input).await?;
        let output = inference.outcome.map_err(failed)?;
        scene.fact(
            "signature",
            &format!("{} bytes each way", suite.signature.sizes().signature),
        );
        scene.passed(&format!(
            "{} (attested, and the attestation verified)",
            display(&output)
        ));
    }

    scene.step("an agent workflow: model_caps -> model_reverse");
    let input = Json::object([("text", "post-quantum".into())]);
    let mut trail = vec![display(&input)];
    let workflow = "model_caps -> model_reverse";
    let done = client.run_agent(workflow, &input, |_, step| {
        trail.push(step.outcome.as_ref().map_or_else(Clone::clone, display));
    });
    done.await?;
    scene.passed(&trail.join(" -> "));

    scene.step("a signed policy update, enforced from now on");
    let policy = "Allow model_caps access.\n";
    scene.fact("policy", policy.trim());
    client.update_policy(policy, false).await?;
    let text = Json::object([("text", "x".into())]);
    client
        .send_request("model_caps", &text)
        .await?
        .outcome
        .map_err(failed)?;
    match client.send_request("model_reverse", &text).await?.outcome {
        Err(message) => scene.passed(&format!("denied: {message}")),
        Ok(_) => return Err(failed("the denied model ran")),
    }

    scene.step("attack: one byte of a sealed inference is changed on the wire");
    scene
        .wire
        .change_next(|body| flip_a_byte(body, "encryptedPayloadB64"));
    refused(
        scene,
        client.send_request("model_caps", &text).await.map(drop),
        400,
    )?;

    scene.step("attack: one byte of a policy's signature is changed on the wire");
    scene
        .wire
        .change_next(|body| flip_a_byte(body, "signature_b64"));
    refused(
        scene,
        client.update_policy("Deny model_caps\n", false).await,
        403,
    )?;
    client
        .send_request("model_caps", &text)
        .await?
        .outcome
        .map_err(failed)?;

    scene.step("attack: a recorded inference is sent again, bit for bit");
    let recorded = scene
        .wire
        .last()
        .ok_or_else(|| failed("nothing was recorded"))?;
    let response = scene.wire.exchange(recorded).await;
    refused(scene, refusal_of(&response?), 409)?;

    scene.step("attack: a stranger repeats the handshake in the client's name");
    let body = Json::object([
        (
            "client_kem_pub_key_b64",
            wire::encode(&kem_public).as_str().into(),
        ),
        (
            "client_sign_pub_key_b64",
            wire::encode(&sign_public).as_str().into(),
        ),
    ]);
    let stranger = Request::post(wire::route::HANDSHAKE, body.canonical().into_bytes());
    let answer = scene.wire.exchange(stranger).await?;
    scene.fact(
        "stranger's handshake",
        &format!("{}: pending, and useless to it", answer.status),
    );
    client
        .send_request("model_caps", &text)
        .await?
        .outcome
        .map_err(failed)?;
    scene.passed("the client's session lives on");
    client.disconnect();
    Ok(())
}

fn refused(scene: &Scene, outcome: Result<(), ClientError>, expected: u16) -> Result<(), RunError> {
    match outcome {
        Err(ClientError::Refused { status, detail }) if status == expected => {
            scene.passed(&format!("refused: {status} {detail}"));
            Ok(())
        }
        Err(other) => Err(failed(format!(
            "expected a refusal with {expected}, got: {other}"
        ))),
        Ok(()) => Err(failed("the attack succeeded")),
    }
}

fn refusal_of(response: &Response) -> Result<(), ClientError> {
    if response.status == 200 {
        return Ok(());
    }
    let json = wire::parse(&response.body).ok();
    let detail = json
        .as_ref()
        .and_then(|json| json.get("detail"))
        .and_then(Json::as_str);
    let detail = detail.unwrap_or("no detail").to_owned();
    Err(ClientError::Refused {
        status: response.status,
        detail,
    })
}

/// Flips one bit in the middle of a base64 field, if it is there.
fn flip_a_byte(body: &mut Vec<u8>, field: &str) {
    if let Some(changed) = flipped(body, field) {
        *body = changed;
    }
}

fn flipped(body: &[u8], field: &str) -> Option<Vec<u8>> {
    let Json::Object(mut object) = wire::parse(body).ok()? else {
        return None;
    };
    let mut bytes = wire::decode(object.get(field)?.as_str()?)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle)? ^= 1;
    object.insert(field, wire::encode(&bytes).as_str());
    Some(Json::from(object).canonical().into_bytes())
}
