//! Sessions on stdio: what goes through, how they end, and how they go on.

use pqfw_framework::system::{Event, Failure, Role};
use serde_json::{Value, json};

use crate::machine::{IDLE, Machine};

const DEMO: (&str, &str) = ("mcp.command", "[\"demo\"]");
const ECHO: (&str, &str) = ("mcp.command", "[\"echo\"]");
const INITIALIZE: &str = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":\
                          {\"protocolVersion\":\"2025-11-25\"}}\n";
const INITIALIZED: &str = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n";

fn call(id: u32, tool: &str, arguments: &str) -> String {
    let params = format!("{{\"name\":\"{tool}\",\"arguments\":{arguments}}}");
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{params}}}\n")
}

fn add(id: u32) -> String {
    call(id, "add", "{\"a\":2,\"b\":3}")
}

/// The only entry of a server's audit log: somebody got no session.
fn refused(server: &Machine) -> Value {
    let log = server.journals.journal("audit.jsonl");
    let lines = log.with(|lines| lines.clone());
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line: Value = serde_json::from_slice(&lines[0]).unwrap();
    let entry = line["entry"].clone();
    assert_eq!(entry["operation"], "session");
    assert_eq!(entry["outcome"], "refused");
    entry
}

#[tokio::test]
async fn a_line_arrives_as_the_bytes_that_it_left_as() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[ECHO]).await;
    let mut host = server.beside().connect(&[]);
    for line in [
        "{\"jsonrpc\":\"2.0\",\"id\":1.50,\"result\":1,\"new\":{\"a\":1,\"a\":2}}\n",
        "  {\"id\":\"\\u0061\",\"result\" : null}\t\r\n",
        "[{\"id\":1,\"method\":\"a\"}, 7]\n",
        "{\"text\":\"ß\u{2028}\u{0}\"}\n"
            .replace('\u{0}', "\\u0000")
            .as_str(),
    ] {
        assert_eq!(host.ask(line).await, line);
    }
    host.say("\n \r\n{\"last\":1}").await;
    assert_eq!(host.end().await, ("{\"last\":1}\n".into(), Ok(())));
    serving.stop().await;
}

#[tokio::test]
async fn tools_are_called_and_the_end_of_the_input_ends_everything() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[DEMO]).await;
    let mut host = server.beside().connect(&[]);
    assert!(host.ask(INITIALIZE).await.contains("pqfw-demo-server"));
    host.say(INITIALIZED).await;
    assert!(host.ask(add(1)).await.contains("\"text\":\"5\""));
    host.say(add(2)).await;
    let (rest, ended) = host.end().await;
    assert!(
        rest.contains("\"id\":2") && rest.lines().count() == 1,
        "{rest}"
    );
    assert_eq!(ended, Ok(()));
    serving.stop().await;
}

#[tokio::test]
async fn when_the_channel_is_lost_calls_are_answered_and_the_session_goes_on_with_a_new_server() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[DEMO]).await;
    let mut host = server.beside().connect(&[]);
    host.ask(INITIALIZE).await;
    host.say(INITIALIZED).await;
    host.say(call(7, "wait", "{}")).await;
    host.ask(add(8)).await;
    serving.stop().await;
    let answer = host.hear().await;
    assert!(
        answer.starts_with("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1001,"),
        "{answer}"
    );
    assert!(
        host.ask(add(9))
            .await
            .contains("\"id\":9,\"error\":{\"code\":1002,")
    );
    let serving = server.serve(Role::Server, &[DEMO]).await;
    // The new server was told what the first one was, and the host hears nothing of that.
    assert!(host.ask(add(10)).await.contains("\"text\":\"5\""));
    // A late answer to the first server is not told to the second.
    host.say("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n")
        .await;
    assert!(host.ask(add(11)).await.contains("\"id\":11"));
    assert_eq!(host.end().await.1, Ok(()));
    serving.stop().await;
}

#[tokio::test]
async fn a_version_without_initialize_goes_on_with_any_server() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[DEMO]).await;
    let mut host = server.beside().connect(&[]);
    assert!(host.ask(add(1)).await.contains("\"text\":\"5\""));
    serving.stop().await;
    let serving = server.serve(Role::Server, &[ECHO]).await;
    // The call is the first thing that the new server is told.
    assert_eq!(host.ask(add(2)).await, add(2));
    drop(host);
    serving.stop().await;
}

#[tokio::test]
async fn a_session_with_state_in_its_server_ends_with_it() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[DEMO]).await;
    let mut host = server.beside().connect(&[]);
    host.ask(INITIALIZE).await;
    host.ask("{\"id\":1,\"method\":\"logging/setLevel\"}\n")
        .await;
    serving.stop().await;
    let serving = server.serve(Role::Server, &[DEMO]).await;
    assert!(
        host.ask(add(2))
            .await
            .contains("the host has made state by logging/setLevel")
    );
    let (rest, ended) = host.end().await;
    assert_eq!(
        (rest.as_str(), ended.unwrap_err().failure),
        ("", Failure::Network)
    );
    serving.stop().await;
}

#[tokio::test]
async fn a_new_server_that_introduces_itself_otherwise_is_not_taken_for_the_first() {
    let server = Machine::new();
    let first = (
        "mcp.command",
        "[\"writes\",\"{\\\"id\\\":0,\\\"result\\\":1}\\n\"]",
    );
    let other = (
        "mcp.command",
        "[\"writes\",\"{\\\"id\\\":0,\\\"result\\\":2}\\n\"]",
    );
    let serving = server.serve(Role::Server, &[first]).await;
    let mut host = server.beside().connect(&[]);
    host.ask(INITIALIZE).await;
    serving.stop().await;
    let serving = server.serve(Role::Server, &[other]).await;
    assert!(
        host.ask(add(2))
            .await
            .contains("introduces itself otherwise")
    );
    assert!(host.end().await.1.is_err());
    serving.stop().await;
}

#[tokio::test]
async fn a_session_that_is_silent_for_too_long_ends_and_another_follows_when_it_is_needed() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[DEMO]).await;
    let mut host = server.beside().connect(&[]);
    host.ask(INITIALIZE).await;
    server.world.advance(IDLE);
    serving.told.warned("nothing was said for 3600 s").await;
    assert!(host.ask(add(1)).await.contains("\"text\":\"5\""));
    assert_eq!(host.end().await.1, Ok(()));
    serving.stop().await;
}

#[tokio::test]
async fn an_mcp_server_that_ends_by_itself_ends_the_session_with_an_answer_to_every_call() {
    let server = Machine::new();
    let serving = server
        .serve(Role::Server, &[("mcp.command", "[\"quits\"]")])
        .await;
    let mut host = server.beside().connect(&[]);
    let answer = host.ask(add(1)).await;
    assert!(
        answer.contains("\"id\":1,\"error\":{\"code\":1001,"),
        "{answer}"
    );
    assert!(
        answer.contains("the MCP server has ended: exit status: 0"),
        "{answer}"
    );
    let (rest, ended) = host.end().await;
    assert_eq!(
        (rest.as_str(), ended.unwrap_err().failure),
        ("", Failure::Operation)
    );
    serving.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_is_no_secret() {
    let server = Machine::new();
    let serving = server
        .serve(Role::Server, &[("mcp.command", "[\"missing\"]")])
        .await;
    let (rest, ended) = server.beside().connect(&[]).end().await;
    assert_eq!(rest, "");
    assert!(
        ended
            .unwrap_err()
            .message
            .contains("cannot start `missing`")
    );
    serving.stop().await;
    let entry = refused(&server);
    assert_eq!(entry["session"], 0);
    assert_eq!(entry["reason"], "cannot start `missing`: no such program");
}

#[tokio::test]
async fn what_is_served_otherwise_is_refused_with_what_to_do() {
    let server = Machine::new();
    let upstream = [("mcp.upstream", "http://127.0.0.1:3000/mcp")];
    let serving = server.serve(Role::Server, &upstream).await;
    let host = server.beside().connect(&[]);
    let (_, ended) = host.end().await;
    assert!(
        ended
            .unwrap_err()
            .message
            .contains("connect with --http-listen")
    );
    serving.stop().await;
    let reason = refused(&server)["reason"].clone();
    assert_eq!(
        reason,
        "an HTTP server stands here: connect with --http-listen"
    );
}

#[tokio::test]
async fn nobody_who_is_not_known_gets_a_server() {
    let server = Machine::new();
    let other = format!("[\"sha256:{}\"]", "0a".repeat(32));
    let known = [DEMO, ("peers.mode", "allow-list"), ("peers.allow", &other)];
    let serving = server.serve(Role::Server, &known).await;
    let host = server.beside().connect(&[]);
    let (rest, ended) = host.end().await;
    assert_eq!(
        (rest.as_str(), ended.unwrap_err().failure),
        ("", Failure::Authentication)
    );
    serving.told.warned("is not accepted").await;
    serving.stop().await;
    let entry = refused(&server);
    assert_eq!(entry["session"], json!(null));
    let peer = entry["peer"].as_str().unwrap();
    assert!(peer.starts_with("sha256:"), "{entry}");
    let reason = entry["reason"].as_str().unwrap();
    assert!(reason.contains("is not in peers.allow"), "{entry}");
}

#[tokio::test]
async fn the_scenario_refuses_every_attack() {
    let machine = Machine::new();
    machine.play(&[DEMO]).await.unwrap();
    let refused = |event: &Event| matches!(event, Event::Passed(text) if text.contains("refused"));
    let refused = machine.told.events().into_iter().filter(refused);
    assert_eq!(refused.count(), 4);
}
