//! `pqfw explain`: every candidate for a name, and what became of it.

use pqfw_framework::policy::Verdict;
use pqfw_framework::registry::{Decision, Explanation, Fate, OrderSource, Registry, Resolver};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::{Value, json};

use crate::args::Explain;
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::{compose, prefs};

/// One name of a profile or of the command line, explained or refused.
struct Answer {
    /// `kem`, `signature`, …, or nothing for a name from the command line.
    part: &'static str,
    name: String,
    explained: Result<Vec<Explanation>, String>,
}

pub(super) fn run(args: &Explain, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let (names, policies, prefer) = questions(args, registry)?;
    let policies = compose::policies(&policies, registry)?;
    let measured = prefs::load(registry, output)?;
    let world = OsWorld::new();
    let (mut rng, today) = (world.rng(), world.now().day());
    let mut resolver = Resolver::new(registry, &mut *rng, &policies, &prefer, &today);
    if let Some(measured) = &measured {
        resolver = resolver.measured(measured);
    }
    let mut answers = Vec::new();
    for (part, name) in names {
        let explained = match resolver.explain(&name) {
            // A name from the command line that means nothing is the caller's slip.
            Err(error) if part.is_empty() => return Err(error.into()),
            other => other.map_err(|error| error.to_string()),
        };
        answers.push(Answer {
            part,
            name,
            explained,
        });
    }
    let notes: Vec<_> = resolver
        .take_decisions()
        .iter()
        .filter(|decision| matches!(decision, Decision::Renamed { .. }))
        .filter_map(compose::describe)
        .collect();
    if output.json {
        let answers: Vec<_> = answers.iter().map(document).collect();
        output.document(&json!({ "answers": answers, "notes": notes }));
        return Ok(());
    }
    let asked: Vec<_> = policies.iter().map(|policy| policy.name.as_str()).collect();
    for answer in &answers {
        print(answer, &asked, output);
    }
    for note in &notes {
        output.line(&output.paint(Tone::Warning, &format!("note: {note}")));
    }
    Ok(())
}

type Questions = (Vec<(&'static str, String)>, Vec<String>, Vec<String>);

/// The names to explain, the policies over them and the wished order of providers.
fn questions(args: &Explain, registry: &Registry) -> Result<Questions, CliError> {
    let Some(profile) = &args.profile else {
        let name = args.algorithm.clone().unwrap_or_default();
        return Ok((vec![("", name)], args.policy.clone(), Vec::new()));
    };
    let (profile, _) = compose::resolve(profile, &args.set, registry)?;
    let parts = profile.suite_names().into_iter().flat_map(|suite| {
        [
            ("kem", suite.kem),
            ("signature", suite.signature),
            ("aead", suite.aead),
            ("kdf", suite.kdf),
        ]
    });
    let names = parts.flat_map(|(part, names)| names.into_iter().map(move |name| (part, name)));
    let policies = if args.policy.is_empty() {
        profile.common.policy.0.clone()
    } else {
        args.policy.clone()
    };
    let prefer = profile.common.providers.prefer.clone();
    Ok((names.collect(), policies, prefer))
}

fn order(source: OrderSource) -> &'static str {
    match source {
        OrderSource::Pinned => "the name pins it",
        OrderSource::Profile => "providers.prefer of the profile",
        OrderSource::Measured => "prefs.lock, as measured on this machine",
        OrderSource::BuiltIn => "the catalogue's own",
    }
}

/// The fate's word, its reason and its tone.
fn fate(fate: &Fate) -> (&'static str, String, Tone) {
    match fate {
        Fate::Chosen => ("chosen", String::new(), Tone::Good),
        Fate::InReserve => (
            "in reserve",
            "takes over if those before it fail".into(),
            Tone::Plain,
        ),
        Fate::ClaimsLess => (
            "barred",
            "claims less than the first, so it may not take its place".into(),
            Tone::Warning,
        ),
        Fate::Quarantined(reason) => ("quarantined", reason.to_string(), Tone::Bad),
        Fate::NotInThisBuild => (
            "not in this build",
            "add its crate or the cargo feature of its name".into(),
            Tone::Faint,
        ),
    }
}

fn verdict(verdict: &Verdict) -> (&'static str, &str, Tone) {
    match verdict {
        Verdict::Allowed => ("allowed", "", Tone::Good),
        Verdict::Warned(why) => ("allowed with a warning", why, Tone::Warning),
        Verdict::Denied(why) => ("refused", why, Tone::Bad),
    }
}

fn document(answer: &Answer) -> Value {
    let explained = match &answer.explained {
        Err(error) => {
            return json!({ "part": answer.part, "name": answer.name, "error": error });
        }
        Ok(explained) => explained,
    };
    let algorithms: Vec<_> = explained
        .iter()
        .map(|one| {
            let (word, why, _) = verdict(&one.verdict);
            let candidates: Vec<_> = one
                .candidates
                .iter()
                .map(|candidate| {
                    let (word, why, _) = fate(&candidate.fate);
                    let provider = candidate.provider.as_ref();
                    json!({
                        "provider": candidate.name,
                        "version": provider.map(|provider| &provider.version),
                        "constant_time": provider.map(|one| one.constant_time.to_string()),
                        "fate": word,
                        "reason": why,
                    })
                })
                .collect();
            json!({
                "algorithm": one.info.id,
                "policy": { "verdict": word, "reason": why },
                "order": order(one.order),
                "candidates": candidates,
            })
        })
        .collect();
    json!({ "part": answer.part, "name": answer.name, "algorithms": algorithms })
}

fn print(answer: &Answer, policies: &[&str], output: &Output) {
    let title = match answer.part {
        "" => answer.name.clone(),
        part => format!("{part} = {:?}", answer.name),
    };
    output.line(&output.paint(Tone::Strong, &title));
    let explained = match &answer.explained {
        Err(error) => return output.line(&output.paint(Tone::Bad, &format!("  {error}"))),
        Ok(explained) => explained,
    };
    if let Some(first) = explained.first() {
        let (word, why, tone) = verdict(&first.verdict);
        let text = match (policies, why) {
            ([], _) => output.paint(Tone::Faint, "none asked; add --policy NAME"),
            (asked, "") => format!("{}: {}", asked.join(", "), output.paint(tone, word)),
            (_, why) => format!("{}: {why}", output.paint(tone, word)),
        };
        output.line(&format!("  policy  {text}"));
    }
    for one in explained {
        let heading = format!("  {}, order: {}", one.info.id, order(one.order));
        output.line(&output.paint(Tone::Faint, &heading));
        if one.candidates.is_empty() {
            output.line(&output.paint(Tone::Bad, "    no provider has code for it"));
        }
        for (index, candidate) in one.candidates.iter().enumerate() {
            let (word, why, tone) = fate(&candidate.fate);
            let claim = candidate.provider.as_ref().map_or_else(String::new, |one| {
                format!("{}, constant time {}", one.version, one.constant_time)
            });
            let place = match candidate.provider {
                Some(_) => format!("{}.", index + 1),
                None => "-".into(),
            };
            let text = [why, claim].into_iter().filter(|text| !text.is_empty());
            let text = text.collect::<Vec<_>>().join("; ");
            output.line(&format!(
                "    {place:<2} {:<12} {} {}",
                candidate.name,
                output.paint(tone, &format!("{word:<18}")),
                output.paint(Tone::Faint, &text)
            ));
        }
    }
}
