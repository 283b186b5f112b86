//! Policies: which algorithms may be used, as data with a source for each rule.
//!
//! A policy removes candidates; it never chooses among them. Several policies apply together: what
//! any of them denies is denied.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use crate::catalogue::{AlgorithmInfo, Kind, Status};

/// A calendar day, `YYYY-MM-DD`, which orders as text.
pub type Day = String;

/// One policy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The name by which profiles select it.
    pub name: String,
    /// One sentence on whom it is for.
    pub summary: String,
    /// A warning printed at every start, for policies that keep something weak alive.
    #[serde(default)]
    pub warning: Option<String>,
    /// Names that mean another algorithm under this policy, because that is what the deployed peers
    /// mean by them.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// Its rules; the first that denies is the reason given.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// One rule. An algorithm that matches `kind` must satisfy everything else that is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The stable name of the rule.
    pub id: String,
    /// The document it comes from.
    pub source: String,
    /// The kinds it speaks of; none named means all.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Algorithms it does not speak of.
    #[serde(default)]
    pub except: Vec<String>,
    /// The lowest NIST category.
    #[serde(default)]
    pub min_category: Option<u8>,
    /// The statuses allowed.
    #[serde(default)]
    pub statuses: Vec<String>,
    /// Algorithms denied by name.
    #[serde(default)]
    pub deny: Vec<String>,
    /// Whether a KEM or signature must join a classical part and a post-quantum one. What joins
    /// them under a name of its own is listed in `except`.
    #[serde(default)]
    pub hybrid: bool,
    /// From this day on a breach is a warning; before it, the rule sleeps.
    #[serde(default)]
    pub warn_from: Option<Day>,
    /// From this day on a breach is denied. Without any date the rule always denies.
    #[serde(default)]
    pub deny_from: Option<Day>,
}

/// What the policies say of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Allowed,
    /// Allowed, with something to tell the operator.
    Warned(String),
    /// Not to be used; the policy, the rule and its source.
    Denied(String),
}

impl Verdict {
    fn severity(&self) -> u8 {
        match self {
            Self::Allowed => 0,
            Self::Warned(_) => 1,
            Self::Denied(_) => 2,
        }
    }
}

/// A policy that cannot be had: the operator's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// No such policy.
    #[error("no policy `{0}`; there are: {1}")]
    Unknown(String, String),
    /// A policy file that does not parse.
    #[error("policy: {0}")]
    Syntax(String),
    /// A rule that names a kind or status that does not exist.
    #[error("policy {policy}, rule {rule}: {reason}")]
    Rule {
        /// The policy.
        policy: String,
        /// The rule.
        rule: String,
        /// What is wrong.
        reason: String,
    },
}

/// The texts of the policies that the framework brings, by name.
pub const SHIPPED: [(&str, &str); 3] = [
    ("modern", include_str!("modern.toml")),
    ("hybrid", include_str!("hybrid.toml")),
    ("legacy-compat", include_str!("legacy-compat.toml")),
];

impl Policy {
    /// Gives a policy that the framework brings.
    ///
    /// # Errors
    /// [`PolicyError::Unknown`].
    pub fn shipped(name: &str) -> Result<Self, PolicyError> {
        let Some((_, text)) = SHIPPED.into_iter().find(|(known, _)| *known == name) else {
            let known: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
            return Err(PolicyError::Unknown(name.into(), known.join(", ")));
        };
        Self::parse(text)
    }

    /// Reads a policy from TOML.
    ///
    /// # Errors
    /// [`PolicyError::Syntax`], [`PolicyError::Rule`].
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = toml_edit::de::from_str(text)
            .map_err(|error| PolicyError::Syntax(error.to_string().trim_end().into()))?;
        for rule in &policy.rules {
            let bad = |reason| PolicyError::Rule {
                policy: policy.name.clone(),
                rule: rule.id.clone(),
                reason,
            };
            let kinds = rule.kinds.iter().map(|kind| kind.parse::<Kind>().map(drop));
            let statuses = rule
                .statuses
                .iter()
                .map(|status| status.parse::<Status>().map(drop));
            let days = [&rule.warn_from, &rule.deny_from].into_iter().flatten();
            kinds
                .chain(statuses)
                .chain(days.map(|text| day(text).map(drop)))
                .collect::<Result<(), _>>()
                .map_err(bad)?;
            let asks_parts =
                rule.min_category.is_some() || !rule.statuses.is_empty() || !rule.deny.is_empty();
            if !asks_parts && !rule.hybrid {
                let what = "it asks for nothing: set min_category, statuses, deny or hybrid";
                return Err(bad(what.into()));
            }
        }
        Ok(policy)
    }

    /// The algorithms that its rules and aliases name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let rules = self.rules.iter();
        rules
            .flat_map(|rule| rule.deny.iter().chain(&rule.except))
            .chain(self.aliases.values())
            .map(String::as_str)
    }

    /// What this policy says of `row`, alone or as a part, on the day `today`. Whether it must have
    /// company is asked of all parts together, by [`verdict`].
    #[must_use]
    pub fn verdict(&self, row: &AlgorithmInfo, today: &str) -> Verdict {
        self.judge(row, today, |_| true)
    }

    /// What the rules that name `row` say of it.
    fn verdict_by_name(&self, row: &AlgorithmInfo, today: &str) -> Verdict {
        self.judge(row, today, |rule| rule.deny.contains(&row.id))
    }

    /// What the rules about hybrids say of the parts together.
    fn verdict_together(&self, parts: &[Arc<AlgorithmInfo>], today: &str) -> Verdict {
        self.first(today, |rule| rule.lacks_a_part(parts))
    }

    fn judge(&self, row: &AlgorithmInfo, today: &str, asked: impl Fn(&Rule) -> bool) -> Verdict {
        self.first(today, |rule| {
            asked(rule).then(|| rule.breach(row)).flatten()
        })
    }

    fn first(&self, today: &str, breach: impl Fn(&Rule) -> Option<String>) -> Verdict {
        let mut verdict = Verdict::Allowed;
        for rule in &self.rules {
            let Some(breach) = breach(rule) else {
                continue;
            };
            let text = format!("{} rule {}: {breach} ({})", self.name, rule.id, rule.source);
            match rule.effect(today) {
                Effect::Deny => return Verdict::Denied(text),
                Effect::Warn => verdict = Verdict::Warned(text),
                Effect::Sleep => {}
            }
        }
        verdict
    }
}

/// Reads a day. Days are compared as text, so their form is checked: `2030-1-1` would sleep a year
/// too long.
///
/// # Errors
/// What to write instead.
pub fn day(day: &str) -> Result<Day, String> {
    let digits = |part: &str, length, least: u32, most| {
        part.len() == length
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse().is_ok_and(|n| (least..=most).contains(&n))
    };
    let mut parts = day.split('-');
    let (year, month, date) = (parts.next(), parts.next(), parts.next());
    let well_formed = year.is_some_and(|y| digits(y, 4, 0, 9999))
        && month.is_some_and(|m| digits(m, 2, 1, 12))
        && date.is_some_and(|d| digits(d, 2, 1, 31))
        && parts.next().is_none();
    if well_formed {
        Ok(day.into())
    } else {
        Err(format!("`{day}` is no day; write YYYY-MM-DD"))
    }
}

enum Effect {
    Sleep,
    Warn,
    Deny,
}

impl Rule {
    fn effect(&self, today: &str) -> Effect {
        let since = |day: &Option<Day>| day.as_deref().is_some_and(|day| today >= day);
        match (&self.warn_from, &self.deny_from) {
            (None, None) => Effect::Deny,
            _ if since(&self.deny_from) => Effect::Deny,
            _ if since(&self.warn_from) => Effect::Warn,
            _ => Effect::Sleep,
        }
    }

    fn speaks_of(&self, row: &AlgorithmInfo) -> bool {
        let kind = self.kinds.is_empty() || self.kinds.iter().any(|k| k == row.kind().name());
        kind && !self.except.contains(&row.id)
    }

    fn lacks_a_part(&self, parts: &[Arc<AlgorithmInfo>]) -> Option<String> {
        let can_join = |row: &AlgorithmInfo| matches!(row.kind(), Kind::Kem | Kind::Signature);
        let speaks = parts
            .iter()
            .all(|part| can_join(part) && self.speaks_of(part));
        if !self.hybrid || !speaks {
            return None;
        }
        let ids: Vec<_> = parts.iter().map(|part| part.id.as_str()).collect();
        let lacks = match parts
            .iter()
            .partition::<Vec<_>, _>(|part| part.category > 0)
        {
            (post_quantum, _) if post_quantum.is_empty() => "post-quantum",
            (_, classical) if classical.is_empty() => "classical",
            _ => return None,
        };
        Some(format!("{} has no {lacks} part", ids.join("+")))
    }

    fn breach(&self, row: &AlgorithmInfo) -> Option<String> {
        if !self.speaks_of(row) {
            return None;
        }
        if self.deny.contains(&row.id) {
            return Some(format!("{} is on its list", row.id));
        }
        if let Some(least) = self.min_category.filter(|least| row.category < *least) {
            return Some(format!("category {} is below {least}", row.category));
        }
        if !self.statuses.is_empty() && !self.statuses.iter().any(|s| s == row.status.name()) {
            return Some(format!("status {} is not allowed", row.status));
        }
        None
    }
}

/// What `name` means under the first policy that gives it a meaning of its own: the policy's name
/// and the canonical id.
#[must_use]
pub fn alias<'a>(policies: &'a [Policy], name: &str) -> Option<(&'a str, &'a str)> {
    policies.iter().find_map(|policy| {
        let mut aliases = policy.aliases.iter();
        let (_, meant) = aliases.find(|(alias, _)| alias.eq_ignore_ascii_case(name))?;
        Some((policy.name.as_str(), meant.as_str()))
    })
}

/// What several policies say together: the strictest verdict. `parts` is one row, or the rows that
/// a hybrid joins.
///
/// A hybrid is as strong as its strongest part, so one part that satisfies a policy carries the
/// others through it; but a part that a policy denies by name is denied in company too, and a rule
/// that wants hybrids looks at all parts together.
#[must_use]
pub fn verdict(policies: &[Policy], parts: &[Arc<AlgorithmInfo>], today: &str) -> Verdict {
    let verdicts = policies.iter().flat_map(|policy| {
        let alone = parts.iter().map(|part| (policy.verdict(part, today), part));
        // Of parts that fail alike the strongest says why: it was to carry the others.
        let carried = alone.min_by_key(|(said, part)| (said.severity(), Reverse(part.category)));
        let by_name = parts.iter().map(|part| policy.verdict_by_name(part, today));
        [
            carried.map(|(said, _)| said),
            by_name.max_by_key(Verdict::severity),
            Some(policy.verdict_together(parts, today)),
        ]
    });
    // The first of the strictest: its reason is the one given.
    verdicts
        .flatten()
        .fold(Verdict::Allowed, |strictest, verdict| {
            if verdict.severity() > strictest.severity() {
                verdict
            } else {
                strictest
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::builtin;

    fn row(id: &str) -> AlgorithmInfo {
        builtin().into_iter().find(|row| row.id == id).unwrap()
    }

    #[test]
    fn modern_denies_what_is_legacy_or_classical_and_names_the_rule() {
        let modern = Policy::shipped("modern").unwrap();
        assert_eq!(
            modern.verdict(&row("ML-KEM-768"), "2026-01-01"),
            Verdict::Allowed
        );
        let Verdict::Denied(reason) = modern.verdict(&row("Kyber-768"), "2026-01-01") else {
            panic!("Kyber-768 was not denied");
        };
        assert!(reason.contains("modern rule"), "{reason}");
        for classical in ["X25519", "Ed25519"] {
            let verdict = modern.verdict(&row(classical), "2026-01-01");
            assert!(matches!(verdict, Verdict::Denied(_)), "{classical}");
        }
    }

    #[test]
    fn legacy_compat_allows_the_deployed_suite_and_warns_at_every_start() {
        let policy = Policy::shipped("legacy-compat").unwrap();
        assert!(policy.warning.is_some());
        for id in [
            "Kyber-768",
            "SPHINCS+-SHA2-128f-simple",
            "AES-256-GCM",
            "HKDF-SHA256",
        ] {
            let verdict = policy.verdict(&row(id), "2026-01-01");
            assert!(!matches!(verdict, Verdict::Denied(_)), "{id}: {verdict:?}");
        }
    }

    #[test]
    fn a_dated_rule_sleeps_then_warns_then_denies() {
        let text = r#"
            name = "dated"
            summary = "a test"
            [[rule]]
            id = "d1"
            source = "a test"
            deny = ["ML-KEM-512"]
            warn_from = "2027-01-01"
            deny_from = "2030-01-01"
        "#;
        let policy = Policy::parse(text).unwrap();
        let row = row("ML-KEM-512");
        assert_eq!(policy.verdict(&row, "2026-12-31"), Verdict::Allowed);
        assert!(matches!(
            policy.verdict(&row, "2027-01-01"),
            Verdict::Warned(_)
        ));
        assert!(matches!(
            policy.verdict(&row, "2030-01-01"),
            Verdict::Denied(_)
        ));
    }

    #[test]
    fn the_strictest_of_several_wins() {
        let both = [
            Policy::shipped("legacy-compat").unwrap(),
            Policy::shipped("modern").unwrap(),
        ];
        assert!(matches!(
            verdict(&both, &[Arc::new(row("Kyber-768"))], "2026-01-01"),
            Verdict::Denied(_)
        ));
    }

    #[test]
    fn one_part_carries_a_hybrid_unless_the_other_is_denied_by_name() {
        let modern = Policy::shipped("modern").unwrap();
        let parts = ["X25519", "ML-KEM-768"].map(|id| Arc::new(row(id)));
        let today = "2026-01-01";
        assert_eq!(
            verdict(std::slice::from_ref(&modern), &parts, today),
            Verdict::Allowed
        );
        let weak = ["X25519", "Kyber-768"].map(|id| Arc::new(row(id)));
        let refused = verdict(std::slice::from_ref(&modern), &weak, today);
        assert!(matches!(refused, Verdict::Denied(reason) if reason.contains("status legacy")));
        let text = "name='p'\nsummary='s'\n[[rule]]\nid='r'\nsource='s'\ndeny=['X25519']";
        let no_x25519 = Policy::parse(text).unwrap();
        let refused = verdict(&[modern, no_x25519], &parts, today);
        assert!(matches!(refused, Verdict::Denied(reason) if reason.contains("X25519")));
    }

    #[test]
    fn a_rule_for_hybrids_wants_both_parts_of_every_kem_and_signature() {
        let hybrid = [Policy::shipped("hybrid").unwrap()];
        let of = |ids: &[&str]| {
            let parts: Vec<_> = ids.iter().map(|id| Arc::new(row(id))).collect();
            verdict(&hybrid, &parts, "2026-01-01")
        };
        for good in [
            &["X25519", "ML-KEM-768"][..],
            &["brainpoolP512r1", "Kyber-1024"],
            &["Ed25519", "ML-DSA-87"],
            &["X-Wing"],
            &["AES-256-GCM"],
            &["HKDF-SHA512"],
        ] {
            assert_eq!(of(good), Verdict::Allowed, "{good:?}");
        }
        for (bad, lacks) in [
            (&["ML-KEM-1024"][..], "classical"),
            (&["X25519"], "post-quantum"),
            (&["X25519", "P-256"], "post-quantum"),
            (&["ML-KEM-768", "FrodoKEM-640-AES"], "classical"),
            (&["Ed25519"], "post-quantum"),
            (&["ML-DSA-87"], "classical"),
        ] {
            let Verdict::Denied(reason) = of(bad) else {
                panic!("{bad:?} was not denied");
            };
            assert!(reason.contains(&format!("no {lacks} part")), "{reason}");
        }
        assert_eq!(
            hybrid[0].verdict(&row("Ed25519"), "2026-01-01"),
            Verdict::Allowed
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(matches!(
            Policy::shipped("modrn"),
            Err(PolicyError::Unknown(..))
        ));
        assert!(matches!(
            Policy::parse("name = 1"),
            Err(PolicyError::Syntax(_))
        ));
        for bad in [
            "kinds=['kam']\ndeny=['X25519']",
            "statuses=['good']",
            "deny=['X25519']\ndeny_from='2030-1-1'",
            "deny=['X25519']\nwarn_from='soon'",
            "deny=['X25519']\nwarn_from='2030-13-01'",
            "kinds=['kem']",
        ] {
            let text = format!("name='p'\nsummary='s'\n[[rule]]\nid='r'\nsource='s'\n{bad}");
            let error = Policy::parse(&text).map(drop).unwrap_err();
            assert!(matches!(error, PolicyError::Rule { .. }), "{bad}: {error}");
        }
    }
}
