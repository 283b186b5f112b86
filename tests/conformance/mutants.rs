//! Every mutant is killed.

use pqfw_framework::conformance::Tools;
use pqfw_framework::conformance::mutants::{examine, registry as mutants, specimens};

use crate::providers::{registry, rng};

#[test]
fn print() {
    let (registry, mut rng) = (registry(), rng());
    let tools = Tools::of(&registry, &mut rng);
    let mutants = mutants(&registry, &tools).unwrap();
    for (mutant, entry) in specimens(&mutants) {
        let Some(entry) = entry else {
            println!("absent {}", mutant.name);
            continue;
        };
        let t = std::time::Instant::now();
        let it = examine(mutant, &mutants, entry, &tools, None, &mut rng);
        println!(
            "{:<30} {:?} {:<9} {:<9} {:?}",
            mutant.name,
            t.elapsed(),
            it.admission.word(),
            it.round_trip.word(),
            it.killers
        );
    }
}
