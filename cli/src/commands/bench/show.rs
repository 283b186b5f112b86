//! Figures as a table, a bar chart on a terminal, or JSON.

use serde_json::{Map, Value, json};

use super::{Comparison, Figures};
use crate::output::{Output, Tone};

/// The longest bar, in characters.
const BAR: u64 = 40;

pub(super) fn show(comparisons: &[Comparison<'_>], output: &Output) {
    if output.json {
        output.document(&comparisons.iter().map(document).collect());
        return;
    }
    for (index, comparison) in comparisons.iter().enumerate() {
        if index > 0 {
            output.line("");
        }
        table(comparison, output);
    }
}

fn table(comparison: &Comparison<'_>, output: &Output) {
    let operations = comparison.providers.first().map(|one| &one.operations[..]);
    let operations = operations.unwrap_or_default();
    let mut headings = vec![comparison.id.to_owned(), "CONSTANT TIME".into()];
    headings.extend(operations.iter().map(|(name, _)| format!("{name} µs")));
    headings.push("TOTAL".into());
    let longest = comparison.providers.iter().map(Figures::total).max();
    let longest = longest.unwrap_or(1).max(1);
    if output.is_terminal() {
        headings.push(String::new());
    }
    let rows: Vec<_> = comparison
        .providers
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let provider = one.entry.provider();
            let mark = if index == 0 { "*" } else { "" };
            let mut row = vec![
                (Tone::Strong, format!("{}{mark}", provider.name)),
                (Tone::Plain, provider.constant_time.to_string()),
            ];
            let cell = |nanos| (Tone::Plain, micros(nanos));
            row.extend(one.operations.iter().map(|(_, nanos)| cell(*nanos)));
            row.push(cell(one.total()));
            if output.is_terminal() {
                let width = (one.total() * BAR).div_ceil(longest).clamp(1, BAR);
                let width = usize::try_from(width).unwrap_or(1);
                row.push((Tone::Good, "█".repeat(width)));
            }
            row
        })
        .collect();
    let headings: Vec<_> = headings.iter().map(String::as_str).collect();
    output.table(&headings, &rows);
    if comparison.providers.len() > 1 {
        let (tone, text) = judgement(comparison);
        output.line(&output.paint(tone, &text));
    }
}

/// Whether the default is the fastest of those that claim no less.
fn judgement(comparison: &Comparison<'_>) -> (Tone, String) {
    let (Some(default), Some(fastest)) = (comparison.providers.first(), comparison.fastest())
    else {
        return (Tone::Faint, String::new());
    };
    let (default, fastest_name) = (
        &default.entry.provider().name,
        &fastest.entry.provider().name,
    );
    if default == fastest_name {
        let text = "is the default and the fastest whose constant-time claim is no weaker";
        (Tone::Good, format!("{default} {text}"))
    } else {
        let text = "was faster here and claims no less; `pqfw bench --pin` prefers it";
        (Tone::Warning, format!("{fastest_name} {text}"))
    }
}

/// Three significant digits, in microseconds.
fn micros(nanos: u64) -> String {
    let (whole, thousandths) = (nanos / 1000, nanos % 1000);
    match whole {
        0 => format!("0.{thousandths:03}"),
        1..10 => format!("{whole}.{:02}", thousandths / 10),
        10..100 => format!("{whole}.{}", thousandths / 100),
        _ => whole.to_string(),
    }
}

fn document(comparison: &Comparison<'_>) -> Value {
    let fastest = comparison.fastest();
    let providers: Vec<_> = comparison
        .providers
        .iter()
        .enumerate()
        .map(|(index, one)| {
            let provider = one.entry.provider();
            let operations: Map<_, _> = one
                .operations
                .iter()
                .map(|(name, nanos)| ((*name).into(), (*nanos).into()))
                .collect();
            json!({
                "provider": provider.name,
                "version": provider.version,
                "default": index == 0,
                "constant_time": provider.constant_time.to_string(),
                "median_nanos": operations,
                "total_nanos": one.total(),
            })
        })
        .collect();
    json!({
        "id": comparison.id,
        "providers": providers,
        "fastest_with_no_weaker_claim": fastest.map(|one| &one.entry.provider().name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        assert_eq!(micros(7), "0.007");
        assert_eq!(micros(1_234), "1.23");
        assert_eq!(micros(45_678), "45.6");
        assert_eq!(micros(123_456_789), "123456");
    }
}
