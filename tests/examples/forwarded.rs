//! What forwarded connections cost: `forwarded TARGET [--runs N] [--mib N] NAME=ADDRESS...`.
//!
//! Listens on TARGET, where every forwarder leads to, and measures through each ADDRESS in turn, so
//! that what else the machine does falls on all alike. `tests/benches/forward.sh` starts the
//! forwarders.
//!
//! ```text
//! client ── u64 length ‖ bytes ──▶ forwarder ──▶ target
//!        ◀───────────────── 1 ──────────────────       when it has them all
//! ```
//!
//! Throughput is the time of one connection with many bytes, a connection's latency that of one
//! with a single byte, each from connecting to the answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on may end, and prints what it found"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;

/// Connections of a single byte in each run.
const SHORT: usize = 20;

const CHUNK: usize = 64 << 10;

struct Way {
    name: String,
    address: String,
    seconds: Vec<f64>,
    latencies: Vec<f64>,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().expect("TARGET");
    let (mut runs, mut mib, mut ways) = (5, 256, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|n| n.parse().ok());
        match argument.as_str() {
            "--runs" => runs = number().expect("a number of runs"),
            "--mib" => mib = number().expect("a number of MiB"),
            way => {
                let (name, address) = way.split_once('=').expect("NAME=ADDRESS");
                ways.push(Way {
                    name: name.into(),
                    address: address.into(),
                    seconds: Vec::new(),
                    latencies: Vec::new(),
                });
            }
        }
    }
    let listener = TcpListener::bind(target).expect("TARGET is free");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("accepts");
            std::thread::spawn(move || swallow(stream));
        }
    });

    let world = OsWorld::new();
    for way in &mut ways {
        // Whatever a forwarder does once is not measured.
        time(&world, &way.address, 1);
    }
    for _ in 0..runs {
        for way in &mut ways {
            let bytes = u64::try_from(mib << 20).expect("fits");
            way.seconds.push(time(&world, &way.address, bytes));
            let latency = |_| time(&world, &way.address, 1);
            way.latencies.extend((0..SHORT).map(latency));
        }
    }
    println!("{runs} runs of {mib} MiB, and of {SHORT} connections: min / median / max");
    println!("{:<12} {:>22} {:>24}", "", "MiB/s", "connection, ms");
    for way in ways {
        let size = f64::from(u32::try_from(mib).expect("fits"));
        let rates = way.seconds.iter().map(|seconds| size / seconds);
        let latencies = way.latencies.iter().map(|seconds| 1000.0 * seconds);
        let [least, middle, most] = spread(rates.collect());
        let [soonest, usual, latest] = spread(latencies.collect());
        println!(
            "{:<12} {least:>6.0} / {middle:>5.0} / {most:>5.0} {soonest:>8.2} / {usual:>5.2} / {latest:>5.2}",
            way.name
        );
    }
}

/// One connection that carries so many bytes: seconds from its beginning to the answer.
fn time(world: &OsWorld, address: &str, bytes: u64) -> f64 {
    let begin = world.now().since_start;
    let mut stream = TcpStream::connect(address).expect("a forwarder listens");
    stream.set_nodelay(true).expect("sends at once");
    let limit = Some(Duration::from_secs(120));
    stream.set_read_timeout(limit).expect("has a limit");
    let chunk = [7; CHUNK];
    let mut said = bytes.to_be_bytes().to_vec();
    let mut left = usize::try_from(bytes).expect("fits");
    // The first bytes go with the length: a short connection is one write.
    while left > 0 {
        let now = left.min(CHUNK);
        said.extend_from_slice(&chunk[..now]);
        stream.write_all(&said).expect("is forwarded");
        said.clear();
        left -= now;
    }
    let mut answer = [0; 1];
    stream.read_exact(&mut answer).expect("is answered");
    (world.now().since_start - begin).as_secs_f64()
}

/// The target: reads what was announced, and says when it is there.
fn swallow(mut stream: TcpStream) {
    let mut length = [0; 8];
    // A forwarder that only looked whether somebody listens says nothing.
    if stream.read_exact(&mut length).is_err() {
        return;
    }
    let mut left = u64::from_be_bytes(length);
    let mut buffer = vec![0; CHUNK];
    while left > 0 {
        let read = stream.read(&mut buffer).expect("reads");
        assert_ne!(read, 0, "cut off");
        left -= u64::try_from(read).expect("fits");
    }
    stream.write_all(&[1]).expect("answers");
}

/// Least, median and most.
fn spread(mut of: Vec<f64>) -> [f64; 3] {
    of.sort_by(f64::total_cmp);
    [of[0], of[of.len() / 2], of[of.len() - 1]]
}
