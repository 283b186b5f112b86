//! What `check` and `doctor` find: each with a code that never changes its meaning, and a fix.

use serde_json::{Value, json};

use crate::output::{Output, Tone};

/// How bad a finding is. Ordered: more is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Good to know.
    Note,
    /// It runs, and somebody should decide whether it may.
    Warning,
    /// It does not run, or must not.
    Error,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Note => Tone::Faint,
            Self::Warning => Tone::Warning,
            Self::Error => Tone::Bad,
        }
    }
}

macro_rules! codes {
    ($($name:ident = $id:literal, $severity:ident, $meaning:literal;)*) => {
        /// What was found. `docs/guide/check.md` lists the codes; none is ever used again for
        /// something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// `PQ0003`.
            pub(crate) fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }

        #[cfg(test)]
        const ALL: &[(&str, &str, &str)] = &[$(($id, stringify!($severity), $meaning),)*];
    };
}

codes! {
    Profile = "PQ0001", Error, "the profile cannot be used";
    Unusable = "PQ0002", Error, "a name of the suite gives no code";
    Refused = "PQ0003", Error, "a policy refuses a part of the suite";
    Sunset = "PQ0004", Warning, "a policy will judge a part of the suite otherwise on a day to come";
    Warned = "PQ0005", Warning, "a policy warns of a part of the suite";
    WeakPolicy = "PQ0006", Warning, "a policy keeps something weak alive";
    Dialect = "PQ0007", Warning, "the dialect cannot protect something";
    Contradiction = "PQ0008", Error, "no algorithm of this build satisfies all the policies";
    Classical = "PQ0009", Warning, "a part of the suite has nothing post-quantum in it";
    SingleUse = "PQ0010", Warning, "a key of this algorithm must not serve many ciphertexts";
    Timing = "PQ0011", Note, "nobody claims that the code takes the same time for every secret";
    NoSuchProvider = "PQ0012", Warning, "a preferred provider is not in this build";
    Quarantined = "PQ0013", Warning, "a provider failed its admission";
    PassedOver = "PQ0014", Note, "an alternative of the suite is passed over";
    NothingRegistered = "PQ0101", Error, "a whole kind of thing has nothing registered";
    NotLinked = "PQ0102", Error, "something that a profile requires is not linked into this binary";
    NotAdmitted = "PQ0103", Error, "a provider failed its admission";
    CompiledOut = "PQ0104", Note, "the catalogue names a provider that this build does not have";
    KeyOpen = "PQ0105", Error, "others may read a file that holds a secret";
    KeyBad = "PQ0106", Error, "a key file does not agree with itself";
    StatePlace = "PQ0107", Warning, "keys and state have no good place";
    Clock = "PQ0108", Error, "the clock is wrong";
    Entropy = "PQ0109", Error, "the system's generator does not give random bytes";
    MemoryLock = "PQ0110", Note, "secrets may be written to swap";
    StalePreferences = "PQ0111", Warning, "prefs.lock says what no longer holds";
}

/// One finding.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    code: Code,
    /// What it is about: a key of the profile, a file, a provider.
    about: String,
    what: String,
    fix: String,
}

impl Finding {
    pub(crate) fn new(
        code: Code,
        about: impl Into<String>,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            code,
            about: about.into(),
            what: what.into(),
            fix: fix.into(),
        }
    }

    /// The same of an alternative whose place the next one takes.
    pub(crate) fn passed_over(self) -> Self {
        Self {
            code: Code::PassedOver,
            ..self
        }
    }

    pub(crate) fn code(&self) -> Code {
        self.code
    }

    pub(crate) fn severity(&self) -> Severity {
        self.code.severity()
    }

    pub(crate) fn document(&self) -> Value {
        json!({
            "code": self.code.id(),
            "severity": self.severity().name(),
            "about": self.about,
            "what": self.what,
            "fix": self.fix,
        })
    }

    pub(crate) fn print(&self, output: &Output) {
        let severity = self.severity();
        let head = format!("{} {:<7}", self.code.id(), severity.name());
        let head = output.paint(severity.tone(), &head);
        output.line(&format!("  {head} {}: {}", self.about, self.what));
        if !self.fix.is_empty() {
            let fix = output.paint(Tone::Faint, "fix:");
            output.line(&format!("                 {fix} {}", self.fix));
        }
    }
}

/// The worst first; findings of one severity stay in their order.
pub(crate) fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity()));
}

/// How many there are of each severity, in words: `1 error, 2 warnings`.
pub(crate) fn summary<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let mut counts = [
        (Severity::Error, 0_usize),
        (Severity::Warning, 0),
        (Severity::Note, 0),
    ];
    for finding in findings {
        for (severity, count) in &mut counts {
            *count += usize::from(*severity == finding.severity());
        }
    }
    let words = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| {
            let plural = if *count == 1 { "" } else { "s" };
            format!("{count} {}{plural}", severity.name())
        });
    let words: Vec<_> = words.collect();
    if words.is_empty() {
        "nothing found".into()
    } else {
        words.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_in_the_guide_once_with_its_severity_and_meaning() {
        let guide = include_str!("../../docs/guide/check.md");
        for (id, severity, meaning) in ALL {
            let row = format!("| {id} | {} | {meaning} |", severity.to_lowercase());
            assert_eq!(guide.matches(&row).count(), 1, "{row}");
        }
        let ids: BTreeSet<_> = ALL.iter().map(|(id, ..)| id).collect();
        assert_eq!(ids.len(), ALL.len(), "a code is used twice");
        assert_eq!(guide.matches("| PQ").count(), ALL.len());
    }

    #[test]
    fn the_worst_come_first_and_are_counted() {
        let finding = |code| Finding::new(code, "", "", "");
        let mut findings = [Code::Timing, Code::Warned, Code::Refused, Code::Dialect].map(finding);
        sort(&mut findings);
        let codes = findings.each_ref().map(|finding| finding.code);
        assert_eq!(
            codes,
            [Code::Refused, Code::Warned, Code::Dialect, Code::Timing]
        );
        assert_eq!(summary(&findings), "1 error, 2 warnings, 1 note");
        assert_eq!(summary(&[]), "nothing found");
    }
}
