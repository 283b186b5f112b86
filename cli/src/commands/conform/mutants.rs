//! `pqfw conform --mutants`: what catches providers that are broken on purpose.

use pqfw_framework::conformance::Tools;
use pqfw_framework::conformance::mutants::{
    self, Examination, Fate, Mutant, VectorCheck, examine, specimens,
};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Registry;
use serde_json::json;

use super::{Quiet, progress};
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(super) fn run(
    registry: &Registry,
    tools: &Tools,
    rng: &mut dyn CryptoRng,
    vectors: Option<&VectorCheck<'_>>,
    output: &Output,
) -> Result<(), CliError> {
    let broken = mutants::registry(registry, tools)?;
    let specimens = specimens(&broken);
    let bar = progress(specimens.len());
    let quiet = Quiet::begin();
    let (mut matrix, mut absent) = (Vec::new(), Vec::new());
    for (mutant, entry) in specimens {
        bar.set_message(mutant.name);
        match entry {
            Some(entry) => matrix.push(examine(mutant, &broken, entry, tools, vectors, rng)),
            None => absent.push(mutant),
        }
        bar.inc(1);
    }
    drop(quiet);
    bar.finish_and_clear();
    if output.json {
        output.document(&document(&matrix, &absent));
    } else {
        print(&matrix, &absent, output);
    }
    let living: Vec<_> = matrix.iter().filter(|row| row.lives()).collect();
    if living.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = living.iter().map(|row| row.subject.as_str()).collect();
    let names = names.join(", ");
    Err(CliError::operation(format!("the kit lets live: {names}")))
}

fn print(matrix: &[Examination], absent: &[&Mutant], output: &Output) {
    let fate = |fate: Fate| {
        let tone = match fate {
            Fate::Killed => Tone::Good,
            Fate::Survived => Tone::Warning,
            Fate::NotTried => Tone::Faint,
        };
        (tone, fate.word().to_owned())
    };
    let rows: Vec<_> = matrix
        .iter()
        .map(|row| {
            let killers = match row.killers.as_slice() {
                [] => (Tone::Bad, "LIVES".to_owned()),
                [killers @ .., _, _] if killers.len() > 2 => {
                    let more = row.killers.len() - 3;
                    let named = row.killers[..3].join(", ");
                    (Tone::Plain, format!("{named} and {more} more"))
                }
                killers => (Tone::Plain, killers.join(", ")),
            };
            vec![
                (Tone::Strong, row.subject.clone()),
                fate(row.admission),
                fate(row.round_trip),
                fate(row.vectors),
                killers,
            ]
        })
        .collect();
    let headings = [
        "MUTANT",
        "ADMISSION",
        "ROUND TRIP",
        "VECTORS",
        "CONFORMANCE",
    ];
    output.table(&headings, &rows);
    let alone = matrix.iter().filter(|row| row.only_the_kit_kills()).count();
    let dead = matrix.iter().filter(|row| !row.lives()).count();
    let all = matrix.len();
    output.line(&format!(
        "{dead} of {all} mutants are killed by the kit, {alone} of them by nothing else"
    ));
    for mutant in absent {
        let text = format!(
            "not tried: {}: this build has no provider to break",
            mutant.name
        );
        output.line(&output.paint(Tone::Faint, &text));
    }
}

fn document(matrix: &[Examination], absent: &[&Mutant]) -> serde_json::Value {
    let rows = matrix.iter().map(|row| {
        json!({
            "name": row.mutant.name,
            "what": row.mutant.what,
            "subject": row.subject,
            "made_of": row.made_of,
            "admission": row.admission.word(),
            "round_trip": row.round_trip.word(),
            "vectors": row.vectors.word(),
            "killers": row.killers,
            "lives": row.lives(),
            "only_the_kit_kills": row.only_the_kit_kills(),
        })
    });
    let absent = absent.iter().map(|mutant| mutant.name);
    json!({
        "mutants": rows.collect::<Vec<_>>(),
        "not_tried": absent.collect::<Vec<_>>(),
    })
}
