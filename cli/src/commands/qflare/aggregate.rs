//! `pqfw qflare aggregate`: the end of a round on files, the way a server takes. Models go to blobs
//! one by one and are read from there in pieces, so that memory does not grow with their number.

use std::path::Path;
use std::sync::Arc;

use pqfw_framework::blobs::Blobs;
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::registry::Registry;
use pqfw_framework::world::World;
use pqfw_qflare::aggregate::{Candidate, Limits, Outcome, Recipe, Rejection, Verdict, aggregate};
use pqfw_qflare::model::{FormatError, Layout, Model, ModelLimits, StoredModel, read, read_raw};
use pqfw_runtime::OsWorld;
use serde_json::json;

use crate::args::qflare::{Aggregate, Update};
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

/// The verdict on one update, in words.
struct Row<'a> {
    update: &'a Update,
    verdict: &'static str,
    why: Option<String>,
}

pub(super) fn run(args: &Aggregate, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let sha256 = super::super::resolve(registry, output, |resolver| resolver.hash("SHA-256"))?;
    let recipe = Recipe {
        rule: args.rule,
        clip: args.clip,
    };
    recipe.check()?;
    let base = read(files::read(&args.base)?.expose(), &ModelLimits::default())
        .map_err(|error| CliError::from(error).during(args.base.display()))?;
    let directory = tempfile::tempdir().map_err(CliError::operation)?;
    let blobs = pqfw_store::open_blobs("sqlite:round", directory.path())?;

    let mut kept = Vec::new();
    let mut rows = Vec::new();
    for update in &args.updates {
        match keep(&update.file, base.layout(), &blobs, &sha256)? {
            Ok(stored) => kept.push((update, stored)),
            Err(refusal) => rows.push(Row {
                update,
                verdict: "rejected",
                why: Some(refusal.to_string()),
            }),
        }
    }
    let candidates: Vec<_> = kept
        .iter()
        .map(|(update, stored)| Candidate {
            device: &update.device,
            examples: update.examples,
            weights: stored,
        })
        .collect();
    let limits = Limits {
        memory_bytes: args.memory.saturating_mul(1 << 20),
        ..Limits::default()
    };
    let world = OsWorld::new();
    let began = world.now().since_start;
    let bar = output.progress(0);
    let outcome = aggregate(
        base.values(),
        &candidates,
        &recipe,
        &limits,
        &mut |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
        },
    );
    bar.finish_and_clear();
    let elapsed = world.now().since_start.saturating_sub(began);
    let Outcome { weights, judged } = outcome?;
    let next = base.with_values(weights)?;

    for (update, _) in &kept {
        let judged = judged.iter().find(|judged| judged.device == update.device);
        if let Some(judged) = judged {
            let (verdict, why) = words(judged.verdict);
            rows.push(Row {
                update,
                verdict,
                why,
            });
        }
    }
    rows.sort_by(|a, b| a.update.device.cmp(&b.update.device));
    if let Some(path) = &args.out {
        files::write(output, path, &next.to_safetensors())?;
    }
    let hash: String = next
        .hash(&sha256)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let millis = elapsed.as_secs_f64() * 1000.0;
    if output.json {
        let updates = rows.iter().map(|row| {
            json!({
                "device": row.update.device,
                "examples": row.update.examples,
                "verdict": row.verdict,
                "why": row.why,
            })
        });
        output.document(&json!({
            "rule": args.rule.to_string(),
            "clip": args.clip.to_string(),
            "values": next.values().len(),
            "sha256": hash,
            "milliseconds": millis,
            "updates": updates.collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let table: Vec<_> = rows.iter().map(cells).collect();
    output.table(&["DEVICE", "EXAMPLES", "VERDICT", "WHY"], &table);
    let values = next.values().len();
    output.line(&format!(
        "{} of {values} values: {hash} ({millis:.1} ms)",
        args.rule
    ));
    Ok(())
}

/// Reads an update and keeps it, or says why it is none.
fn keep(
    file: &Path,
    base: &Layout,
    blobs: &Arc<dyn Blobs>,
    sha256: &AdmittedHash,
) -> Result<Result<StoredModel, FormatError>, CliError> {
    let bytes = files::read(file)?;
    match model(bytes.expose(), base) {
        Ok(model) => Ok(Ok(StoredModel::keep(&model, blobs, sha256)?)),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// A model with the names and shapes of the base. What is of no other format can only be its values.
fn model(bytes: &[u8], base: &Layout) -> Result<Model, FormatError> {
    let model = match read(bytes, &ModelLimits::default()) {
        Err(FormatError::Malformed {
            format: "model", ..
        }) => read_raw(bytes, base)?,
        other => other?,
    };
    model.check_layout(base)?;
    Ok(model)
}

fn words(verdict: Verdict) -> (&'static str, Option<String>) {
    match verdict {
        Verdict::Used { clipped: false } => ("used", None),
        Verdict::Used { clipped: true } => ("used", Some("clipped".to_owned())),
        Verdict::NotSelected => ("not selected", None),
        Verdict::Rejected(rejection) => {
            let why = match rejection {
                Rejection::Length { found } => format!("it has {found} values"),
                Rejection::NotFinite => "a value is not finite".to_owned(),
                Rejection::Examples { found } => format!("nobody has {found} examples"),
            };
            ("rejected", Some(why))
        }
    }
}

fn cells(row: &Row<'_>) -> Vec<(Tone, String)> {
    let tone = match row.verdict {
        "used" => Tone::Good,
        "rejected" => Tone::Bad,
        _ => Tone::Plain,
    };
    vec![
        (Tone::Strong, row.update.device.clone()),
        (Tone::Plain, row.update.examples.to_string()),
        (tone, row.verdict.to_owned()),
        (Tone::Faint, row.why.clone().unwrap_or_default()),
    ]
}
