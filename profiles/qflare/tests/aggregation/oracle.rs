//! Every rule against numpy, on random rounds (`tests/vectors/qflare/ORIGIN.md`).

use pqfw_qflare::aggregate::{AggregateError, Clip, Recipe, Rule, Trim, Verdict};
use serde::Deserialize;

use crate::support::{Update, run, used};

const VECTORS: &str = include_str!("../../../../tests/vectors/qflare/aggregation.json");

#[derive(Deserialize)]
struct Round {
    base: Vec<f32>,
    updates: Vec<Submitted>,
    expected: Vec<Expected>,
}

#[derive(Deserialize)]
struct Submitted {
    device: String,
    examples: u64,
    weights: Vec<f32>,
}

#[derive(Deserialize)]
struct Expected {
    rule: Named,
    clip: Option<serde_json::Value>,
    weights: Option<Vec<f64>>,
    used: Vec<bool>,
    clipped: Vec<bool>,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    f: Option<usize>,
    m: Option<usize>,
    beta: Option<f64>,
    at_least: Option<f64>,
}

impl Expected {
    fn recipe(&self) -> Recipe {
        let Named { f, m, .. } = self.rule;
        let rule = match self.rule.name.as_str() {
            "fedavg" => Rule::FedAvg,
            "median" => Rule::Median,
            "trimmed_mean" => Rule::TrimmedMean(Trim::new(self.rule.beta.unwrap()).unwrap()),
            "krum" => Rule::Krum {
                byzantine: f.unwrap(),
            },
            "multi_krum" => Rule::MultiKrum {
                byzantine: f.unwrap(),
                selected: m,
            },
            "cosine" => Rule::Cosine {
                at_least: self.rule.at_least.unwrap(),
            },
            "qflare_cosine" => Rule::InsecureQflareCosine {
                at_least: self.rule.at_least.unwrap(),
            },
            other => panic!("no rule {other}"),
        };
        let clip = match &self.clip {
            None => Clip::None,
            Some(value) if value == "median" => Clip::MedianNorm,
            Some(value) => Clip::Norm(value.as_f64().unwrap()),
        };
        Recipe { rule, clip }
    }
}

#[test]
fn every_rule_agrees_with_numpy() {
    let rounds: Vec<Round> = serde_json::from_str(VECTORS).unwrap();
    let mut compared = 0;
    for round in &rounds {
        let updates: Vec<_> = round
            .updates
            .iter()
            .map(|update| Update {
                device: update.device.clone(),
                examples: update.examples,
                weights: update.weights.clone(),
            })
            .collect();
        for expected in &round.expected {
            let what = format!("{:?} of {}", expected.rule, updates.len());
            let outcome = run(&round.base, &updates, expected.recipe());
            let Some(weights) = &expected.weights else {
                let accepted = updates.len();
                assert_eq!(outcome, Err(AggregateError::NobodySelected { accepted }));
                continue;
            };
            let outcome = outcome.unwrap();
            assert_eq!(used(&outcome), expected.used, "{what}");
            for (ours, theirs) in outcome.weights.iter().zip(weights) {
                let error = (f64::from(*ours) - theirs).abs();
                assert!(
                    error <= 1e-7 * theirs.abs().max(1.0),
                    "{what}: {ours} {theirs}"
                );
            }
            for (judged, clipped) in outcome.judged.iter().zip(&expected.clipped) {
                if let Verdict::Used { clipped: ours } = judged.verdict {
                    assert_eq!(ours, *clipped, "{what}");
                }
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}
