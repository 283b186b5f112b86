//! What an idle channel costs its server in memory: `idle_channels [COUNT] [--used] [--json]`.
//!
//! This process serves channels over TCP on loopback; a child process opens COUNT of them (default
//! 5 000) and leaves them open. Reported is what the server's Rust allocations and its resident
//! memory grew by, per channel. The kernel's socket buffers are in neither, what AWS-LC allocates
//! in C is in the second. With `--used` each channel carries 256 KiB in both directions first.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on may end, and prints what it found"
)]

#[path = "../benches/channel/suite.rs"]
mod suite;

use std::alloc::System;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cap::Cap;
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamService, Transport, TransportLimits,
    TransportSettings,
};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_session::stream::{accept, connect};
use pqfw_session::{Config, Identity, InsecureAnybody};
use pqfw_tcp::TcpTransport;
use serde_json::json;
use tokio::sync::mpsc;

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

const SUITE: &str = "X25519+ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256";
const CHANNELS: usize = 5_000;
const USED_BYTES: usize = 256 << 10;
const WITHIN: Duration = Duration::from_secs(60);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|one| one == flag);
    let count = arguments.iter().find_map(|one| one.parse().ok());
    let count = count.unwrap_or(CHANNELS);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match arguments.iter().find(|one| one.starts_with("tcp://")) {
        Some(url) => runtime.block_on(hold(url, count, has("--used"))),
        None => runtime.block_on(serve(count, has("--used"), has("--json"))),
    }
}

/// One end: whoever comes is accepted, since nothing but memory is looked at.
fn end(world: &Arc<dyn World>) -> Arc<Config> {
    let registry = pqfw::registry().build().expect("the plugins fit together");
    let suite = suite::resolve(&registry, &**world, SUITE);
    let key = suite.signature.generate(&mut *world.rng());
    let identity = Identity::new(key.expect("generates"), &suite.digest);
    let identities = vec![identity.expect("has an identifier")];
    let peers = Arc::new(InsecureAnybody);
    let config = Config::new("idle/1".into(), "".into(), vec![suite], identities, peers);
    Arc::new(config.expect("fits together"))
}

fn settings(connect: &str, connections: usize) -> TransportSettings {
    TransportSettings {
        listen: "127.0.0.1:0".into(),
        connect: connect.into(),
        limits: TransportLimits {
            body_bytes: 0,
            header_bytes: 0,
            connections,
            idle_secs: 3600,
            request_secs: 60,
            per_ip_per_minute: 0,
        },
        tls: None,
    }
}

async fn serve(count: usize, used: bool, json: bool) {
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let (idle, mut came) = mpsc::unbounded_channel();
    let service = Arc::new(Server {
        config: end(&world),
        world: world.clone(),
        used,
        idle,
    });
    let settings = settings("", count);
    let listener = TcpTransport.serve_stream(&settings, service, world).await;
    let listener = listener.expect("listens");
    let before = Memory::now();

    let mut child = Command::new(std::env::current_exe().expect("has a path"))
        .args([listener.url(), &count.to_string()])
        .args(used.then_some("--used"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("starts");
    for _ in 0..count {
        came.recv().await.expect("the server lives");
    }
    let grown = Memory::now().since(&before).per(count);
    drop(child.stdin.take());
    let ended = child.wait().expect("ends");
    assert!(ended.success(), "the process that held the channels failed");

    let after = if used { "used" } else { "fresh" };
    if json {
        let report = json!({
            "channels": count,
            "after": after,
            "suite": SUITE,
            "allocated_bytes_per_channel": grown.allocated,
            "resident_bytes_per_channel": grown.resident,
        });
        println!("{report}");
    } else {
        println!(
            "{count} idle channels ({after}): {} bytes allocated and {} resident each",
            grown.allocated, grown.resident
        );
    }
}

struct Server {
    config: Arc<Config>,
    world: Arc<dyn World>,
    used: bool,
    idle: mpsc::UnboundedSender<()>,
}

impl StreamService for Server {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        let (config, world) = (self.config.clone(), self.world.clone());
        let (idle, used) = (self.idle.clone(), self.used);
        Box::pin(async move {
            let open = accept(&config, connection, &world, WITHIN).await;
            let mut inside = open.expect("is accepted").connection;
            if used {
                take(&mut *inside.reader).await;
                let sent = inside.writer.write_all(&vec![7; USED_BYTES]).await;
                sent.expect("is sent");
            }
            // Nothing is awaited between this word and the silence.
            idle.send(()).expect("somebody counts");
            while matches!(inside.reader.read(&mut [0]).await, Ok(1..)) {}
        })
    }
}

async fn take(reader: &mut dyn StreamReader) {
    let (mut buffer, mut left) = (vec![0; 16 << 10], USED_BYTES);
    while left > 0 {
        left -= match reader.read(&mut buffer).await {
            Ok(read @ 1..) => read,
            _ => panic!("cut off"),
        };
    }
}

/// Opens channels and keeps them until the standard input ends.
async fn hold(url: &str, count: usize, used: bool) {
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let (config, settings) = (end(&world), settings(url, count));
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let outside = TcpTransport.connect_stream(&settings).await;
        let outside = outside.expect("connects; is `ulimit -n` above the number of channels?");
        let open = connect(&config, outside, &world, WITHIN).await;
        let mut open = open.expect("is accepted");
        if used {
            let sent = open.connection.writer.write_all(&vec![7; USED_BYTES]).await;
            sent.expect("is sent");
            take(&mut *open.connection.reader).await;
        }
        held.push(open);
    }
    let waited = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    waited.await.expect("waits").expect("reads");
}

/// Bytes.
struct Memory {
    allocated: usize,
    resident: usize,
}

impl Memory {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let resident = status.lines().find_map(|line| {
            let kib = line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?;
            kib.parse::<usize>().ok()
        });
        Self {
            allocated: ALLOCATED.allocated(),
            resident: resident.expect("VmRSS in KiB") * 1024,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            allocated: self.allocated.saturating_sub(before.allocated),
            resident: self.resident.saturating_sub(before.resident),
        }
    }

    fn per(&self, count: usize) -> Self {
        Self {
            allocated: self.allocated / count,
            resident: self.resident / count,
        }
    }
}
