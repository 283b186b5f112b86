//! The routes as deployed servers have them, through the service and over real HTTP.

use std::sync::Arc;

use pqfw_framework::python_json::Json;
use pqfw_framework::transport::{Request, Transport, TransportSettings};
use pqfw_http::HttpTransport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{CLIENT, House, greet};

const RUNNING: &[u8] = br#"{"status": "PQC MCP Server running"}"#;
const REFUSED: &[u8] = br#"{"error": "Internal server error"}"#;

#[test]
fn anything_that_asks_nothing_hears_that_the_server_runs() {
    let house = House::new();
    for request in [
        Request::get("/"),
        Request::get("/handshake"),
        Request::post("/mcp", Vec::new()),
        Request::post("/handshake", Vec::new()),
    ] {
        let response = house.ask(&request);
        assert_eq!((response.status, &*response.body), (200, RUNNING));
    }
    let mut delete = Request::get("/mcp");
    delete.method = "DELETE".into();
    assert_eq!(house.ask(&delete).status, 405);
}

#[test]
fn every_refusal_looks_the_same() {
    let house = House::new();
    let session = house.session(CLIENT);
    let mut bad = house.sign(CLIENT, &greet("1"), &session);
    bad.insert("id", "2");
    let bad = Json::from(bad).default_text().into_bytes();
    for (route, body) in [
        ("/mcp", b"{".to_vec()),
        ("/mcp", b"[]".to_vec()),
        ("/handshake", b"{}".to_vec()),
        ("/mcp", bad),
    ] {
        let response = house.ask(&Request::post(route, body));
        assert_eq!((response.status, &*response.body), (500, REFUSED));
    }
    assert_eq!(house.told.warnings().len(), 4);
    // Any other path carries messages.
    let good = house.sign(CLIENT, &greet("3"), &session).into();
    assert_eq!(house.post("/anything", &good).status, 200);
}

fn settings(connect: &str) -> TransportSettings {
    TransportSettings {
        listen: "127.0.0.1:0".into(),
        connect: connect.into(),
        ..TransportSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_and_a_server_talk_over_http() {
    let house = Arc::new(House::new());
    let listener = HttpTransport
        .serve_exchange(&settings(""), house.server.clone(), house.world.clone())
        .await
        .unwrap();
    let exchange = HttpTransport.connect_exchange(&settings(listener.url()));
    let client = house.connect_through(exchange.unwrap()).await.unwrap();
    assert_eq!(client.list_tools().await.unwrap().len(), 3);
    listener.shutdown().await;
}

/// A server like the deployed one: it closes the socket behind every answer, and says nothing.
async fn closing(house: Arc<House>) -> String {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = socket.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap();
            let route = head.split(' ').nth(1).unwrap().to_owned();
            let lower = head.to_lowercase();
            let (_, length) = lower.split_once("content-length: ").unwrap();
            let length = length.lines().next().unwrap().parse().unwrap();
            let mut body = vec![0; length];
            stream.read_exact(&mut body).await.unwrap();
            let response = house.ask(&Request::post(&route, body));
            let head = format!(
                "HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                response.status,
                response.body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&response.body).await.unwrap();
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_closes_behind_every_answer_is_no_trouble() {
    let house = Arc::new(House::new());
    let mut settings = settings(&closing(house.clone()).await);
    settings.limits.connections = 0;
    let exchange = HttpTransport.connect_exchange(&settings).unwrap();
    let client = house.connect_through(exchange).await.unwrap();
    let arguments = Json::object([("name", "World".into())]);
    for _ in 0..20 {
        let content = client.call_tool("greet", &arguments).await;
        assert_eq!(content, Ok("Hello, World!".into()));
    }
}
