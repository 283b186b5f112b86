//! How many calls a second: signed over HTTP, and the same bodies over the same HTTP with no signature.
//!
//! ```text
//! cargo run --release -p pqfw-mcp --example signed_calls -- [SECONDS]
//! ```
//!
//! Both ends are in this process and share its processors; a connection for each request in the first
//! row, as towards deployed servers, and kept connections in the others.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "an example that cannot go on may end"
)]

mod common;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{identity, settings, suite};
use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{
    Exchange, ExchangeService, Request, Response, Transport, TransportSettings,
};
use pqfw_framework::world::{Now, World};
use pqfw_http::HttpTransport;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::audit::Audit;
use pqfw_mcp::signed::client::PqcMcpClient;
use pqfw_mcp::signed::gate::Gate;
use pqfw_mcp::signed::server::PqcMcpServer;
use pqfw_mcp::signed::tools::Toolbox;
use pqfw_mcp::signed::trust::Server;
use pqfw_runtime::OsWorld;

/// Answers as the signed server does, without looking.
struct Plain;

impl ExchangeService for Plain {
    fn respond(&self, _: Now, _: &mut dyn CryptoRng, request: &Request) -> Response {
        let Ok(Json::Object(message)) = pqfw_mcp::signed::message::parse(&request.body) else {
            return Response {
                status: 500,
                body: Vec::new(),
            };
        };
        let id = message.get("id").cloned().unwrap_or(Json::Null);
        let result = Json::object([("content", "Hello, World!".into())]);
        let answer = Json::object([("jsonrpc", "2.0".into()), ("id", id), ("result", result)]);
        Response {
            status: 200,
            body: answer.default_text().into_bytes(),
        }
    }
}

struct Quiet;

impl Report for Quiet {
    fn event(&self, _: &Event) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let secs = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let time = Duration::from_secs(secs.unwrap_or(5));
    let world = Arc::new(OsWorld::new());
    let suite = suite(&*world);
    let config = McpConfig {
        allow_any_did: true,
        ..McpConfig::default()
    };
    let own = identity(&suite, &*world);
    let gate = Gate::new(
        world.now(),
        own.clone(),
        &config,
        &suite,
        Arc::new(MemoryStore::default()),
        Audit::default(),
        Arc::new(Quiet),
    )?;
    let server = PqcMcpServer::new(gate, Arc::new(Toolbox::demo()), Arc::new(Quiet));
    let listen = settings("127.0.0.1:0", "");
    let signed = HttpTransport
        .serve_exchange(&listen, Arc::new(server), world.clone())
        .await?;
    let plain = HttpTransport
        .serve_exchange(&listen, Arc::new(Plain), world.clone())
        .await?;
    println!("{:<28} {:>12} {:>10}", "", "concurrency", "calls/s");
    for (name, kept) in [
        ("signed, a socket a call", 0),
        ("signed, kept sockets", 256),
    ] {
        for at_once in [1, 64] {
            let to = TransportSettings {
                limits: pqfw_framework::transport::TransportLimits {
                    connections: kept,
                    ..settings("", signed.url()).limits
                },
                ..settings("", signed.url())
            };
            let mut calls: Vec<Work> = Vec::new();
            for _ in 0..at_once {
                let client = PqcMcpClient::connect(
                    HttpTransport.connect_exchange(&to)?,
                    world.clone(),
                    identity(&suite, &*world),
                    &Server::Pinned(own.did().clone()),
                    &config,
                    Audit::default(),
                    Arc::new(Quiet),
                )
                .await?;
                let client = Arc::new(client);
                calls.push(Box::new(move || {
                    let client = client.clone();
                    Box::pin(async move {
                        let arguments = Json::object([("name", "World".into())]);
                        let content = client.call_tool("greet", &arguments).await;
                        assert_eq!(content, Ok("Hello, World!".into()));
                    })
                }));
            }
            measure(name, calls, time, &world).await;
        }
    }
    for at_once in [1, 64] {
        let mut to = settings("", plain.url());
        to.limits.connections = 256;
        let mut calls: Vec<Work> = Vec::new();
        for _ in 0..at_once {
            let exchange: Arc<dyn Exchange> = HttpTransport.connect_exchange(&to)?;
            calls.push(Box::new(move || {
                let exchange = exchange.clone();
                Box::pin(async move {
                    let body = br#"{"jsonrpc": "2.0", "method": "tools/call", "id": "1", "params": {"name": "greet", "arguments": {"name": "World"}}}"#;
                    let answer = exchange.exchange(Request::post("/mcp", body.to_vec()));
                    assert_eq!(answer.await.map(|answer| answer.status), Ok(200));
                })
            }));
        }
        measure("unsigned, kept sockets", calls, time, &world).await;
    }
    Ok(())
}

type Work = Box<dyn Fn() -> pqfw_framework::transport::BoxFuture<'static, ()> + Send>;

/// Repeats each work for a time, side by side, and prints the sum of all a second.
async fn measure(name: &str, calls: Vec<Work>, time: Duration, world: &OsWorld) {
    let (done, at_once) = (Arc::new(AtomicU64::new(0)), calls.len());
    let begin = world.now().since_start;
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|call| {
            let done = done.clone();
            tokio::spawn(async move {
                loop {
                    call().await;
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    world.sleep_until(begin + time).await;
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    let took = (world.now().since_start - begin).as_secs_f64();
    let rate = done.load(Ordering::Relaxed) as f64 / took;
    println!("{name:<28} {at_once:>12} {rate:>10.0}");
}
