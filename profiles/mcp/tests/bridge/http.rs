//! HTTP hosts and an HTTP server, with the channel between them.

use std::sync::Arc;

use pqfw_framework::system::Role;
use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamService, Transport, TransportSettings,
};
use serde_json::Value;

use crate::machine::{Machine, profile};

const UPSTREAM: (&str, &str) = ("mcp.upstream", "http://127.0.0.1:3000/mcp");
const DOOR: (&str, &str) = ("mcp.http_listen", "127.0.0.1:9000");

/// Answers each request's bytes with themselves, and ends when its peer does.
struct Echo;

impl StreamService for Echo {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut buffer = vec![0; 4096];
            while let Ok(read @ 1..) = connection.reader.read(&mut buffer).await {
                if connection.writer.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
            let _ = connection.writer.finish().await;
        })
    }
}

fn at(address: &str) -> TransportSettings {
    let profile = profile(&[
        ("transport.listen", address),
        ("transport.connect", address),
    ]);
    profile.transport_settings()
}

async fn upstream(machine: &Machine) -> Box<dyn Listener> {
    let settings = at("memory:127.0.0.1:3000");
    let world = machine.world.clone();
    machine
        .network
        .serve_stream(&settings, Arc::new(Echo), world)
        .await
        .unwrap()
}

/// A connection through the door.
async fn through(machine: &Machine) -> Connection {
    let settings = at("memory:127.0.0.1:9000");
    machine.network.connect_stream(&settings).await.unwrap()
}

async fn read(connection: &mut Connection, length: usize) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while all.len() < length {
        match connection.reader.read(&mut buffer).await {
            Ok(read @ 1..) => all.extend_from_slice(&buffer[..read]),
            _ => break,
        }
    }
    String::from_utf8(all).unwrap()
}

fn post(body: &str, headers: &str) -> String {
    let length = body.len();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:9000\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// What the server's end has in its audit log.
fn log(server: &Machine) -> Vec<String> {
    let lines = server.journals.journal("audit.jsonl");
    let lines = lines.with(|lines| lines.clone());
    let told = lines.iter().map(|line| {
        let line: Value = serde_json::from_slice(line).unwrap();
        let entry = &line["entry"];
        format!("{} {}", entry["operation"], entry["outcome"]).replace('"', "")
    });
    told.collect()
}

#[tokio::test]
async fn without_a_look_every_path_is_carried_and_no_call_is_recorded() {
    let call = "{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"add\"}}";
    let other = post(call, "").replace("/mcp", "/other");
    for (inspect, request, recorded) in [
        ("false", post(call, ""), None),
        ("false", other, None),
        ("true", post(call, ""), Some("tool_call forwarded")),
    ] {
        let server = Machine::new();
        let behind = upstream(&server).await;
        let set = [UPSTREAM, ("mcp.inspect", inspect)];
        let serving = server.serve(Role::Server, &set).await;
        let machine = server.beside();
        let door = machine.serve(Role::Client, &[DOOR]).await;
        let mut connection = through(&machine).await;
        let sent = connection.writer.write_all(request.as_bytes()).await;
        sent.unwrap();
        assert_eq!(read(&mut connection, request.len()).await, request);
        connection.writer.finish().await.unwrap();
        assert_eq!(read(&mut connection, 1).await, "");
        for server in [door, serving] {
            server.stop().await;
        }
        behind.shutdown().await;
        let expected = [Some("session began"), recorded, Some("session ended")];
        let expected: Vec<_> = expected.into_iter().flatten().collect();
        assert_eq!(log(&server), expected);
    }
}

#[tokio::test]
async fn a_connection_is_carried_byte_for_byte_with_and_without_a_look() {
    for inspect in ["false", "true"] {
        let server = Machine::new();
        let behind = upstream(&server).await;
        let serving = server
            .serve(Role::Server, &[UPSTREAM, ("mcp.inspect", inspect)])
            .await;
        let machine = server.beside();
        let door = machine.serve(Role::Client, &[DOOR]).await;
        let mut connection = through(&machine).await;
        let chunked = "POST /mcp?a=b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n\
                       2\r\n{}\r\n0\r\n\r\n";
        let get = "GET /mcp HTTP/1.1\r\nHost: [::1]:9000\r\nAccept: text/event-stream\r\n\r\n";
        for request in [&post("{ \"id\":1.50 }", "X-Y: z\r\n"), get, chunked] {
            connection
                .writer
                .write_all(request.as_bytes())
                .await
                .unwrap();
            assert_eq!(
                read(&mut connection, request.len()).await,
                *request,
                "{inspect}"
            );
        }
        connection.writer.finish().await.unwrap();
        assert_eq!(read(&mut connection, 1).await, "");
        for server in [door, serving] {
            server.stop().await;
        }
        behind.shutdown().await;
    }
}

#[tokio::test]
async fn what_a_web_page_could_send_goes_nowhere() {
    let server = Machine::new();
    let behind = upstream(&server).await;
    let serving = server.serve(Role::Server, &[UPSTREAM]).await;
    let machine = server.beside();
    let origins = ("mcp.origins", "[\"https://good.example\"]");
    let door = machine.serve(Role::Client, &[DOOR, origins]).await;
    let good = post("{}", "Origin: https://good.example\r\n");
    for bad in [
        post("{}", "Origin: https://evil.example\r\n"),
        post("{}", "Origin: null\r\n"),
        post("{}", "").replace("127.0.0.1:9000", "evil.example:9000"),
        post("{}", "Content-Length: 2\r\n"),
    ] {
        let mut connection = through(&machine).await;
        connection.writer.write_all(bad.as_bytes()).await.unwrap();
        let answer = read(&mut connection, usize::MAX).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
        // The second request of a connection is looked at as the first.
        let mut connection = through(&machine).await;
        connection.writer.write_all(good.as_bytes()).await.unwrap();
        assert_eq!(read(&mut connection, good.len()).await, good);
        connection.writer.write_all(bad.as_bytes()).await.unwrap();
        let answer = read(&mut connection, usize::MAX).await;
        assert!(answer.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answer}");
    }
    for server in [door, serving] {
        server.stop().await;
    }
    behind.shutdown().await;
}

#[tokio::test]
async fn with_a_list_of_tools_every_request_is_looked_at() {
    let server = Machine::new();
    let behind = upstream(&server).await;
    let set = [
        UPSTREAM,
        ("mcp.inspect", "true"),
        ("mcp.tools.*", "[\"add\"]"),
    ];
    let serving = server.serve(Role::Server, &set).await;
    let machine = server.beside();
    let door = machine.serve(Role::Client, &[DOOR]).await;
    let call = |name: &str| {
        format!("{{\"id\":1,\"method\":\"tools/call\",\"params\":{{\"name\":\"{name}\"}}}}")
    };
    let good = post(&call("add"), "");
    let twice = call("add").replace("\"name\"", "\"name\":\"rm\",\"name\"");
    for (bad, words) in [
        (post(&call("rm"), ""), "{\"code\":1003,"),
        (post(&format!("[{}]", call("add")), ""), "\"code\":-32600,"),
        (post("{} {}", ""), "\"code\":-32700,"),
        (post(&twice, ""), "\"code\":-32600,"),
        (post(&call("add"), "Content-Encoding: gzip\r\n"), "415 "),
        (good.replace("/mcp", "/admin"), "404 "),
        (post("{}", "Transfer-Encoding: chunked\r\n"), "403 "),
    ] {
        let mut connection = through(&machine).await;
        connection.writer.write_all(good.as_bytes()).await.unwrap();
        assert_eq!(read(&mut connection, good.len()).await, good);
        connection.writer.write_all(bad.as_bytes()).await.unwrap();
        let answer = read(&mut connection, usize::MAX).await;
        assert!(answer.contains(words), "{bad}: {answer}");
    }
    for server in [door, serving] {
        server.stop().await;
    }
    behind.shutdown().await;
}

#[tokio::test]
async fn without_a_server_behind_it_the_door_says_so() {
    let server = Machine::new();
    let serving = server.serve(Role::Server, &[UPSTREAM]).await;
    let machine = server.beside();
    let door = machine.serve(Role::Client, &[DOOR]).await;
    let mut connection = through(&machine).await;
    connection
        .writer
        .write_all(post("{}", "").as_bytes())
        .await
        .unwrap();
    let answer = read(&mut connection, usize::MAX).await;
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    for server in [door, serving] {
        server.stop().await;
    }
    assert_eq!(log(&server), ["session refused"]);
}

#[tokio::test]
async fn a_thousand_sessions_at_a_time_are_carried() {
    let server = Machine::new();
    let behind = upstream(&server).await;
    let serving = server.serve(Role::Server, &[UPSTREAM]).await;
    let machine = server.beside();
    let door = machine.serve(Role::Client, &[DOOR]).await;
    let mut open = Vec::new();
    for number in 0..1000 {
        let mut connection = through(&machine).await;
        let request = post(&format!("{{\"id\":{number}}}"), "");
        connection
            .writer
            .write_all(request.as_bytes())
            .await
            .unwrap();
        assert_eq!(read(&mut connection, request.len()).await, request);
        open.push((connection, request));
    }
    for (connection, request) in &mut open {
        connection
            .writer
            .write_all(request.as_bytes())
            .await
            .unwrap();
        assert_eq!(read(connection, request.len()).await, *request);
    }
    drop(open);
    for server in [door, serving] {
        server.stop().await;
    }
    behind.shutdown().await;
}
