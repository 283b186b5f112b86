//! `pqfw selftest`: the admission gate on demand, and whether providers agree with each other.

use pqfw_framework::registry::agreement::{Agreement, Disagreement, agree};
use pqfw_framework::registry::{Entry, GateError, Registry};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::{Value, json};

use crate::args::Selftest;
use crate::error::CliError;
use crate::output::{Output, Tone};

/// What was found of one algorithm.
struct Finding<'a> {
    id: &'a str,
    admissions: Vec<(&'a Entry, Result<(), GateError>)>,
    agreement: Result<Agreement, Disagreement>,
}

impl Finding<'_> {
    fn passed(&self) -> bool {
        let mut admissions = self.admissions.iter();
        admissions.all(|(_, outcome)| outcome.is_ok()) && self.agreement.is_ok()
    }
}

pub(super) fn run(args: &Selftest, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let ids: Vec<_> = match &args.algorithm {
        Some(name) => {
            let rows = registry.parts(name)?;
            rows.iter().map(|row| row.id.clone()).collect()
        }
        None => registry.rows().map(|row| row.id.clone()).collect(),
    };
    let ids: Vec<_> = ids
        .iter()
        .filter(|id| !registry.entries_of(id).is_empty())
        .collect();
    if ids.is_empty() {
        let what = "this build has no code for it; add a plugin that offers it";
        return Err(CliError::usage(what));
    }
    let bar = output.progress(ids.len());
    let mut rng = OsWorld::new().rng();
    let mut findings = Vec::new();
    for id in ids {
        bar.set_message(id.clone());
        let entries = registry.entries_of(id);
        let admissions: Vec<_> = entries
            .iter()
            .map(|entry| (entry, registry.admit(entry, &mut *rng)))
            .collect();
        let sound = admissions.iter().filter(|(_, outcome)| outcome.is_ok());
        let sound: Vec<_> = sound.map(|(entry, _)| *entry).collect();
        findings.push(Finding {
            id,
            agreement: agree(&sound, &mut *rng),
            admissions,
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    if output.json {
        output.document(&findings.iter().map(document).collect());
    } else {
        print(&findings, output);
    }
    let failed: Vec<_> = findings.iter().filter(|one| !one.passed()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|one| one.id).collect();
    Err(CliError::operation(format!(
        "selftest failed: {}",
        names.join(", ")
    )))
}

fn document(finding: &Finding<'_>) -> Value {
    let providers: Vec<_> = finding
        .admissions
        .iter()
        .map(|(entry, outcome)| {
            json!({
                "provider": entry.provider().name,
                "selftest": if outcome.is_ok() { "pass" } else { "fail" },
                "failure": outcome.as_ref().err().map(ToString::to_string),
            })
        })
        .collect();
    let agreement = match &finding.agreement {
        Ok(agreement) => json!({
            "agreed": agreement.agreed,
            "impossible": agreement.impossible,
        }),
        Err(disagreement) => json!({ "disagreement": disagreement.to_string() }),
    };
    json!({ "id": finding.id, "providers": providers, "agreement": agreement })
}

fn print(findings: &[Finding<'_>], output: &Output) {
    let mut rows = Vec::new();
    for finding in findings {
        let (tone, agreement) = match &finding.agreement {
            Ok(one) if one.impossible.is_empty() => {
                (Tone::Good, format!("{} combinations agree", one.agreed))
            }
            Ok(one) => {
                let (agreed, impossible) = (one.agreed, one.impossible.len());
                let text = format!("{agreed} combinations agree, {impossible} cannot be made");
                (Tone::Good, text)
            }
            Err(disagreement) => (Tone::Bad, disagreement.to_string()),
        };
        for (index, (entry, outcome)) in finding.admissions.iter().enumerate() {
            let (gate_tone, gate) = match outcome {
                Ok(()) => (Tone::Good, "pass".to_owned()),
                Err(error) => (Tone::Bad, format!("fail: {error}")),
            };
            let agreement = if index == 0 { agreement.as_str() } else { "" };
            rows.push(vec![
                (Tone::Strong, finding.id.to_owned()),
                (Tone::Plain, entry.provider().name.clone()),
                (gate_tone, gate),
                (tone, agreement.to_owned()),
            ]);
        }
    }
    output.table(&["ALGORITHM", "PROVIDER", "SELFTEST", "AGREEMENT"], &rows);
}
