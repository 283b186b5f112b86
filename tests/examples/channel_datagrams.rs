//! One end of a channel on UDP, for peers in other languages:
//! `channel_datagrams serve|connect ADDRESS SUITE…`.
//!
//! `serve` prints its URL and sends back what it receives, to whoever comes. `connect` sends each
//! line of its input, prints the one that comes back, and closes the channel at its input's end.
//! Both end with their input. Identities are made anew, and anybody is accepted.

#![expect(clippy::print_stdout, reason = "it is what the other end's test reads")]

use std::error::Error;
use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::registry::Resolver;
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::transport::{Datagrams, Transport, TransportLimits, TransportSettings};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_session::datagram::{Channel, Limits, Node};
use pqfw_session::{ChannelError, Config, Identity, InsecureAnybody};
use pqfw_udp::UdpTransport;
use tokio::sync::mpsc;

type Failure = Box<dyn Error + Send + Sync>;

/// How long the other end may take to answer.
const WITHIN: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [role, address, suites @ ..] = &args[..] else {
        return Err("usage: channel_datagrams serve|connect ADDRESS SUITE…".into());
    };
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let config = Arc::new(config(suites, &*world)?);
    match role.as_str() {
        "serve" => serve(config, address, world).await,
        "connect" => connect(config, address, world).await,
        _ => Err(format!("{role} is neither serve nor connect").into()),
    }
}

fn config(names: &[String], world: &dyn World) -> Result<Config, Failure> {
    let registry = pqfw::registry().build()?;
    let (mut gate, mut rng) = (world.rng(), world.rng());
    let mut resolver = Resolver::new(&registry, &mut *gate, &[], &[], "2026-01-01");
    let (mut suites, mut identities): (Vec<Suite>, Vec<Identity>) = (Vec::new(), Vec::new());
    for name in names {
        let mut parts = name.split('/').map(|part| vec![part.to_owned()]);
        let mut part = || parts.next().ok_or("a suite is KEM/SIGNATURE/AEAD/KDF");
        let names = SuiteNames {
            kem: part()?,
            signature: part()?,
            aead: part()?,
            kdf: part()?,
        };
        let suite = Suite::resolve(&names, &mut resolver)?;
        let algorithm = &suite.signature.info().id;
        if identities
            .iter()
            .all(|known| known.algorithm() != algorithm)
        {
            let key = suite.signature.generate(&mut *rng)?;
            identities.push(Identity::new(key, &suite.digest)?);
        }
        suites.push(suite);
    }
    let (protocol, policy) = ("chat/1".into(), "none".into());
    let anybody = Arc::new(InsecureAnybody);
    Ok(Config::new(protocol, policy, suites, identities, anybody)?)
}

async fn bind(listen: &str) -> Result<Arc<dyn Datagrams>, Failure> {
    let settings = TransportSettings {
        listen: listen.into(),
        connect: String::new(),
        limits: TransportLimits {
            body_bytes: 0,
            header_bytes: 0,
            connections: 0,
            idle_secs: 0,
            request_secs: 0,
            per_ip_per_minute: 0,
        },
        tls: None,
    };
    Ok(UdpTransport.bind_datagrams(&settings).await?)
}

async fn serve(config: Arc<Config>, listen: &str, world: Arc<dyn World>) -> Result<(), Failure> {
    let socket = bind(listen).await?;
    println!("{}", socket.url());
    let (node, driver) = Node::new(config, socket, world, Limits::default());
    tokio::spawn(driver);
    let mut lines = lines();
    loop {
        tokio::select! {
            opened = node.accept() => { tokio::spawn(send_back(opened?.channel)); }
            line = lines.recv() => if line.is_none() { return Ok(()) },
        }
    }
}

async fn send_back(channel: Channel) -> Result<(), ChannelError> {
    while let Some(data) = channel.receive().await? {
        channel.send(&data).await?;
    }
    println!("closed");
    Ok(())
}

async fn connect(config: Arc<Config>, peer: &str, world: Arc<dyn World>) -> Result<(), Failure> {
    let socket = bind("127.0.0.1:0").await?;
    let (node, driver) = Node::new(config, socket, world, Limits::initiator());
    tokio::spawn(driver);
    let opened = node.connect(peer.parse()?, WITHIN).await?;
    println!("{} {}", opened.suite, opened.peer);
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        opened.channel.send(line.as_bytes()).await?;
        let back = opened.channel.receive().await?;
        println!("{}", String::from_utf8_lossy(&back.unwrap_or_default()));
    }
    opened.channel.close().await?;
    Ok(())
}

/// The lines of the input, until it ends.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
