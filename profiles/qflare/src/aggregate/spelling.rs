//! Rules and clips as people write them: `multi_krum(3)`, `trimmed_mean(0.3)`, `median`.

use std::fmt;
use std::str::FromStr;

use super::error::AggregateError;
use super::recipe::{Clip, Rule, Trim};

impl FromStr for Rule {
    type Err = AggregateError;

    fn from_str(text: &str) -> Result<Self, AggregateError> {
        let (name, settings) = match text.strip_suffix(')') {
            Some(inner) => inner.split_once('(').ok_or_else(|| unknown(text))?,
            None => (text, ""),
        };
        let settings: Vec<&str> = match settings {
            "" => Vec::new(),
            settings => settings.split(',').map(str::trim).collect(),
        };
        match (name, &settings[..]) {
            ("fedavg", []) => Ok(Self::FedAvg),
            ("median", []) => Ok(Self::Median),
            ("trimmed_mean", [beta]) => Ok(Self::TrimmedMean(Trim::new(number(text, beta)?)?)),
            ("krum", [byzantine]) => Ok(Self::Krum {
                byzantine: number(text, byzantine)?,
            }),
            ("multi_krum", [byzantine]) => Ok(Self::MultiKrum {
                byzantine: number(text, byzantine)?,
                selected: None,
            }),
            ("multi_krum", [byzantine, selected]) => Ok(Self::MultiKrum {
                byzantine: number(text, byzantine)?,
                selected: Some(number(text, selected)?),
            }),
            ("cosine", [at_least]) => Ok(Self::Cosine {
                at_least: number(text, at_least)?,
            }),
            ("qflare_cosine", [at_least]) => Ok(Self::InsecureQflareCosine {
                at_least: number(text, at_least)?,
            }),
            _ => Err(unknown(text)),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FedAvg => f.write_str("fedavg"),
            Self::Median => f.write_str("median"),
            Self::TrimmedMean(trim) => write!(f, "trimmed_mean({})", trim.beta()),
            Self::Krum { byzantine } => write!(f, "krum({byzantine})"),
            Self::MultiKrum {
                byzantine,
                selected,
            } => match selected {
                None => write!(f, "multi_krum({byzantine})"),
                Some(selected) => write!(f, "multi_krum({byzantine}, {selected})"),
            },
            Self::Cosine { at_least } => write!(f, "cosine({at_least})"),
            Self::InsecureQflareCosine { at_least } => write!(f, "qflare_cosine({at_least})"),
        }
    }
}

impl FromStr for Clip {
    type Err = AggregateError;

    /// `none`, `median`, or a norm.
    fn from_str(text: &str) -> Result<Self, AggregateError> {
        match text {
            "none" => Ok(Self::None),
            "median" => Ok(Self::MedianNorm),
            _ => text.parse().map(Self::Norm).map_err(|_| {
                let fault = format!("a clip is `none`, `median` or a norm, not `{text}`");
                AggregateError::Setting(fault)
            }),
        }
    }
}

impl fmt::Display for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Norm(most) => most.fmt(f),
            Self::MedianNorm => f.write_str("median"),
        }
    }
}

fn number<T: FromStr>(rule: &str, text: &str) -> Result<T, AggregateError> {
    text.parse().map_err(|_| unknown(rule))
}

fn unknown(text: &str) -> AggregateError {
    AggregateError::Setting(format!(
        "no rule `{}`; there are fedavg, median, trimmed_mean(BETA), krum(F), multi_krum(F), \
         multi_krum(F, M), cosine(TAU) and qflare_cosine(TAU)",
        text.escape_debug()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_as_the_same() {
        for text in [
            "fedavg",
            "median",
            "trimmed_mean(0.3)",
            "krum(0)",
            "multi_krum(3)",
            "multi_krum(3, 2)",
            "cosine(-0.5)",
            "qflare_cosine(0.8)",
        ] {
            let rule: Rule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
        assert_eq!("krum( 1 )".parse(), Ok(Rule::Krum { byzantine: 1 }));
        for text in ["none", "median", "1.5"] {
            let clip: Clip = text.parse().unwrap();
            assert_eq!(clip.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in [
            "",
            "krum",
            "krum()",
            "krum(1",
            "krum 1)",
            "krum(-1)",
            "krum(1, 2)",
            "median(1)",
            "mean",
            "multi_krum(1,)",
            "cosine(x)",
            "trimmed_mean(0.5)",
            ")",
            "FedAvg",
        ] {
            let refused = text.parse::<Rule>();
            assert!(matches!(refused, Err(AggregateError::Setting(_))), "{text}");
        }
        assert!("norm".parse::<Clip>().is_err());
    }
}
