//! Access policies: what a client may run, said in lines that the server can enforce.
//!
//! ```text
//! # comments and blank lines are free
//! Allow model_caps access.
//! Deny model_reverse for sha256:…
//! ```
//!
//! A line is `allow` or `deny`, a model or `*`, an optional `access`, and an optional `for` with a
//! client's fingerprint or `*`. The case of the four words and a final full stop do not matter,
//! that of names does. Order does not matter
//! either: a denial always wins, and where any line allows, what no line allows is denied. A model
//! that the reader does not have needs the word `access`: "Allow once." is prose.
//!
//! The original took any text and enforced none of it. A text in which no line is a rule is kept
//! as a *note*: it is versioned, changes nothing that was in force, and the server warns about it.
//! A text that mixes rules with anything else is refused, so that a slip cannot weaken a policy.

use pqfw_framework::keys::Fingerprint;

/// Bytes of one policy.
pub const MAX_POLICY_BYTES: usize = 8 << 10;

/// The rules of one policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    allow: bool,
    /// `None` for every model.
    model: Option<String>,
    /// `None` for every client that the policy binds.
    client: Option<Fingerprint>,
}

/// What a policy's text turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every line is a rule.
    Rules(Rules),
    /// No line is a rule.
    Note,
}

/// A line that is no rule in a text that has rules, from 1, with what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not understood: {reason}; write `allow MODEL` or `deny MODEL for CLIENT`")]
pub struct PolicySyntax {
    /// The line.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Reads a policy's text; `models` are those that there are.
///
/// # Errors
/// [`PolicySyntax`] when some lines are rules and one is not.
pub fn read(text: &str, models: &[&str]) -> Result<Reading, PolicySyntax> {
    let (mut rules, mut wrong) = (Vec::new(), None);
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match rule(line, models) {
            Ok(rule) => rules.push(rule),
            Err(reason) => {
                wrong.get_or_insert(PolicySyntax {
                    line: index + 1,
                    reason,
                });
            }
        }
    }
    match (rules.is_empty(), wrong) {
        (true, _) => Ok(Reading::Note),
        (false, None) => Ok(Reading::Rules(Rules(rules))),
        (false, Some(wrong)) => Err(wrong),
    }
}

fn rule(line: &str, models: &[&str]) -> Result<Rule, &'static str> {
    let line = line.strip_suffix('.').unwrap_or(line);
    let mut words = line.split_whitespace().peekable();
    let allow = match words.next().map(str::to_lowercase).as_deref() {
        Some("allow") => true,
        Some("deny") => false,
        _ => return Err("it begins with neither `allow` nor `deny`"),
    };
    let model = words.next().ok_or("it names no model")?;
    let access = words.next_if(|word| word.eq_ignore_ascii_case("access"));
    if model != "*" && !models.contains(&model) {
        // A rule that looks like one about a model and never bites is worse than none.
        if !model.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its model has characters that cannot be seen apart; write it anew");
        }
        if models.iter().any(|known| known.eq_ignore_ascii_case(model)) {
            return Err("there is such a model in other capitals; names are exact");
        }
        if access.is_none() {
            return Err("there is no such model; if there will be one, write `access` after it");
        }
    }
    let client = match words.next() {
        None => None,
        Some(word) if word.eq_ignore_ascii_case("for") => {
            match words.next().ok_or("`for` names no client")? {
                "*" => None,
                client => {
                    let hint = "a client is `sha256:` and 64 hexadecimal digits, or `*`";
                    Some(Fingerprint::parse(client).ok_or(hint)?)
                }
            }
        }
        Some(_) => return Err("there is more after the model than `for CLIENT`"),
    };
    if words.next().is_some() {
        return Err("there is more after the client");
    }
    let model = (model != "*").then(|| model.to_owned());
    Ok(Rule {
        allow,
        model,
        client,
    })
}

impl Rules {
    /// Whether a rule names a client, which is for administrators.
    #[must_use]
    pub fn names_clients(&self) -> bool {
        self.0.iter().any(|rule| rule.client.is_some())
    }

    /// The models that its rules name.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|rule| rule.model.as_deref())
    }

    /// Whether `client` may run `model`.
    #[must_use]
    pub fn allow(&self, client: &Fingerprint, model: &str) -> bool {
        let concerned = || {
            let bound = |rule: &&Rule| rule.client.as_ref().is_none_or(|c| c == client);
            self.0.iter().filter(bound)
        };
        let names = |rule: &Rule| rule.model.as_deref().is_none_or(|m| m == model);
        let denied = concerned().any(|rule| !rule.allow && names(rule));
        let has_allows = concerned().any(|rule| rule.allow);
        !denied && (!has_allows || concerned().any(|rule| rule.allow && names(rule)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: [&str; 2] = ["model_caps", "model_reverse"];

    fn client(digit: char) -> Fingerprint {
        Fingerprint::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
    }

    fn rules(text: &str) -> Rules {
        match read(text, &MODELS).unwrap() {
            Reading::Rules(rules) => rules,
            Reading::Note => panic!("`{text}` is a note"),
        }
    }

    #[test]
    fn the_recorded_policy_is_a_rule() {
        let rules = rules("Allow model_caps access.\n");
        assert!(rules.allow(&client('a'), "model_caps"));
        assert!(!rules.allow(&client('a'), "model_reverse"));
    }

    #[test]
    fn a_denial_wins_in_any_order() {
        for text in ["allow *\ndeny model_reverse", "deny model_reverse\nallow *"] {
            let rules = rules(text);
            assert!(rules.allow(&client('a'), "model_caps"), "{text}");
            assert!(!rules.allow(&client('a'), "model_reverse"), "{text}");
        }
        assert!(rules("deny model_reverse").allow(&client('a'), "model_caps"));
    }

    #[test]
    fn a_rule_for_one_client_binds_no_other() {
        let rules = rules(&format!("Deny * for {}", client('a')));
        assert!(!rules.allow(&client('a'), "model_caps"));
        assert!(rules.allow(&client('b'), "model_caps"));
        assert!(rules.names_clients());
    }

    #[test]
    fn prose_is_a_note_and_a_mixture_is_refused() {
        for prose in ["Please be nice.\n", "Allow once.", ""] {
            assert_eq!(read(prose, &MODELS), Ok(Reading::Note), "{prose}");
        }
        let mixed = read("Deny model_reverse\nDenny model_caps", &MODELS).unwrap_err();
        assert_eq!(mixed.line, 2);
        assert!(!rules("Deny later access").allow(&client('a'), "later"));
    }

    #[test]
    fn a_rule_that_would_never_bite_is_no_rule() {
        for bad in [
            "allow",
            "allow * y",
            "allow * for",
            "allow * for alice",
            "allow * for SHA256:AA",
            "allow other",
            "deny MODEL_CAPS access",
            "deny model\u{200b}_caps access",
        ] {
            assert!(read(&format!("deny *\n{bad}"), &MODELS).is_err(), "{bad}");
        }
        let more = format!("deny *\nallow * for {} z", client('a'));
        assert!(read(&more, &MODELS).is_err());
    }
}
