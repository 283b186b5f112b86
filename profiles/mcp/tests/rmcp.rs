//! The official Rust SDK at both ends of the bridge: its client is the host, and its server is a real
//! child, which is this very binary. Without a harness, since a harness writes to the standard output.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "bridge/machine.rs"]
#[expect(dead_code, reason = "the tests of the bridge use the rest")]
mod machine;
#[path = "../examples/rmcp_server.rs"]
mod rmcp_server;

use std::sync::Arc;

use pqfw_framework::system::{Event, Role};
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ClientServiceExt};
use serde_json::{Value, json};

use machine::Machine;

const CHILD: &str = "serve-as-a-child";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        rmcp_server::main().unwrap();
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let initialize = ClientLifecycleMode::Initialize;
        the_sdks_client_calls_the_sdks_server(initialize).await;
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        let discover = ClientLifecycleMode::Discover { preferred_versions };
        the_sdks_client_calls_the_sdks_server(discover).await;
        the_demo_plays_with_the_sdks_server_to_its_end().await;
    });
}

fn command() -> String {
    let program = std::env::current_exe().unwrap();
    json!([program, CHILD]).to_string()
}

fn machine() -> Machine {
    Machine {
        processes: Arc::new(pqfw_process::OsProcesses::default()),
        ..Machine::new()
    }
}

async fn the_sdks_client_calls_the_sdks_server(lifecycle: ClientLifecycleMode) {
    let server = machine();
    let set = [
        ("mcp.command", command()),
        ("mcp.tools.*", "[\"add\"]".into()),
    ];
    let set = set.each_ref().map(|(key, value)| (*key, value.as_str()));
    let serving = server.serve(Role::Server, &set).await;
    let (streams, bridge) = server.beside().connect(&[]).into_parts();
    let mut host = ().serve_with_lifecycle(streams, lifecycle).await.unwrap();
    let mut tools: Vec<_> = host.list_all_tools().await.unwrap();
    tools.sort_by(|one, other| one.name.cmp(&other.name));
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(names, ["add", "echo", "wait"]);
    let call = |tool: &'static str, arguments: Value| {
        let arguments = arguments.as_object().cloned().unwrap();
        CallToolRequestParams::new(tool).with_arguments(arguments)
    };
    let sum = host.call_tool(call("add", json!({ "a": 2, "b": 3 }))).await;
    let sum = serde_json::to_value(sum.unwrap()).unwrap();
    assert_eq!(sum["content"][0]["text"], "5", "{sum}");
    let refused = host.call_tool(call("echo", json!({ "text": "x" }))).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("1003"), "{refused}");
    host.close().await.unwrap();
    assert_eq!(bridge.await, Ok(()));
    serving.stop().await;
}

async fn the_demo_plays_with_the_sdks_server_to_its_end() {
    let machine = machine();
    machine.play(&[("mcp.command", &command())]).await.unwrap();
    let told = machine.told.events();
    let is = |event: &Event, words: &str| match event {
        Event::Fact { value, .. } | Event::Passed(value) => value.contains(words),
        _ => false,
    };
    for words in ["rmcp-tools", "add(2, 3) = 5", "refused: "] {
        assert!(
            told.iter().any(|event| is(event, words)),
            "{words}: {told:?}"
        );
    }
    // The tool that is not listed, the stranger, the forged message and the recorded one.
    let refused = told.iter().filter(|event| is(event, "refused: "));
    assert_eq!(refused.count(), 4, "{told:?}");
}
