//! Measures whether the time of decapsulation, or of opening, depends on what is secret:
//! `timing ALGORITHM[@PROVIDER] [RUNS]`, by hand, on a machine that does nothing else.
//!
//! `cargo run -p pqfw-tests --release --features timing --example timing -- ML-KEM-768@aws-lc`.
//! docs/guide/conformance.md says how to read what it prints.

use std::error::Error;
use std::time::Instant;

use pqfw_framework::catalogue::Kind;
use pqfw_framework::registry::Resolver;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_tests::timing::{Scenario, aead_scenarios, analyse, kem_scenarios};

/// Runs of each scenario, both classes together.
const RUNS: usize = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let name = args
        .next()
        .ok_or("usage: timing ALGORITHM[@PROVIDER] [RUNS]")?;
    let runs = args.next().map_or(Ok(RUNS), |runs| runs.parse())?;
    let registry = pqfw::registry().build()?;
    let kind = registry
        .find(name.split('@').next().unwrap_or(&name))?
        .kind();
    let mut rng = OsWorld::new().rng();
    let mut gate = OsWorld::new().rng();
    let mut resolver = Resolver::new(&registry, &mut *gate, &[], &[], "2026-01-01");
    let now = clock();
    let (full_name, scenarios) = match kind {
        Kind::Kem => {
            let kem = resolver.kem(&name)?;
            let full_name = format!("{}@{}", kem.info().id, kem.provider().name);
            (full_name, kem_scenarios(&kem, runs, &mut *rng, now)?)
        }
        Kind::Aead => {
            let aead = resolver.aead(&name)?;
            let full_name = format!("{}@{}", aead.info().id, aead.provider().name);
            (full_name, aead_scenarios(&aead, runs, &mut *rng, now)?)
        }
        _ => {
            return Err(
                format!("{name} is a {kind}: there are scenarios for KEMs and AEADs").into(),
            );
        }
    };
    println!("{full_name}, {runs} runs each; an indication, and no proof");
    for scenario in &scenarios {
        print(scenario);
    }
    Ok(())
}

/// Nanoseconds since it was made.
fn clock() -> impl FnMut() -> f64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a measurement needs a clock; the code that is measured is given none"
    )]
    let begin = Instant::now();
    move || begin.elapsed().as_secs_f64() * 1e9
}

fn print(scenario: &Scenario) {
    let found = analyse(&scenario.runs);
    let t = |t: Option<f64>| t.map_or_else(|| "-".to_owned(), |t| format!("{t:.2}"));
    println!("\n{}", scenario.name);
    println!(
        "  medians  {:.0} ns and {:.0} ns",
        found.medians.0, found.medians.1
    );
    println!(
        "  t        {} over all, {} at its farthest",
        t(found.whole),
        t(found.extreme)
    );
    println!("  {}", found.indication.text());
}
