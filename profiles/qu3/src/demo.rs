//! The scenario of `role = "demo"`: a real server, a real client, and an attacker on the wire.
//!
//! Every refusal shown is made by changing or repeating real bytes between the two ends.

use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::python_json::Json;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Failure, Host, Report, RunError};
use pqfw_framework::transport::{BoxFuture, Exchange, Request, Response, TransportError};
use pqfw_framework::world::World;

use crate::client::{Qu3Client, fetch_keys};
use crate::config::Qu3Config;
use crate::error::ClientError;
use crate::keys::{EndKeys, fingerprint};
use crate::models::Models;
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
    let wire = Arc::new(Wire {
        inner,
        state: Mutex::default(),
    });
    let mut scene = Scene {
        number: 0,
        began: 0,
        world,
        wire,
        report,
    };
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
    scene.wire.tamper_next("encryptedPayloadB64");
    scene.refused(
        client.send_request("model_caps", &text).await.map(drop),
        400,
    )?;

    scene.step("attack: one byte of a policy's signature is changed on the wire");
    scene.wire.tamper_next("signature_b64");
    scene.refused(client.update_policy("Deny model_caps\n", false).await, 403)?;
    client
        .send_request("model_caps", &text)
        .await?
        .outcome
        .map_err(failed)?;

    scene.step("attack: a recorded inference is sent again, bit for bit");
    let recorded = scene
        .wire
        .last_request()
        .ok_or_else(|| failed("nothing was recorded"))?;
    let response = scene.wire.exchange(recorded).await;
    scene.refused(refusal_of(&response?), 409)?;

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

fn display(json: &Json) -> String {
    // For people: as it reads, not as it is escaped.
    match json.as_object().and_then(|object| object.iter().next()) {
        Some((key, Json::String(text))) => format!("{{{key}: {text}}}"),
        _ => json.default_text(),
    }
}

fn failed(what: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, format!("demo: {what}"))
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

/// The stage: numbers the steps, times them, and counts their bytes.
struct Scene {
    number: usize,
    began: u64,
    world: Arc<dyn World>,
    wire: Arc<Wire>,
    report: Arc<dyn Report>,
}

impl Scene {
    fn step(&mut self, title: &str) {
        self.number += 1;
        self.report.event(&Event::Step {
            number: self.number,
            title: title.into(),
        });
        self.wire.reset();
        self.began = self.micros();
    }

    fn fact(&self, name: &str, value: &str) {
        self.report.event(&Event::Fact {
            name: name.into(),
            value: value.into(),
        });
    }

    fn passed(&self, what: &str) {
        let elapsed = self.micros().saturating_sub(self.began);
        let (sent, received) = self.wire.bytes();
        if sent + received > 0 {
            self.fact(
                "on the wire",
                &format!("{sent} bytes sent, {received} received"),
            );
        }
        self.fact(
            "time",
            &format!("{}.{} ms", elapsed / 1000, elapsed % 1000 / 100),
        );
        self.report.event(&Event::Passed(what.into()));
    }

    fn refused(&self, outcome: Result<(), ClientError>, expected: u16) -> Result<(), RunError> {
        match outcome {
            Err(ClientError::Refused { status, detail }) if status == expected => {
                self.passed(&format!("refused: {status} {detail}"));
                Ok(())
            }
            Err(other) => Err(failed(format!(
                "expected a refusal with {expected}, got: {other}"
            ))),
            Ok(()) => Err(failed("the attack succeeded")),
        }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.world.now().since_start.as_micros()).unwrap_or(u64::MAX)
    }
}

/// The wire between the ends, in the attacker's hands.
struct Wire {
    inner: Arc<dyn Exchange>,
    state: Mutex<WireState>,
}

#[derive(Default)]
struct WireState {
    sent: usize,
    received: usize,
    last: Option<Request>,
    tamper: Option<&'static str>,
}

impl Wire {
    fn with<T>(&self, use_it: impl FnOnce(&mut WireState) -> T) -> T {
        use_it(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn reset(&self) {
        self.with(|state| (state.sent, state.received) = (0, 0));
    }

    fn bytes(&self) -> (usize, usize) {
        self.with(|state| (state.sent, state.received))
    }

    fn tamper_next(&self, field: &'static str) {
        self.with(|state| state.tamper = Some(field));
    }

    fn last_request(&self) -> Option<Request> {
        self.with(|state| state.last.clone())
    }
}

impl Exchange for Wire {
    fn exchange(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.with(|state| {
            if let Some(field) = state.tamper.take() {
                request.body = flip_a_byte(&request.body, field).unwrap_or(request.body.clone());
            }
            state.sent += request.body.len();
            state.last = Some(request.clone());
        });
        Box::pin(async move {
            let response = self.inner.exchange(request).await?;
            self.with(|state| state.received += response.body.len());
            Ok(response)
        })
    }
}

/// Flips one bit in the middle of a base64 field.
fn flip_a_byte(body: &[u8], field: &str) -> Option<Vec<u8>> {
    let Json::Object(mut object) = wire::parse(body).ok()? else {
        return None;
    };
    let mut bytes = wire::decode(object.get(field)?.as_str()?)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle)? ^= 1;
    object.insert(field, wire::encode(&bytes).as_str());
    Some(Json::from(object).canonical().into_bytes())
}

/// The demo's server tells nothing: the scene does.
struct Quiet;

impl Report for Quiet {
    fn event(&self, _event: &Event) {}
}
