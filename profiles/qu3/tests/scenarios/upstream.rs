//! Models that are not built in: a command, a server, and what goes wrong with either.

use std::collections::BTreeMap;
use std::sync::Arc;

use pqfw_framework::process::{Command, ProcessError, ProcessLimits, Processes};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::system::{Event, Outside, Report};
use pqfw_framework::transport::{
    BoxFuture, ExchangeService, Listener, Request, Response, Transport,
};
use pqfw_framework::world::Now;
use pqfw_memory::{MemoryTransport, SeededWorld, empty_outside};
use pqfw_qu3::error::ClientError;
use pqfw_qu3::models::{ModelTable, Models};
use pqfw_qu3::wire;

use crate::honest_client::settings;
use crate::support::Told;

/// Runs `count`, which says how long its input is, and `broken`, which does not write JSON.
struct Commands;

impl Processes for Commands {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        input: &'a [u8],
        limits: ProcessLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, ProcessError>> {
        Box::pin(async move {
            let program = command.program.clone();
            match program.as_str() {
                "count" => {
                    let (bytes, unit) = (input.len(), command.arguments.join("-"));
                    Ok(format!(r#"{{"{unit}": {bytes}}}"#).into_bytes())
                }
                "broken" => Ok(b"oops".to_vec()),
                _ => Err(ProcessError::TimedOut {
                    program,
                    secs: limits.time.as_secs(),
                }),
            }
        })
    }
}

/// Repeats what it is asked, or answers as the route says.
struct Echo;

impl ExchangeService for Echo {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        let answer = |status, body: &str| Response {
            status,
            body: body.into(),
        };
        match request.route.as_str() {
            "/echo" => Response {
                status: 200,
                body: request.body.clone(),
            },
            "/v1/chat/completions" => {
                let asked = wire::parse(&request.body).unwrap();
                assert_eq!(asked.get("model").unwrap().as_str(), Some("small"));
                let messages = asked.get("messages").unwrap().as_array().unwrap();
                let content = messages[0].get("content").unwrap().as_str().unwrap();
                answer(
                    200,
                    &format!(r#"{{"choices":[{{"message":{{"content":"{content}!"}}}}]}}"#),
                )
            }
            "/no-json" => answer(200, "oops"),
            "/no-choice" => answer(200, r#"{"choices":[]}"#),
            _ => answer(503, "{}"),
        }
    }
}

async fn outside() -> (Outside, Box<dyn Listener>) {
    let network: Arc<dyn Transport> = Arc::new(MemoryTransport::new());
    let world = Arc::new(SeededWorld::new(0));
    let settings = settings("memory://upstream");
    let listener = network.serve_exchange(&settings, Arc::new(Echo), world);
    let listener = listener.await.unwrap();
    let outside = Outside {
        processes: Arc::new(Commands),
        transports: BTreeMap::from([("memory", network)]),
        ..empty_outside()
    };
    (outside, listener)
}

fn table(toml: &str) -> ModelTable {
    toml_edit::de::from_str(toml).unwrap()
}

async fn run(toml: &str, input: &str) -> (Result<String, String>, Vec<Event>) {
    let (outside, _listener) = outside().await;
    let told = Arc::new(Told::default());
    let report: Arc<dyn Report> = told.clone();
    let tables = BTreeMap::from([("mine".to_owned(), table(toml))]);
    let models = Models::builtin()
        .with_tables(&tables, &outside, &report)
        .unwrap();
    let input = wire::parse(input.as_bytes()).unwrap();
    let output = models.run("mine", &input).map(|json| json.canonical());
    (output, told.events())
}

#[tokio::test]
async fn a_command_is_a_model() {
    let (output, told) = run("run = 'exec:count in bytes'", r#"{"a": 1}"#).await;
    assert_eq!(output.unwrap(), r#"{"in-bytes":7}"#);
    assert_eq!(told, []);
}

#[tokio::test]
async fn a_server_is_a_model() {
    let (output, _) = run("run = 'memory://upstream/echo'", r#"{"a": [1, 2]}"#).await;
    assert_eq!(output.unwrap(), r#"{"a":[1,2]}"#);
    let chat = "run = 'memory://upstream/v1/chat/completions'\nstyle = 'openai'\nmodel = 'small'";
    for input in [
        r#"{"text": "hello"}"#,
        r#"{"messages": [{"role": "user", "content": "hello"}]}"#,
    ] {
        let (output, _) = run(chat, input).await;
        assert_eq!(output.unwrap(), r#"{"text":"hello!"}"#);
    }
    let (output, _) = run(chat, "{}").await;
    assert!(output.unwrap_err().contains("needs `text`"));
}

#[tokio::test]
async fn the_client_hears_that_a_model_failed_and_the_operator_why() {
    for (toml, why) in [
        ("run = 'exec:sleeper'\nsecs = 3", "did not end within 3 s"),
        ("run = 'exec:broken'", "did not write JSON"),
        ("run = 'memory://nobody/'", "nobody listens"),
        ("run = 'memory://upstream/other'", "answered 503"),
        ("run = 'memory://upstream/no-json'", "did not answer JSON"),
        (
            "run = 'memory://upstream/no-choice'\nstyle = 'openai'\nmodel = 'm'",
            "choices[0]",
        ),
    ] {
        let (output, told) = run(toml, r#"{"text": "x"}"#).await;
        assert_eq!(output.unwrap_err(), "The model 'mine' failed.", "{toml}");
        let [Event::Warning(text)] = &told[..] else {
            panic!("{toml}: {told:?}");
        };
        assert!(text.contains(why), "{toml}: {text}");
    }
}

#[tokio::test]
async fn a_table_that_names_no_model_is_refused_at_start() {
    let (outside, _listener) = outside().await;
    let report: Arc<dyn Report> = Arc::new(Told::default());
    for (toml, why) in [
        ("run = 'exec:'", "names no program"),
        ("run = 'count'", "neither"),
        ("run = 'gopher://x/'", "there are memory"),
        ("run = 'memory://x/'\nstyle = 'openai'", "needs `model`"),
        ("run = 'exec:count'\nsecs = 0", "0"),
        ("run = 'exec:count'\noutput_bytes = 0", "0"),
    ] {
        let tables = BTreeMap::from([("mine".to_owned(), table(toml))]);
        let error = Models::builtin()
            .with_tables(&tables, &outside, &report)
            .err();
        let Some(ClientError::Config(text)) = error else {
            panic!("{toml}: {error:?}");
        };
        assert!(
            text.starts_with("qu3.models.mine: ") && text.contains(why),
            "{toml}: {text}"
        );
    }
}
