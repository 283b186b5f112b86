//! A node under a flood: `flood [SECONDS]`, over UDP on loopback, in four processes (Linux).
//!
//! This process is the node under attack. A peer sends it numbered packets at 300 Mb/s, or at half of
//! that and so on until less than 1 % is lost without any attack; then somebody sends it S0 and
//! fragments of S1 from many addresses, as fast as one core makes them, for SECONDS (default 10); and
//! meanwhile somebody else, who is honest, wants a handshake. Printed are rates, losses, memory and the
//! handshake's time. The program fails when memory grows by more than 8 MiB, 1 % more is lost than
//! before, or the handshake takes longer than 5 s.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on may end, and prints what it found"
)]

#[path = "../tests/node/people.rs"]
mod people;
#[path = "../tests/driver/sockets.rs"]
#[allow(dead_code, reason = "the tests of the driver use the rest")]
mod sockets;

use std::io::{BufRead, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::rand_core::Rng;
use pqfw_framework::transport::{DatagramBatch, Datagrams, Packet, Transport};
use pqfw_framework::world::World;
use pqfw_pqvpn::driver::{Carrier, Handle, Workers, start};
use pqfw_pqvpn::node::{Config, Event};
use pqfw_pqvpn::plane::Taken;
use pqfw_pqvpn::trust::{TrustList, TrustMode};
use pqfw_pqvpn::wire::{ControlHead, Hello, Kind};
use pqfw_pqvpn::{PeerId, RecordTerms};
use pqfw_runtime::OsWorld;
use pqfw_udp::UdpTransport;

use rustix::thread::{CpuSet, sched_setaffinity};

use people::{CHEAP, HYBRID, rng, shared, suite, suites};
use sockets::{address, settings};

const SECOND: Duration = Duration::from_secs(1);
const MEGABITS: [u64; 6] = [300, 150, 75, 40, 20, 10];
const PACKET: u16 = 1200;
const MOST_GROWTH_KIB: u64 = 8 << 10;
/// In percent.
const MOST_EXTRA_LOSS: f64 = 1.0;
const MOST_HANDSHAKE: Duration = Duration::from_secs(5);
const NODE: u64 = 0;
const PEER: u64 = 1;
const NEWCOMER: u64 = 2;
/// How many addresses the flood comes from, and how many frames it has of each kind.
const ADDRESSES: u8 = 16;
const FRAMES: u32 = 256;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = match arguments[..] {
        ["peer", url] => runtime.block_on(talk(url)),
        ["newcomer", url] => runtime.block_on(meet(url)),
        ["spoof", url] => runtime.block_on(spoof(url)),
        [] => runtime.block_on(suffer(10)),
        [secs] => runtime.block_on(suffer(secs.parse().expect("seconds"))),
        _ => panic!("flood [SECONDS]"),
    };
    if !ended {
        std::process::exit(1);
    }
}

async fn node(seed: u64) -> Handle {
    let own = shared(seed, HYBRID);
    let terms = RecordTerms {
        expires_unix_secs: 4_102_444_800,
        ..RecordTerms::default()
    };
    let record = own.record(terms, &mut rng(77)).expect("a record");
    let known = [NODE, PEER, NEWCOMER].map(|seed| (shared(seed, HYBRID).id(), None));
    let trust = Arc::new(TrustList::new(TrustMode::Pinned, known));
    let mut config = Config::new(suites(&[HYBRID]), own, record, trust);
    // As `pqfw run` has it: threads carry packets beside the node.
    (config.shards, config.carried) = (2, seed == NODE);
    let socket = socket("127.0.0.1:0").await;
    let workers = Workers {
        threads: 1,
        most_jobs: 64,
    };
    let (node, driver) = start(config, workers, socket, Arc::new(OsWorld::new())).expect("a node");
    tokio::spawn(driver);
    node
}

async fn socket(listen: &str) -> Arc<dyn Datagrams> {
    let socket = UdpTransport.bind_datagrams(&settings(listen)).await;
    socket.expect("loopback has addresses")
}

/// The peer: as many packets as are due at the rate that it is told, for ever.
async fn talk(url: &str) -> bool {
    let (node, to) = (node(PEER).await, shared(NODE, HYBRID).id());
    up(&node, url, to).await;
    let rate = Arc::new(AtomicU64::new(MEGABITS[0]));
    let told = rate.clone();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            told.store(line.parse().expect("megabits"), Ordering::Relaxed);
        }
    });
    let world = OsWorld::new();
    let (mut sent, mut last) = (0_u64, world.now().since_start);
    loop {
        let now = world.now().since_start;
        let per_second = rate.load(Ordering::Relaxed) * 1_000_000 / 8 / u64::from(PACKET);
        let due = (now - last).as_micros() as u64 * per_second / 1_000_000;
        if due > 0 {
            last = now;
        }
        // What could not be sent in time is not made up for.
        let packets = (sent..sent + due.min(128)).map(packet).collect();
        sent += due.min(128);
        // Shard 0 is the other node's own, the next is its data plane's.
        if node.send(to, 1, packets).await.is_err() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn packet(number: u64) -> Vec<u8> {
    let mut packet = vec![0; PACKET.into()];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&PACKET.to_be_bytes());
    packet[20..28].copy_from_slice(&number.to_be_bytes());
    packet
}

/// The newcomer: one handshake, and the milliseconds that it took.
async fn meet(url: &str) -> bool {
    let (node, to) = (node(NEWCOMER).await, shared(NODE, HYBRID).id());
    let world = OsWorld::new();
    let began = world.now().since_start;
    let met = tokio::time::timeout(4 * MOST_HANDSHAKE, up(&node, url, to)).await;
    let took = world.now().since_start - began;
    println!("{}", took.as_millis());
    met.is_ok()
}

async fn up(node: &Handle, url: &str, peer: PeerId) {
    node.connect("node", address(url), Some(peer))
        .expect("a wish");
    while !matches!(node.next().await, Some(Event::Up { .. })) {}
}

/// The flood: right S0s, and fragments of S1 under tokens that nobody gave.
async fn spoof(url: &str) -> bool {
    let (to, node) = (address(url), shared(NODE, HYBRID).id());
    let mut core = CpuSet::new();
    core.set(0);
    sched_setaffinity(None, &core).expect("there is a first core");
    let mut chance = rng(9);
    let mut s0 = Vec::new();
    let mut s1 = Vec::new();
    for number in 0..FRAMES {
        let head = |kind, fragments| ControlHead {
            kind,
            sender: number << 4,
            receiver: 0,
            fragment: 0,
            fragments,
        };
        let hello = Hello {
            nonce: [number as u8; 32],
            offer: suites(&[HYBRID]).offer(),
        };
        let rest = hello.write();
        let opening = head(Kind::S0, 1).write(16 + rest.len());
        let cheap = suite(CHEAP);
        let key = cheap.digest.digest(&[b"pqvpn/2 mac1", &node.0]);
        // Extract of HKDF-SHA256 is HMAC-SHA256.
        let mac = cheap.kdf.extract(&key, &[&opening[..], &rest].concat());
        let mac = mac.expect("a MAC");
        s0.push([&opening[..], &mac.expose()[..16], &rest].concat());
        let mut body = vec![0; 1216];
        chance.fill_bytes(&mut body);
        // An epoch and an expiry that may be.
        body[32] = 1;
        body[33..37].copy_from_slice(&20_u32.to_be_bytes());
        s1.push([&head(Kind::S1, 11).write(body.len())[..], &body].concat());
    }
    let mut sockets = Vec::new();
    for last in 0..ADDRESSES {
        sockets.push(socket(&format!("127.0.1.{}:0", last + 1)).await);
    }
    let packets = |frames: &[Vec<u8>]| -> Vec<Packet> {
        let packet = |bytes: &Vec<u8>| Packet {
            peer: to,
            bytes: bytes.clone(),
        };
        frames.iter().map(packet).collect()
    };
    let batches: Vec<Vec<Packet>> = s0.chunks(32).chain(s1.chunks(32)).map(packets).collect();
    loop {
        for batch in &batches {
            for socket in &sockets {
                if socket.send(batch).await.is_err() {
                    return false;
                }
            }
        }
    }
}

/// What arrived of the peer's packets since somebody looked.
#[derive(Default)]
struct Window {
    received: u64,
    first: Option<u64>,
    last: u64,
}

impl Window {
    /// In percent, of those between the first and the last that arrived.
    fn loss(&self) -> f64 {
        let sent = self.first.map_or(0, |first| self.last - first + 1);
        100.0 * (1.0 - self.received as f64 / sent.max(1) as f64)
    }

    fn megabits(&self, secs: u64) -> f64 {
        self.received as f64 * f64::from(PACKET) * 8.0 / secs as f64 / 1e6
    }
}

/// Opens what comes from the network, as the thread of a tunnel does, and counts packets.
fn carry(carrier: &Carrier, window: &Mutex<Window>) {
    let mut batch = DatagramBatch::default();
    while carrier.path.receive(&mut batch).expect("it is open") {
        let (mut heard, mut others) = (Vec::new(), Vec::new());
        let mut incoming = carrier.plane.incoming();
        let mut window = window.lock().unwrap();
        for (peer, datagram) in batch.datagrams_mut() {
            let (taken, told) = incoming.open(carrier.now(), peer, datagram);
            heard.extend(told);
            match taken {
                Taken::Packet(_, packet) => {
                    let number = u64::from_be_bytes(packet[20..28].try_into().unwrap());
                    window.received += 1;
                    window.first.get_or_insert(number);
                    window.last = window.last.max(number);
                }
                Taken::Other => others.push(Packet {
                    peer,
                    bytes: datagram.to_vec(),
                }),
                Taken::Nothing | Taken::Refused(_) => {}
            }
        }
        drop((incoming, window));
        carrier.tell(heard.into_iter(), others);
    }
}

async fn suffer(secs: u64) -> bool {
    let node = node(NODE).await;
    let window = Arc::new(Mutex::new(Window::default()));
    let listener = node.clone();
    tokio::spawn(async move { while listener.next().await.is_some() {} });
    let (carrier, seen) = (
        node.carrier().expect("UDP has a way for threads"),
        window.clone(),
    );
    std::thread::spawn(move || carry(&carrier, &seen));
    let look = || std::mem::take(&mut *window.lock().unwrap());
    let mut peer = child("peer", node.url());
    while look().received == 0 {
        tokio::time::sleep(SECOND / 10).await;
    }
    let mut ear = peer.stdin.take().expect("it listens");
    let mut quiet = Window::default();
    for rate in MEGABITS {
        writeln!(ear, "{rate}").expect("it listens");
        tokio::time::sleep(SECOND / 2).await;
        look();
        tokio::time::sleep(3 * SECOND).await;
        quiet = look();
        println!("without a flood {rate} Mb/s: {:.2} % lost", quiet.loss());
        if quiet.loss() < 1.0 {
            break;
        }
    }
    let (before, refused) = (resident_kib(), refused(&node));
    let began = node.counts().packets_received;
    let mut spoofer = child("spoof", node.url());
    tokio::time::sleep(SECOND).await;
    look();
    let url = node.url().to_owned();
    let newcomer = tokio::task::spawn_blocking(move || {
        let output = child("newcomer", &url).wait_with_output().expect("it ends");
        let took = String::from_utf8_lossy(&output.stdout).trim().parse();
        (output.status.success(), took.unwrap_or(u64::MAX))
    });
    tokio::time::sleep(SECOND * u32::try_from(secs).expect("seconds")).await;
    let loud = look();
    let after = resident_kib();
    let counts = node.counts();
    // The handshake may be late; the flood goes on until it has ended.
    let (met, took) = newcomer.await.expect("a thread");
    for child in [&mut spoofer, &mut peer] {
        child.kill().expect("it runs");
        child.wait().expect("it has run");
    }
    let growth = after.saturating_sub(before);
    let in_time = met && u128::from(took) <= MOST_HANDSHAKE.as_millis();
    let extra = loud.loss() - quiet.loss();
    println!(
        "traffic before: {:.0} Mb/s, {:.2} % lost",
        quiet.megabits(3),
        quiet.loss()
    );
    println!(
        "traffic during: {:.0} Mb/s, {:.2} % lost",
        loud.megabits(secs),
        loud.loss()
    );
    println!("extra loss:     {extra:.2} % (at most {MOST_EXTRA_LOSS})");
    let received = (counts.packets_received - began) / (secs + 1);
    let forged = (self::refused(&node) - refused) / (secs + 1);
    println!("datagrams:      {received} a second received, {forged} refused");
    println!(
        "memory:         {before} KiB before, {after} during, {growth} more (at most {MOST_GROWTH_KIB})"
    );
    println!(
        "a handshake:    {took} ms, done: {met} (at most {} ms)",
        MOST_HANDSHAKE.as_millis()
    );
    growth <= MOST_GROWTH_KIB && extra <= MOST_EXTRA_LOSS && in_time
}

fn refused(node: &Handle) -> u64 {
    let counts = node.counts();
    counts.refused.values().map(|refused| refused.count).sum()
}

fn child(role: &str, url: &str) -> Child {
    let program = std::env::current_exe().expect("has a path");
    let mut command = Command::new(program);
    command.args([role, url]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("this program runs again")
}

/// The resident memory of this process.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let mut words = line.expect("it is there").split_whitespace();
    words.nth(1).expect("a number").parse().expect("a number")
}
