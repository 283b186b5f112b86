//! ML-KEM-768 encapsulations, for counting instructions: `encapsulate direct|registry COUNT`.
//!
//! `direct` calls aws-lc-rs, `registry` goes through profile names, admission and handles once and
//! through the trait each time. Both encapsulate to the same public key.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

use std::hint::black_box;

use aws_lc_rs::kem::{EncapsulationKey, ML_KEM_768};
use pqfw_framework::catalogue::Kat;
use pqfw_framework::registry::Resolver;
use pqfw_framework::world::World;

fn main() {
    let mut args = std::env::args().skip(1);
    let way = args.next().unwrap_or_default();
    let count: u32 = args
        .next()
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let registry = pqfw::registry()
        .build()
        .expect("the built-in plugins fit together");
    let row = registry.find("ML-KEM-768").expect("ML-KEM-768 is built in");
    let answers = Kat::parse(&row.known_answers).expect("its known answers parse");
    let public = answers.cases[0]
        .value("ek")
        .expect("they hold a public key");
    match way.as_str() {
        "direct" => {
            let key = EncapsulationKey::new(&ML_KEM_768, public).expect("a valid key");
            for _ in 0..count {
                black_box(key.encapsulate().expect("encapsulates"));
            }
        }
        "registry" => {
            let mut rng = pqfw_runtime::OsWorld::new().rng();
            let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
            let kem = resolver.kem("ML-KEM-768@aws-lc").expect("admitted");
            let key = kem.import_encapsulation_key(public).expect("a valid key");
            let mut rng = pqfw_runtime::OsWorld::new().rng();
            for _ in 0..count {
                black_box(kem.encapsulate(&key, &mut *rng).expect("encapsulates"));
            }
        }
        _ => eprintln!("usage: encapsulate direct|registry COUNT"),
    }
}
