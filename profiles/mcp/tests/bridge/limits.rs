//! Limits: a clear error, and the service goes on.

use std::sync::Arc;

use pqfw_framework::system::Role;
use serde_json::{Value, json};

use crate::machine::Machine;

const LIMIT: (&str, &str) = ("mcp.max_message_bytes", "1000");
const ECHO: (&str, &str) = ("mcp.command", "[\"echo\"]");

fn code(answer: &str) -> i64 {
    let answer: Value = serde_json::from_str(answer).unwrap();
    answer["error"]["code"].as_i64().unwrap()
}

#[tokio::test]
async fn a_line_that_is_no_message_is_answered_and_the_next_goes_through() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[ECHO]).await;
    let mut host = server.beside().connect(&[LIMIT]);
    let long = format!(
        "{{\"params\":\"{}\",\"method\":\"x\",\"id\":7}}\n",
        "x".repeat(1000)
    );
    let bad: [(&[u8], Value); 6] = [
        (long.as_bytes(), json!(7)),
        (b"{\"id\":1} {\"id\":2}\n", Value::Null),
        (b"{\"id\":1,\"x\":\"\xff\"}\n", Value::Null),
        (b"{\"id\":1\n", Value::Null),
        (b"hello\n", Value::Null),
        (b"!ended by a host\n", Value::Null),
    ];
    for (line, id) in bad {
        let answer = host.ask(line).await;
        assert_eq!(code(&answer), -32700, "{answer}");
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap()["id"], id);
        assert_eq!(host.ask("{\"id\":3}\n").await, "{\"id\":3}\n");
    }
    // A long answer of the host's has nobody who waits for an error.
    let long = format!("{{\"id\":7,\"result\":\"{}\"}}\n", "x".repeat(1000));
    host.say(long).await;
    assert_eq!(host.ask("{\"id\":4}\n").await, "{\"id\":4}\n");
    assert_eq!(host.end().await, (String::new(), Ok(())));
    serving.stop().await;
}

#[tokio::test]
async fn the_servers_end_judges_for_itself() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[ECHO, LIMIT]).await;
    let mut host = server.beside().connect(&[]);
    let long = format!(
        "{{\"id\":\"a\",\"method\":\"x\",\"params\":\"{}\"}}\n",
        "x".repeat(1000)
    );
    let answer = host.ask(long).await;
    assert!(
        answer.contains("\"id\":\"a\",\"error\":{\"code\":-32700"),
        "{answer}"
    );
    assert_eq!(host.ask("{\"id\":3}\n").await, "{\"id\":3}\n");
    assert_eq!(host.end().await, (String::new(), Ok(())));
    serving.stop().await;
}

#[tokio::test]
async fn whoever_has_no_bridge_of_ours_gets_no_line_past_the_servers_end_either() {
    let server = Machine::new();
    let set = [ECHO, ("mcp.tools.*", "[\"add\"]")];
    let serving = server.serve(Role::Server, &set).await;
    let mut session = server.beside().speak().await;
    let bad: [(&[u8], i64); 7] = [
        (b"{\"id\":1} {\"id\":2}", -32700),
        (b"{\"id\":1,\"x\":\"\xff\"}", -32700),
        (b"{\"id\":1", -32700),
        (b"!ended by a host", -32700),
        (
            b"{\"id\":1,\"method\":\"ping\",\"method\":\"tools/call\"}",
            -32600,
        ),
        (
            b"{\"id\":1,\"method\":\"ping\",\"Method\":\"tools/call\"}",
            -32600,
        ),
        (
            b"{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"rm\"}}",
            1003,
        ),
    ];
    for (line, expected) in bad {
        for piece in [line, b"\n", b"{\"id\":3}\n"] {
            session.writer.write_all(piece).await.unwrap();
        }
        let answer = session.lines.next().await.unwrap().unwrap().unwrap();
        assert_eq!(code(answer), expected, "{answer}");
        let next = session.lines.next().await.unwrap().unwrap().unwrap();
        assert_eq!(next, "{\"id\":3}\n");
    }
    drop(session);
    serving.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error_in_its_place() {
    let server = Machine::new();
    let long = format!("{{\"result\":\"{}\",\"id\":7}}", "x".repeat(1000));
    let command = json!(["writes", long + "\n"]).to_string();
    for (ours, theirs) in [("1000", "100000"), ("100000", "1000")] {
        let set = [
            ("mcp.command", command.as_str()),
            ("mcp.max_message_bytes", ours),
        ];
        let serving = server.serve(Role::Server, &set).await;
        let mut host = server
            .beside()
            .connect(&[("mcp.max_message_bytes", theirs)]);
        let answer = host.ask("{\"id\":7,\"method\":\"x\"}\n").await;
        assert!(
            answer.contains("\"id\":7,\"error\":{\"code\":1004,"),
            "{answer}"
        );
        assert_eq!(host.end().await, (String::new(), Ok(())));
        serving.stop().await;
    }
}

#[tokio::test]
async fn what_a_server_writes_besides_messages_does_not_reach_the_host() {
    let server = Machine::new();
    let said = "listening on stdio\n{\"id\":7,\"result\":1}\n{} {}\n!lost a trick\n";
    let command = json!(["writes", said]).to_string();
    let serving = server
        .serve(Role::Server, &[("mcp.command", &command)])
        .await;
    let mut host = server.beside().connect(&[]);
    let answer = host.ask("{\"id\":7,\"method\":\"x\"}\n").await;
    assert_eq!(answer, "{\"id\":7,\"result\":1}\n");
    assert_eq!(host.end().await, (String::new(), Ok(())));
    serving.told.warned("not exactly one JSON value").await;
    serving.stop().await;
}

#[tokio::test]
async fn a_message_of_50_megabytes_goes_there_and_back() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[ECHO]).await;
    let mut host = server.beside().connect(&[]);
    let line = format!("{{\"id\":1,\"result\":\"{}\"}}\n", "x".repeat(50_000_000));
    host.say_and_hear(&line).await;
    assert_eq!(host.end().await, (String::new(), Ok(())));
    serving.stop().await;
}

#[tokio::test]
async fn the_65th_child_is_refused_and_is_served_when_there_is_room() {
    let server = Machine {
        processes: Arc::new(pqfw_process::OsProcesses::default()),
        ..Machine::new()
    };
    let serving = server
        .serve(Role::Server, &[("mcp.command", "[\"cat\"]")])
        .await;
    let machine = server.beside();
    let mut hosts = Vec::new();
    for _ in 0..64 {
        let mut host = machine.connect(&[]);
        assert_eq!(host.ask("{\"id\":1}\n").await, "{\"id\":1}\n");
        hosts.push(host);
    }
    let (rest, ended) = machine.connect(&[]).end().await;
    assert_eq!(rest, "");
    let text =
        "the server's end refused: cannot start `cat`: 64 are running, and that is the limit";
    assert_eq!(ended.unwrap_err().message, text);
    assert_eq!(hosts.pop().unwrap().end().await, (String::new(), Ok(())));
    let mut host = machine.connect(&[]);
    assert_eq!(host.ask("{\"id\":1}\n").await, "{\"id\":1}\n");
    for host in hosts {
        assert_eq!(host.end().await, (String::new(), Ok(())));
    }
    drop(host);
    serving.stop().await;
}

#[tokio::test]
async fn a_peer_calls_the_tools_on_its_list_and_everything_is_in_the_log() {
    let server = Machine::new();
    let set = [
        ("mcp.command", "[\"demo\"]"),
        ("mcp.tools.*", "[\"add\"]"),
        ("mcp.audit_file", "audit.jsonl"),
    ];
    let serving = server.serve(Role::Server, &set).await;
    let mut host = server.beside().connect(&[]);
    let call = |name: &str| {
        let params = json!({ "name": name, "arguments": { "a": 2, "b": 3, "text": "x" } });
        let call = json!({ "id": 1, "method": "tools/call", "params": params });
        format!("{call}\n")
    };
    assert!(host.ask(call("add")).await.contains("\"text\":\"5\""));
    assert_eq!(code(&host.ask(call("echo")).await), 1003);
    assert_eq!(
        code(&host.ask(format!("[{}]\n", call("add").trim())).await),
        -32600
    );
    let twice = "{\"id\":1,\"method\":\"tools/call\",\"method\":\"ping\"}\n";
    assert_eq!(code(&host.ask(twice).await), -32600);
    // Nobody waits for an answer to a notification.
    host.say("{\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}\n")
        .await;
    assert!(host.ask(call("add")).await.contains("\"text\":\"5\""));
    assert_eq!(host.end().await, (String::new(), Ok(())));
    serving.stop().await;
    let lines = server
        .journals
        .journal("audit.jsonl")
        .with(|lines| lines.clone());
    let entries = lines
        .iter()
        .map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let entries: Vec<_> = entries
        .map(|line| {
            let entry = &line["entry"];
            assert!(entry["peer"].as_str().unwrap().starts_with("sha256:"));
            format!(
                "{} {} {}",
                entry["operation"], entry["tool"], entry["outcome"]
            )
            .replace('"', "")
        })
        .collect();
    assert_eq!(
        entries,
        [
            "session null began",
            "tool_call add forwarded",
            "tool_call echo refused",
            "message null refused",
            "message null refused",
            "tool_call echo refused",
            "tool_call add forwarded",
            "session null ended",
        ]
    );
}
