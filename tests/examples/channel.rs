//! Handshakes and bulk of the channel and of rustls, for counting instructions:
//! `channel handshake|bulk pqfw|bare|certificates ML-DSA-65|ECDSA-P256 COUNT`.
//!
//! It does what `benches/channel` measures in time; `tests/callgrind/channel.sh` counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement that cannot go on may end"
)]

#[path = "../benches/channel/ours.rs"]
mod ours;
#[path = "../benches/channel/pair.rs"]
mod pair;
#[path = "../benches/channel/peer.rs"]
mod peer;
#[path = "../benches/channel/suite.rs"]
mod suite;

use ours::Ours;
use peer::Peer;
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ML_DSA_65};
use tokio::runtime::Builder;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, side, signature, count] = arguments.as_slice() else {
        return usage();
    };
    let algorithm = match signature.as_str() {
        "ML-DSA-65" => &PKCS_ML_DSA_65,
        "ECDSA-P256" => &PKCS_ECDSA_P256_SHA256,
        _ => return usage(),
    };
    let peer = match side.as_str() {
        "pqfw" => None,
        "bare" => Some(Peer::with_bare_keys(algorithm)),
        "certificates" => Some(Peer::with_certificates(algorithm)),
        _ => return usage(),
    };
    let count: u32 = count.parse().expect("a count");
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        // Both sides are made, so that they differ in what is counted alone.
        let registry = pqfw::registry().build().expect("the plugins fit together");
        let suite = format!("X25519+ML-KEM-768/{signature}/AES-256-GCM/HKDF-SHA384");
        let ours = Ours::of(&registry, &suite);
        match (work.as_str(), peer) {
            ("handshake", None) => {
                for _ in 0..count {
                    ours.in_memory().await;
                }
            }
            ("handshake", Some(peer)) => {
                for _ in 0..count {
                    peer.in_memory().await;
                }
            }
            ("bulk", None) => {
                let mut ends = ours.over_tcp().await;
                for _ in 0..count {
                    ours::bulk(&mut ends).await;
                }
            }
            ("bulk", Some(peer)) => {
                let mut ends = peer.over_tcp().await;
                for _ in 0..count {
                    peer::bulk(&mut ends).await;
                }
            }
            _ => usage(),
        }
    });
}

fn usage() {
    eprintln!("usage: channel handshake|bulk pqfw|bare|certificates ML-DSA-65|ECDSA-P256 COUNT");
}
