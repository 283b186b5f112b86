//! The client with an honest server over the memory transport: what it sends, what it gives back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::python_json::Json;
use pqfw_framework::system::Failure;
use pqfw_framework::transport::{Exchange, Listener, Transport, TransportSettings};
use pqfw_memory::{Crossing, Interceptor, MemoryTransport};
use pqfw_qu3::Qu3Client;
use pqfw_qu3::client::fetch_keys;
use pqfw_qu3::error::ClientError;
use pqfw_qu3::inference::Inference;
use pqfw_qu3::wire::route;

use crate::support::{House, Who, json, keys_of, public_keys_of, string, suite, text_input};

/// A house that is served on a network of its own, and a wire to it that records.
struct Street {
    house: House,
    wire: Arc<Interceptor>,
    listener: Box<dyn Listener>,
}

pub(crate) fn settings(address: &str) -> TransportSettings {
    TransportSettings {
        listen: address.into(),
        connect: address.into(),
        ..TransportSettings::default()
    }
}

impl Street {
    async fn new() -> Self {
        let (house, network) = (House::new(), MemoryTransport::new());
        let listener = network
            .serve_exchange(
                &settings("memory:server"),
                house.server.clone(),
                house.world.clone(),
            )
            .await
            .unwrap();
        let wire = network.connect_exchange(&settings(listener.url())).unwrap();
        Self {
            house,
            wire: Arc::new(Interceptor::new(wire)),
            listener,
        }
    }

    async fn client(&self, who: Who) -> Qu3Client {
        let server = fetch_keys(&*self.wire).await.unwrap();
        assert_eq!(server, public_keys_of(Who::Server));
        let wire: Arc<dyn Exchange> = self.wire.clone();
        let world = self.house.world.clone();
        let url = self.listener.url();
        Qu3Client::connect(wire, suite(), world, keys_of(who), &server, url)
            .await
            .unwrap()
    }

    /// The routes that were asked for since the keys.
    fn asked(&self) -> Vec<String> {
        let crossings = self.wire.recorded().into_iter();
        let routes = crossings.filter_map(|crossing| match crossing {
            Crossing::Request(request) if request.route != route::KEYS => Some(request.route),
            _ => None,
        });
        routes.collect()
    }
}

#[tokio::test]
async fn an_inference_comes_back_with_what_was_attested() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    street.house.wait(Duration::from_micros(5));
    let inference = client
        .send_request("model_reverse", &text_input("aß😀"))
        .await;
    let expected = Inference {
        model: "model_reverse".into(),
        outcome: Ok(Json::object([("reversed_text", "😀ßa".into())])),
        timestamp: "2026-01-01T00:00:00.000005+00:00".into(),
        server: concat!("pqfw-qu3/", env!("CARGO_PKG_VERSION")).into(),
    };
    assert_eq!(inference, Ok(expected));
    let as_string = Json::from(r#"{"text": "x"}"#);
    let inference = client.send_request("model_caps", &as_string).await.unwrap();
    assert_eq!(string(&inference.outcome.unwrap(), "capitalized_text"), "X");
    street.listener.shutdown().await;
}

#[tokio::test]
async fn nothing_secret_is_on_the_wire() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    let secret = "a secret in the input";
    client
        .send_request("model_caps", &text_input(secret))
        .await
        .unwrap();
    client
        .update_policy("deny a_secret_model access", false)
        .await
        .unwrap();
    for crossing in street.wire.recorded() {
        let body = match crossing {
            Crossing::Request(request) => request.body,
            Crossing::Response(response) => response.body,
        };
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("secret"), "{text}");
        assert!(!text.contains("SECRET"), "{text}");
    }
    for event in street.house.told.events() {
        assert!(!format!("{event:?}").contains("secret"), "{event:?}");
    }
}

#[tokio::test]
async fn a_models_own_refusal_is_no_error() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    let inference = client
        .send_request("nosuch", &text_input("x"))
        .await
        .unwrap();
    assert_eq!(inference.outcome, Err("Unknown model ID: 'nosuch'".into()));
}

#[tokio::test]
async fn an_expired_session_is_renewed_behind_the_callers_back() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    let input = text_input("x");
    client.send_request("model_caps", &input).await.unwrap();
    street.house.wait(Duration::from_secs(3601));
    client.send_request("model_caps", &input).await.unwrap();
    street.house.wait(Duration::from_secs(3601));
    client.update_policy("allow *", false).await.unwrap();
    let expected = [
        route::HANDSHAKE,
        route::INFERENCE,
        route::INFERENCE,
        route::HANDSHAKE,
        route::INFERENCE,
        route::POLICY,
        route::HANDSHAKE,
        route::POLICY,
    ];
    assert_eq!(street.asked(), expected);
}

#[tokio::test]
async fn a_pending_session_that_was_forgotten_is_renewed_too() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    street.house.wait(Duration::from_secs(31));
    let inference = client.send_request("model_caps", &text_input("x")).await;
    assert!(inference.unwrap().outcome.is_ok());
}

#[tokio::test]
async fn each_message_is_sealed_under_a_nonce_of_its_own() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    for _ in 0..10 {
        client
            .send_request("model_caps", &text_input("x"))
            .await
            .unwrap();
    }
    let mut nonces = BTreeSet::new();
    for crossing in street.wire.recorded() {
        let body = match crossing {
            Crossing::Request(request) if request.route == route::INFERENCE => request.body,
            Crossing::Response(response) => response.body,
            Crossing::Request(_) => continue,
        };
        if let Some(nonce) = json(&body).get("nonceB64") {
            assert!(nonces.insert(nonce.canonical()));
        }
    }
    assert_eq!(nonces.len(), 20);
}

#[tokio::test]
async fn a_workflow_feeds_each_output_to_the_next_model_in_one_session() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    let mut steps = Vec::new();
    let done = client
        .run_agent(
            " model_caps-> model_reverse ",
            &text_input("aß😀"),
            |n, step| {
                steps.push((n, step.model.clone()));
            },
        )
        .await
        .unwrap();
    assert_eq!(
        steps,
        [(1, "model_caps".into()), (2, "model_reverse".into())]
    );
    assert_eq!(done.len(), 2);
    let last = done[1].outcome.as_ref().unwrap();
    assert_eq!(string(last, "reversed_text"), "😀SSA");
    let expected = [route::HANDSHAKE, route::INFERENCE, route::INFERENCE];
    assert_eq!(street.asked(), expected);
}

#[tokio::test]
async fn a_step_without_output_is_the_last_one_run() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    client
        .update_policy("deny model_reverse", false)
        .await
        .unwrap();
    let cases = [
        (
            "model_caps->nosuch->model_caps",
            "Unknown model ID: 'nosuch'",
        ),
        (
            "model_caps->model_reverse->model_caps",
            "Model 'model_reverse' is denied by policy version 1.",
        ),
    ];
    for (workflow, reason) in cases {
        let mut seen = 0;
        let input = text_input("x");
        let done = client.run_agent(workflow, &input, |_, _| seen += 1).await;
        let done = done.unwrap();
        assert_eq!((done.len(), seen), (2, 2));
        assert_eq!(done[1].outcome, Err(reason.into()));
    }
}

#[tokio::test]
async fn a_workflow_with_an_empty_step_is_not_begun() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    for workflow in ["", " ", "->", "model_caps->", "->model_caps", "a-> ->b"] {
        let input = text_input("x");
        let outcome = client.run_agent(workflow, &input, |_, _| {}).await;
        let error = outcome.unwrap_err();
        assert_eq!(error, ClientError::Workflow(workflow.into()));
        assert_eq!(error.failure(), Failure::Usage);
    }
    assert_eq!(street.asked(), [route::HANDSHAKE]);
}

#[tokio::test]
async fn a_policy_that_nobody_would_enforce_is_not_sent() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    for text in ["", "Please be careful.", "# nothing", "allow *\nnonsense"] {
        let error = client.update_policy(text, false).await.unwrap_err();
        assert!(matches!(error, ClientError::Policy(_)), "{error:?}");
        assert_eq!(error.failure(), Failure::Usage);
    }
    assert_eq!(street.asked(), [route::HANDSHAKE]);
    // Told to, it sends prose; and what the server thinks of a mixture, the server says.
    client
        .update_policy("Please be careful.", true)
        .await
        .unwrap();
    let error = client.update_policy("allow *\nnonsense", true).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 400, .. }));
    assert_eq!(street.house.policies().len(), 1);
}

#[tokio::test]
async fn a_disconnected_client_is_gone_here_and_the_server_forgets_in_time() {
    let street = Street::new().await;
    let mut client = street.client(Who::Alice).await;
    client
        .send_request("model_caps", &text_input("x"))
        .await
        .unwrap();
    client.disconnect();
    assert_eq!(street.house.counts(), (1, 0, 1));
    street.house.wait(Duration::from_secs(3601));
    street.client(Who::Bob).await;
    assert_eq!(street.house.counts(), (0, 1, 0));
}
