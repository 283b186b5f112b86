//! The gateway, with children that are played here.

use std::sync::Arc;

use pqfw_framework::lines::Lines;
use pqfw_framework::process::{
    Child, ChildLimits, Command, ProcessError, ProcessLimits, Processes, Running,
};
use pqfw_framework::python_json::Json;
use pqfw_framework::system::{Event, Failure, Report, Role, RunError};
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::message::parse;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::task::JoinHandle;

use crate::roles::Machine;

/// What a child answers to a method; nothing ends it.
type Play = fn(&str, &Json) -> Option<String>;

/// A machine on which every command is this child.
struct Stage(Play);

struct Alive;

impl Running for Alive {
    fn id(&self) -> u32 {
        1
    }

    fn ended(&mut self) -> BoxFuture<'_, String> {
        Box::pin(async { "exit status: 3".into() })
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, String> {
        Box::pin(async { "exit status: 0".into() })
    }
}

impl Processes for Stage {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        _: &'a [u8],
        _: ProcessLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, ProcessError>> {
        let program = command.program.clone();
        Box::pin(async {
            Err(ProcessError::Start {
                program,
                reason: "not here".into(),
            })
        })
    }

    fn spawn(
        &self,
        command: &Command,
        _: ChildLimits,
        _: Arc<dyn Report>,
    ) -> Result<Child, ProcessError> {
        if command.program == "missing" {
            return Err(ProcessError::Start {
                program: command.program.clone(),
                reason: "no such file".into(),
            });
        }
        assert_eq!(command.arguments, ["--tools"]);
        let (ours, theirs) = duplex(1 << 16);
        let (ours, theirs) = (connection(ours), connection(theirs));
        tokio::spawn(child(theirs, self.0));
        Ok(Child {
            connection: ours,
            running: Box::new(Alive),
        })
    }
}

struct Reads(ReadHalf<DuplexStream>);
struct Writes(WriteHalf<DuplexStream>);

fn connection(stream: DuplexStream) -> Connection {
    let (reader, writer) = split(stream);
    Connection {
        reader: Box::new(Reads(reader)),
        writer: Box::new(Writes(writer)),
        peer: "pipe".into(),
    }
}

fn broken(error: std::io::Error) -> TransportError {
    TransportError::Broken {
        address: "pipe".into(),
        reason: error.to_string(),
    }
}

impl StreamReader for Reads {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async { self.0.read(buffer).await.map_err(broken) })
    }
}

impl StreamWriter for Writes {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { self.0.write_all(bytes).await.map_err(broken) })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async { self.0.shutdown().await.map_err(broken) })
    }
}

async fn child(connection: Connection, play: Play) {
    let mut writer = connection.writer;
    let mut lines = Lines::new(connection.reader, 1 << 20);
    while let Ok(Some(Ok(line))) = lines.next().await {
        let message = parse(line.as_bytes()).unwrap();
        let method = message.get("method").and_then(Json::as_str);
        let method = method.unwrap_or("an answer").to_owned();
        let Some(answer) = play(&method, &message) else {
            return;
        };
        let id = message.get("id").map_or("null".into(), Json::canonical);
        let answer = answer.replace("ID", &id);
        writer.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A server with two pages of tools, that also asks and tells.
fn good(method: &str, message: &Json) -> Option<String> {
    let params = message.get("params");
    let first = params.and_then(|params| params.get("cursor")).is_none();
    let name = params.and_then(|params| params.get("name"));
    let line = |result: &str| format!("{{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{result}}}\n");
    Some(match method {
        "initialize" => line(r#"{"protocolVersion":"2025-06-18"}"#),
        "notifications/initialized" => [
            "not JSON\n",
            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"method\":\"sampling/createMessage\"}\n",
            "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}\n",
        ]
        .concat(),
        "an answer" => {
            let pong = r#"{"id":"p","jsonrpc":"2.0","result":{}}"#;
            let text = message.canonical();
            let refusal = message.get("error").is_some() && text.contains(r#""id":"s""#);
            assert!(text == pong || refusal, "{text}");
            String::new()
        }
        "tools/list" if first => {
            line(r#"{"tools":[{"name":"a","inputSchema":{}}],"nextCursor":"x"}"#)
        }
        "tools/list" => line(r#"{"tools":[{"name":"b","description":"B"}]}"#),
        "tools/call" => match name.and_then(Json::as_str) {
            Some("a") => line(r#"{"content":[{"type":"text","text":"done"}],"isError":false}"#),
            Some("b") => line(r#"{"content":[{"type":"text","text":"boom"}],"isError":true}"#),
            Some("end") => return None,
            _ => "{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"code\":-32602,\"message\":\"no\"}}\n"
                .into(),
        },
        _ => return None,
    })
}

fn machine(play: Play) -> Machine {
    let mut machine = Machine::new();
    machine.processes = Some(Arc::new(Stage(play)));
    machine
}

/// Serves beside whoever asks: on the network in memory the one that asks does the server's work, and
/// waits there for the child.
fn beside(server: &Arc<Machine>) -> JoinHandle<Result<(), RunError>> {
    let server = server.clone();
    tokio::spawn(async move { serve(&server, "child").await })
}

async fn serve(machine: &Machine, program: &str) -> Result<(), RunError> {
    let command = format!("[\"{program}\", \"--tools\"]");
    let set = [
        ("mcp.command", &*command),
        ("mcp.allow_any_did", "true"),
        ("transport.listen", "memory:house"),
    ];
    machine.end(Role::Server, &set).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_childs_tools_are_listed_and_called() {
    let server = Arc::new(machine(good));
    let (client, serving) = (server.beside(), beside(&server));
    {
        server.ready().await;
        let call = |tool: &'static str| {
            let client = &client;
            async move {
                let set = [("transport.connect", "memory:house"), ("mcp.tool", tool)];
                client.end(Role::Client, &set).await
            }
        };
        call("a").await.unwrap();
        assert_eq!(client.lines(), [r#"[{"type": "text", "text": "done"}]"#]);
        let failed = call("b").await.unwrap_err();
        assert!(failed.message.contains("Tool error: boom"), "{failed}");
        let refused = call("c").await.unwrap_err();
        assert!(refused.message.contains("Tool error: no"), "{refused}");
        let gone = call("end").await.unwrap_err();
        assert_eq!(gone.failure, Failure::Operation, "{gone}");
    }
    let error = serving.await.unwrap().unwrap_err();
    assert!(error.message.contains("exit status: 3"), "{error}");
    let warned = |text: &str| {
        server
            .told
            .warnings()
            .iter()
            .any(|line| line.contains(text))
    };
    assert!(warned("passed over") && warned("nobody waits for"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_comes_in_pages() {
    let server = Arc::new(machine(good));
    let (client, serving) = (server.beside(), beside(&server));
    server.ready().await;
    let tools = client.list("memory:house").await.unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(tools[1].description, "B");
    serving.abort();
    let endless = Arc::new(machine(|method, message| match method {
        "tools/list" => Some("{\"id\":ID,\"result\":{\"tools\":[],\"nextCursor\":\"x\"}}\n".into()),
        _ => good(method, message),
    }));
    let (client, serving) = (endless.beside(), beside(&endless));
    endless.ready().await;
    let error = client.list("memory:house").await.unwrap_err();
    assert!(matches!(error, PqcTransportError::Rpc { code: -32000, .. }));
    serving.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_mcp_server_does_not_serve() {
    for (play, program, expected) in [
        (good as Play, "missing", "no such file"),
        (|_, _| None, "child", "is gone"),
        (
            |_, _| Some("{\"id\":ID,\"error\":{\"message\":\"go away\"}}\n".into()),
            "child",
            "go away",
        ),
        (
            |_, _| Some("{\"id\":ID}\n".into()),
            "child",
            "neither result nor error",
        ),
    ] {
        let machine = machine(play);
        let error = serve(&machine, program).await.unwrap_err();
        assert!(error.message.contains(expected), "{expected}: {error}");
        let ready = |event: &Event| matches!(event, Event::Ready { .. });
        assert!(!machine.told.events().iter().any(ready));
    }
    let both = [("mcp.command", "[\"x\"]"), ("mcp.demo_tools", "true")];
    let error = machine(good).end(Role::Server, &both).await.unwrap_err();
    assert_eq!(error.failure, Failure::Usage);
}
