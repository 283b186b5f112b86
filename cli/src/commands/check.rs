//! `pqfw check`: what policies say of a profile, on a day, without running anything of it.

use std::cmp::Reverse;
use std::sync::Arc;

use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::policy::{self, Policy, Verdict};
use pqfw_framework::profile::Profile;
use pqfw_framework::provider::ConstantTime;
use pqfw_framework::registry::{Explanation, Fate, Registry, ResolveError, Resolver};
use pqfw_framework::system::Failure;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use crate::args::Check;
use crate::compose;
use crate::error::CliError;
use crate::findings::{self, Code, Finding, Severity};
use crate::output::{Output, Tone};

/// How many algorithms a fix names.
const MOST_SUGGESTIONS: usize = 3;

/// One profile, judged.
struct Judged {
    name: String,
    policies: Vec<String>,
    findings: Vec<Finding>,
}

pub(super) fn run(args: &Check, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let today = args
        .at
        .clone()
        .unwrap_or_else(|| OsWorld::new().now().day());
    let mut names = args.profile.clone();
    if names.is_empty() {
        let shipped = registry.systems().map(|system| system.info().name.into());
        names.extend(shipped);
    }
    let judged: Vec<_> = names
        .into_iter()
        .map(|name| judge(name, args, &today, registry))
        .collect();
    if output.json {
        let profiles: Vec<_> = judged
            .iter()
            .map(|one| {
                let findings: Vec<_> = one.findings.iter().map(Finding::document).collect();
                json!({ "profile": one.name, "policies": one.policies, "findings": findings })
            })
            .collect();
        output.document(&json!({ "at": today, "profiles": profiles }));
    } else {
        judged.iter().for_each(|one| print(one, &today, output));
    }
    let findings: Vec<_> = judged.iter().flat_map(|one| &one.findings).collect();
    let errors = findings
        .iter()
        .filter(|finding| finding.severity() == Severity::Error);
    let refused =
        |finding: &&&Finding| matches!(finding.code(), Code::Refused | Code::Contradiction);
    let failure = match (errors.clone().count(), errors.clone().find(refused)) {
        (0, _) => return Ok(()),
        (_, Some(_)) => Failure::Policy,
        (_, None) => Failure::Usage,
    };
    let text = format!("{}; the fix stands below each", findings::summary(findings));
    Err(CliError::new(failure, text))
}

fn print(judged: &Judged, today: &str, output: &Output) {
    let title = output.paint(Tone::Strong, &judged.name);
    let policies = match judged.policies.is_empty() {
        true => "no policy".to_owned(),
        false => judged.policies.join(", "),
    };
    let summary = findings::summary(&judged.findings);
    output.line(&format!("{title} under {policies} on {today}: {summary}"));
    for finding in &judged.findings {
        finding.print(output);
    }
}

fn judge(name: String, args: &Check, today: &str, registry: &Registry) -> Judged {
    let mut judged = Judged {
        name,
        policies: args.policy.clone(),
        findings: Vec::new(),
    };
    let outcome = examine(&mut judged, args, today, registry);
    if let Err(error) = outcome {
        let fix = "correct what the message names; `pqfw profile show NAME` prints a whole one";
        let finding = Finding::new(Code::Profile, judged.name.clone(), error.message, fix);
        judged.findings.push(finding);
    }
    findings::sort(&mut judged.findings);
    judged
}

/// Fills in what there is to say; an error is a profile that cannot be read.
fn examine(
    judged: &mut Judged,
    args: &Check,
    today: &str,
    registry: &Registry,
) -> Result<(), CliError> {
    let (profile, _) = compose::resolve(&judged.name, &args.set, registry)?;
    if judged.policies.is_empty() {
        judged.policies.clone_from(&profile.common.policy.0);
    }
    let policies = compose::policies(&judged.policies, registry)?;
    registry.transport(&profile.common.transport.kind)?;
    let found = &mut judged.findings;
    of_policies(&policies, found);
    of_dialect(&profile, registry, found)?;
    let prefer = &profile.common.providers.prefer;
    for name in prefer {
        if !registry
            .entries()
            .any(|entry| entry.provider().is_called(name))
        {
            let what = "no algorithm of this build has it";
            let fix = "take it out, or build with its crate or cargo feature";
            let about = format!("providers.prefer {name:?}");
            found.push(Finding::new(Code::NoSuchProvider, about, what, fix));
        }
    }
    let mut rng = OsWorld::new().rng();
    let mut resolver = Resolver::new(registry, &mut *rng, &policies, prefer, today);
    let mut court = Court {
        registry,
        policies: &policies,
        today,
        found,
    };
    for names in profile.suite_names() {
        court.part("suite.kem", Kind::Kem, &names.kem, &mut resolver);
        court.part(
            "suite.signature",
            Kind::Signature,
            &names.signature,
            &mut resolver,
        );
        court.part("suite.aead", Kind::Aead, &names.aead, &mut resolver);
        court.part("suite.kdf", Kind::Kdf, &names.kdf, &mut resolver);
    }
    Ok(())
}

fn of_policies(policies: &[Policy], found: &mut Vec<Finding>) {
    for policy in policies {
        if let Some(warning) = &policy.warning {
            let about = format!("policy {}", policy.name);
            let fix = "take another policy as soon as the peers that need this one are gone";
            found.push(Finding::new(Code::WeakPolicy, about, warning, fix));
        }
    }
}

fn of_dialect(
    profile: &Profile,
    registry: &Registry,
    found: &mut Vec<Finding>,
) -> Result<(), CliError> {
    let dialects = registry.system(&profile.common.system)?.info().dialects;
    let better = dialects.iter().find(|one| one.cannot_protect.is_empty());
    let fix = better.map_or_else(String::new, |better| {
        format!("dialect = {:?}, when both ends can speak it", better.name)
    });
    for dialect in dialects.iter().filter(|one| one.name == profile.dialect) {
        for (code, weakness) in &dialect.cannot_protect {
            let about = format!("dialect {} ({code})", dialect.name);
            found.push(Finding::new(Code::Dialect, about, *weakness, fix.clone()));
        }
    }
    Ok(())
}

/// Judges the parts of a suite, one name after the other.
struct Court<'a> {
    registry: &'a Registry,
    policies: &'a [Policy],
    today: &'a str,
    found: &'a mut Vec<Finding>,
}

impl Court<'_> {
    /// An ordered list of alternatives, of which the first that can be used is taken.
    fn part(&mut self, key: &str, kind: Kind, names: &[String], resolver: &mut Resolver<'_>) {
        let mut passed_over = Vec::new();
        for name in names {
            let about = format!("{key} = {name:?}");
            let refused = match resolver.explain(name) {
                Err(error) => self.unusable(&about, &error),
                Ok(explained) => match self.refusal(&about, kind, &explained) {
                    Some(refused) => refused,
                    None => {
                        self.taken(&about, &explained);
                        let over = passed_over
                            .into_iter()
                            .map(|one: Finding| one.passed_over());
                        return self.found.extend(over);
                    }
                },
            };
            passed_over.push(refused);
        }
        self.found.append(&mut passed_over);
    }

    fn unusable(&self, about: &str, error: &ResolveError) -> Finding {
        let fix = "`pqfw list-algorithms` has every name of this build";
        Finding::new(Code::Unusable, about, error.to_string(), fix)
    }

    /// Why it cannot be used, if so.
    fn refusal(&self, about: &str, kind: Kind, explained: &[Explanation]) -> Option<Finding> {
        let first = explained.first()?;
        if let Verdict::Denied(why) = &first.verdict {
            let others = self.suggestions(kind);
            return Some(match &others[..] {
                [] => {
                    let names: Vec<_> = self.policies.iter().map(|one| one.name.as_str()).collect();
                    let what = format!(
                        "{why}; and no {kind} of this build satisfies {}",
                        names.join(" and ")
                    );
                    let fix =
                        "drop one of the policies, or add a plugin whose algorithm satisfies all";
                    Finding::new(Code::Contradiction, about, what, fix)
                }
                some => {
                    let fix = format!("for example {}", some.join(" or "));
                    Finding::new(Code::Refused, about, why, fix)
                }
            });
        }
        let without = explained.iter().find(|one| {
            !one.candidates
                .iter()
                .any(|candidate| candidate.fate == Fate::Chosen)
        })?;
        let what = format!("no provider of {} can be used", without.info.id);
        let fix = format!("see `pqfw explain {}`", without.info.id);
        Some(Finding::new(Code::Unusable, about, what, fix))
    }

    /// What there is to say of a name that is used.
    fn taken(&mut self, about: &str, explained: &[Explanation]) {
        let rows: Vec<_> = explained.iter().map(|one| one.info.clone()).collect();
        if let Some(Verdict::Warned(why)) = explained.first().map(|one| &one.verdict) {
            let finding = Finding::new(Code::Warned, about, why, "plan its replacement");
            self.found.push(finding);
        }
        if let Some((day, why)) = self.sunset(&rows) {
            let what = format!("from {day} on: {why}");
            let fix = format!("`pqfw check --at {day}` shows what is allowed then");
            self.found
                .push(Finding::new(Code::Sunset, about, what, fix));
        }
        let joins = |row: &AlgorithmInfo| matches!(row.kind(), Kind::Kem | Kind::Signature);
        if rows.iter().all(|row| joins(row) && row.category == 0) {
            let what = "a quantum computer breaks it";
            let fix = "join a post-quantum part to it: A+B is a hybrid";
            self.found
                .push(Finding::new(Code::Classical, about, what, fix));
        }
        for one in explained {
            self.taken_part(about, one);
        }
    }

    fn taken_part(&mut self, about: &str, one: &Explanation) {
        let id = &one.info.id;
        if one
            .info
            .claims
            .iter()
            .any(|claim| claim == "single-use-key")
        {
            let what = format!("{id} is for keys that few ciphertexts are made for");
            let fix = "let keys be ephemeral, or take the salted form";
            self.found
                .push(Finding::new(Code::SingleUse, about, what, fix));
        }
        for candidate in &one.candidates {
            let about_provider = format!("{id}@{}", candidate.name);
            match &candidate.fate {
                Fate::Quarantined(why) => {
                    let fix = "report it to its authors; the next provider has taken over";
                    let finding =
                        Finding::new(Code::Quarantined, about_provider, why.to_string(), fix);
                    self.found.push(finding);
                }
                Fate::Chosen => {
                    let claim = candidate.provider.as_ref().map(|one| one.constant_time);
                    if claim == Some(ConstantTime::Unclaimed) && one.info.kind() != Kind::Kdf {
                        let what = "its authors claim nothing about timing";
                        let fix = format!("`pqfw explain {id}` shows who claims more");
                        self.found
                            .push(Finding::new(Code::Timing, about_provider, what, fix));
                    }
                }
                Fate::InReserve | Fate::ClaimsLess | Fate::NotInThisBuild => {}
            }
        }
    }

    /// The first day to come on which a part that is allowed today is judged otherwise.
    fn sunset(&self, rows: &[Arc<AlgorithmInfo>]) -> Option<(String, String)> {
        let now = policy::verdict(self.policies, rows, self.today);
        let rules = self.policies.iter().flat_map(|policy| &policy.rules);
        let days = rules.flat_map(|rule| [&rule.warn_from, &rule.deny_from]);
        let mut days: Vec<_> = days
            .flatten()
            .filter(|day| day.as_str() > self.today)
            .collect();
        days.sort();
        days.into_iter()
            .find_map(|day| match policy::verdict(self.policies, rows, day) {
                then if then == now => None,
                Verdict::Allowed => None,
                Verdict::Warned(why) | Verdict::Denied(why) => Some((day.clone(), why)),
            })
    }

    /// Algorithms of this build that every policy allows, and hybrids of two: standards first.
    fn suggestions(&self, kind: Kind) -> Vec<String> {
        let served = |row: &&Arc<AlgorithmInfo>| {
            row.kind() == kind && !self.registry.entries_of(&row.id).is_empty()
        };
        let mut rows: Vec<_> = self.registry.rows().filter(served).cloned().collect();
        rows.sort_by_key(|row| (Reverse((row.status, row.category)), row.id.clone()));
        let allowed = |rows: &[_]| {
            matches!(
                policy::verdict(self.policies, rows, self.today),
                Verdict::Allowed
            )
        };
        let plain = rows.iter().filter(|row| allowed(&[(*row).clone()]));
        let mut names: Vec<_> = plain.map(|row| row.id.clone()).collect();
        let (classical, quantum): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.category == 0);
        let pairs = quantum
            .iter()
            .flat_map(|pq| classical.iter().map(move |old| (old, pq)));
        let hybrids = pairs
            .filter(|(old, pq)| allowed(&[(**old).clone(), (**pq).clone()]))
            .map(|(old, pq)| format!("{}+{}", old.id, pq.id))
            .filter(|name| self.registry.describe(name).is_ok());
        names.extend(hybrids.take(MOST_SUGGESTIONS));
        names.truncate(MOST_SUGGESTIONS);
        names
    }
}
