//! What was found, for people, for documents and for machines.

use serde_json::{Value, json};

use super::Found;
use super::axes::{AXES, Axis};
use super::cover::Row;
use super::trial::Outcome;
use crate::output::{Output, Tone};

fn verdict(outcome: &Outcome) -> (Tone, &'static str, &str) {
    match outcome {
        Outcome::Works => (Tone::Good, "works", ""),
        Outcome::Skipped => (
            Tone::Faint,
            "not run",
            "its signatures take long: --slow runs it",
        ),
        Outcome::Refused(why) => (Tone::Faint, "refused", why),
        Outcome::Failed(why) => (Tone::Bad, "FAILED", why),
    }
}

fn names(row: &Row, axes: &[Axis; AXES]) -> Vec<String> {
    let values = row
        .iter()
        .zip(axes)
        .filter_map(|(value, axis)| axis.values.get(*value));
    values.map(|value| value.name.clone()).collect()
}

fn summary(found: &Found) -> String {
    let failed = found.failed();
    let (worked, refused, skipped) = (found.worked, found.refused, found.skipped);
    format!("{worked} combinations work, {refused} are refused, {skipped} not run, {failed} failed")
}

pub(super) fn document(all: &[Found]) -> Value {
    let profile = |found: &Found| {
        let values = found
            .axes
            .iter()
            .zip(&found.alone)
            .flat_map(|(axis, outcomes)| {
                axis.values.iter().zip(outcomes).map(|(value, outcome)| {
                    let (_, verdict, why) = verdict(outcome);
                    json!({ "key": axis.key, "value": value.name, "verdict": verdict, "why": why })
                })
            });
        let others = found.others.iter().map(|(row, outcome)| {
            let (_, verdict, why) = verdict(outcome);
            json!({ "values": names(row, &found.axes), "verdict": verdict, "why": why })
        });
        json!({
            "profile": found.profile,
            "given": found.given,
            "works": found.worked,
            "refused": found.refused,
            "not_run": found.skipped,
            "failed": found.failed(),
            "values": values.collect::<Vec<_>>(),
            "combinations_that_do_not_work": others.collect::<Vec<_>>(),
        })
    };
    json!({ "profiles": all.iter().map(profile).collect::<Vec<_>>() })
}

pub(super) fn tables(all: &[Found], output: &Output) {
    for found in all {
        let title = output.paint(Tone::Strong, &found.profile);
        output.line(&format!(
            "{title}  {}: {}",
            found.given.join(" / "),
            summary(found)
        ));
        let mut rows = Vec::new();
        for (axis, outcomes) in found.axes.iter().zip(&found.alone) {
            for (value, outcome) in axis.values.iter().zip(outcomes) {
                let (tone, verdict, why) = verdict(outcome);
                rows.push(vec![
                    (Tone::Faint, axis.title.to_owned()),
                    (Tone::Plain, value.name.clone()),
                    (tone, verdict.to_owned()),
                    (Tone::Faint, why.to_owned()),
                ]);
            }
        }
        for (row, outcome) in &found.others {
            let (tone, verdict, why) = verdict(outcome);
            rows.push(vec![
                (Tone::Faint, "together".to_owned()),
                (Tone::Plain, names(row, &found.axes).join(" / ")),
                (tone, verdict.to_owned()),
                (Tone::Faint, why.to_owned()),
            ]);
        }
        output.table(&["LINE", "SAYS", "VERDICT", "WHY"], &rows);
        output.line("");
    }
}

/// One table for each axis: a row for each value, a column for each profile; and below, every reason.
pub(super) fn markdown(all: &[Found], output: &Output) {
    for found in all {
        output.line(&format!(
            "- `{}` ({}): {}",
            found.profile,
            found.given.join(", "),
            summary(found)
        ));
    }
    let mut reasons: Vec<String> = Vec::new();
    let mut cell = |outcome: &Outcome| match verdict(outcome) {
        (_, _, "") => "✓".to_owned(),
        _ if *outcome == Outcome::Skipped => "–".to_owned(),
        (_, _, why) => {
            let place = reasons.iter().position(|reason| reason == why);
            let number = place.unwrap_or_else(|| {
                reasons.push(why.to_owned());
                reasons.len() - 1
            });
            format!("[{}]", number + 1)
        }
    };
    let heads: Vec<_> = all.iter().map(|found| found.profile.as_str()).collect();
    for number in 0..AXES {
        let axes: Vec<_> = all
            .iter()
            .filter_map(|found| found.axes.get(number))
            .collect();
        let title = axes.first().map_or("", |axis| axis.title);
        output.line(&format!("\n| {title} | {} |", heads.join(" | ")));
        output.line(&format!("|---|{}", "---|".repeat(heads.len())));
        let mut values: Vec<&str> = Vec::new();
        for value in axes.iter().flat_map(|axis| &axis.values) {
            if !values.contains(&value.name.as_str()) {
                values.push(&value.name);
            }
        }
        for name in values {
            let cells: Vec<_> = all
                .iter()
                .map(|found| {
                    found
                        .alone_at(number, name)
                        .map_or(String::new(), &mut cell)
                })
                .collect();
            output.line(&format!("| `{name}` | {} |", cells.join(" | ")));
        }
    }
    output.line("");
    let together: Vec<_> = all
        .iter()
        .flat_map(|found| found.others.iter().map(move |other| (found, other)))
        .map(|(found, (row, outcome))| {
            format!(
                "- `{}` with {}: {}",
                found.profile,
                names(row, &found.axes).join(", "),
                cell(outcome)
            )
        })
        .collect();
    for (number, reason) in reasons.iter().enumerate() {
        output.line(&format!("{}. {reason}", number + 1));
    }
    if !together.is_empty() {
        output.line("\nTogether, though each works alone:\n");
        together.iter().for_each(|line| output.line(line));
    }
}
