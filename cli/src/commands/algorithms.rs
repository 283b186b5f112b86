//! `pqfw list-algorithms`.

use pqfw_framework::catalogue::{Kind, Sizes, Status};
use pqfw_framework::policy::{self, Policy, Verdict};
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Entry, Query, Registry};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::{Map, Value, json};

use crate::args::ListAlgorithms;
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(super) fn list(
    list: &ListAlgorithms,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let entries = chosen(list, registry)?;
    if list.selftest {
        selftest(&entries, registry, output);
    }
    let names: Vec<_> = policy::SHIPPED
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    let policies = crate::compose::policies(&names, registry)?;
    let today = OsWorld::new().now().day();
    if output.json {
        let rows = entries
            .iter()
            .map(|entry| row(entry, registry, &policies, &today));
        output.document(&rows.collect());
    } else {
        print(&entries, registry, output);
    }
    let failed: Vec<_> = entries
        .iter()
        .filter(|e| matches!(e.outcome(), Some(Err(_))))
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = failed.iter().map(|entry| entry.full_name()).collect();
    Err(CliError::operation(format!(
        "failed their admission: {}",
        names.join(", ")
    )))
}

fn chosen<'a>(list: &ListAlgorithms, registry: &'a Registry) -> Result<Vec<&'a Entry>, CliError> {
    let query: Query = list.query.as_deref().unwrap_or_default().parse()?;
    let kind = list
        .kind
        .as_deref()
        .map(str::parse::<Kind>)
        .transpose()
        .map_err(CliError::usage)?;
    let status = list.status.as_deref().map(str::parse::<Status>).transpose();
    let status = status.map_err(CliError::usage)?;
    let mut entries: Vec<_> = registry
        .entries()
        .filter(|entry| query.matches(entry.info()))
        .filter(|entry| kind.is_none_or(|kind| entry.info().kind() == kind))
        .filter(|entry| status.is_none_or(|status| entry.info().status == status))
        .filter(|entry| {
            list.min_category
                .is_none_or(|least| entry.info().category >= least)
        })
        .filter(|entry| {
            list.provider
                .as_ref()
                .is_none_or(|name| entry.provider().name == *name)
        })
        .collect();
    // Kinds in their order; within one, names as people count: 512 before 1024.
    entries.sort_by_key(|entry| (entry.info().kind(), natural(&entry.info().id)));
    Ok(entries)
}

/// Splits a name so that its numbers compare as numbers.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    for character in name.chars() {
        let Some((text, number)) = parts.last_mut() else {
            break;
        };
        match character.to_digit(10) {
            Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
            None if *number > 0 => parts.push((character.into(), 0)),
            None => text.push(character),
        }
    }
    parts
}

fn selftest(entries: &[&Entry], registry: &Registry, output: &Output) {
    let bar = output.progress(entries.len());
    let mut rng = OsWorld::new().rng();
    for entry in entries {
        bar.set_message(entry.full_name());
        // The outcome stays in the registry, where the listing reads it.
        let _ = registry.admit(entry, &mut *rng);
        bar.inc(1);
    }
    bar.finish_and_clear();
}

fn selftest_word(entry: &Entry) -> &'static str {
    match entry.outcome() {
        None => "skipped",
        Some(Ok(())) => "pass",
        Some(Err(_)) => "fail",
    }
}

/// Whether a profile that names the algorithm alone gets this provider.
fn is_default(entry: &Entry, registry: &Registry) -> bool {
    let usable = |e: &&Entry| !matches!(e.outcome(), Some(Err(_)));
    let first = registry.entries_of(&entry.info().id).iter().find(usable);
    first.is_some_and(|first| first.provider().name == entry.provider().name)
}

fn row(entry: &Entry, registry: &Registry, policies: &[Policy], today: &str) -> Value {
    let (info, provider) = (entry.info(), entry.provider());
    let sizes: Map<_, _> = info
        .sizes
        .table()
        .into_iter()
        .map(|(name, bytes)| (name.into(), bytes.into()))
        .collect();
    let verdicts: Map<_, _> = policies
        .iter()
        .map(|policy| {
            let verdict = match policy.verdict(info, today) {
                Verdict::Allowed => json!({ "verdict": "allowed" }),
                Verdict::Warned(why) => json!({ "verdict": "warned", "reason": why }),
                Verdict::Denied(why) => json!({ "verdict": "denied", "reason": why }),
            };
            (policy.name.clone(), verdict)
        })
        .collect();
    let failure = match entry.outcome() {
        Some(Err(error)) => Value::String(error.to_string()),
        _ => Value::Null,
    };
    json!({
        "id": info.id,
        "kind": info.kind().name(),
        "provider": provider.name,
        "provider_version": provider.version,
        "default": is_default(entry, registry),
        "status": info.status.name(),
        "category": info.category,
        "specification": info.specification,
        "oid": info.oid,
        "aliases": info.aliases,
        "sizes": sizes,
        "claims": {
            "security": info.claims,
            "constant_time": provider.constant_time.to_string(),
            "constant_time_source": provider.constant_time_source,
            "validated": provider.validated,
            "randomness": match provider.randomness {
                Randomness::Injected => "injected",
                Randomness::Provider => "provider",
            },
        },
        "selftest": selftest_word(entry),
        "selftest_failure": failure,
        "policy": verdicts,
    })
}

fn print(entries: &[&Entry], registry: &Registry, output: &Output) {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let (info, provider) = (entry.info(), entry.provider());
            let status = match info.status {
                Status::Standard => Tone::Good,
                Status::Legacy | Status::Experimental => Tone::Warning,
                _ => Tone::Plain,
            };
            let selftest = match entry.outcome() {
                None => Tone::Faint,
                Some(Ok(())) => Tone::Good,
                Some(Err(_)) => Tone::Bad,
            };
            let mark = if is_default(entry, registry) { "*" } else { "" };
            let category = match info.category {
                0 => "-".to_owned(),
                category => category.to_string(),
            };
            vec![
                (Tone::Strong, info.id.clone()),
                (Tone::Plain, info.kind().name().into()),
                (Tone::Plain, format!("{}{mark}", provider.name)),
                (status, info.status.name().into()),
                (Tone::Plain, category),
                (Tone::Plain, lengths(&info.sizes)),
                (selftest, selftest_word(entry).into()),
                (Tone::Faint, provider.version.clone()),
            ]
        })
        .collect();
    let headings = [
        "ALGORITHM",
        "KIND",
        "PROVIDER",
        "STATUS",
        "CATEGORY",
        "BYTES",
        "SELFTEST",
        "CODE",
    ];
    output.table(&headings, &rows);
    output.line(&output.paint(Tone::Faint, "* the provider that a name alone resolves to"));
}

/// The lengths that go over the wire.
fn lengths(sizes: &Sizes) -> String {
    match sizes {
        Sizes::Kem(s) => format!("ek {} ct {}", s.encapsulation_key, s.ciphertext),
        Sizes::Signature(s) => format!("vk {} sig {}", s.verifying_key, s.signature),
        Sizes::Aead(s) => format!("key {} nonce {} tag {}", s.key, s.nonce, s.tag),
        Sizes::Kdf(s) => format!("prk {}", s.prk),
        Sizes::Hash(s) => format!("digest {}", s.digest),
        _ => String::new(),
    }
}
