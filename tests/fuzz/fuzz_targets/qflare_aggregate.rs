//! Rounds of any updates under any rules, by a list of operations: the order of arrival and the
//! memory allowed change no bit, a model is finite, every update has its verdict, and a rule that
//! cannot keep its promise makes no model.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_qflare::aggregate::{
    AggregateError, Candidate, Clip, Limits, Outcome, Recipe, Rejection, Rule, Trim, Verdict,
    aggregate,
};

#[derive(Arbitrary, Debug)]
enum Operation {
    /// A device offers its weights; another time, others.
    Offer {
        device: u8,
        examples: u16,
        weights: Vec<f32>,
    },
    /// A device offers the weights of another, moved a little.
    Copy { device: u8, of: u8, at: u8, by: f32 },
    /// A device withdraws.
    Withdraw { device: u8 },
    /// The round ends, if its rule has a model, and the next begins from it.
    Close { rule: Wish, clip: u8, norm: f64 },
}

#[derive(Arbitrary, Debug)]
enum Wish {
    FedAvg,
    Median,
    TrimmedMean(f64),
    Krum(u8),
    MultiKrum(u8, Option<u8>),
    Cosine(f64),
    Original(f64),
}

impl Wish {
    fn rule(&self) -> Result<Rule, AggregateError> {
        Ok(match *self {
            Self::FedAvg => Rule::FedAvg,
            Self::Median => Rule::Median,
            Self::TrimmedMean(beta) => Rule::TrimmedMean(Trim::new(beta)?),
            Self::Krum(byzantine) => Rule::Krum {
                byzantine: byzantine.into(),
            },
            Self::MultiKrum(byzantine, selected) => Rule::MultiKrum {
                byzantine: byzantine.into(),
                selected: selected.map(usize::from),
            },
            Self::Cosine(at_least) => Rule::Cosine { at_least },
            Self::Original(at_least) => Rule::InsecureQflareCosine { at_least },
        })
    }
}

/// The values of a model: two lanes' width, and a rest.
const VALUES: usize = 19;
const DEVICES: u8 = 12;
const MOST_EXAMPLES: u64 = 60_000;

type Offers = BTreeMap<u8, (u64, Vec<f32>)>;

fuzz_target!(|operations: Vec<Operation>| {
    let mut base = vec![0.0; VALUES];
    let mut offers = Offers::new();
    for operation in operations {
        match operation {
            Operation::Offer {
                device,
                examples,
                mut weights,
            } => {
                // Mostly of the right length; a lone value is what a fuzzer finds by itself.
                if weights.len() > 1 {
                    weights.resize(VALUES, 1.0);
                }
                offers.insert(device % DEVICES, (examples.into(), weights));
            }
            Operation::Copy { device, of, at, by } => {
                if let Some((examples, mut weights)) = offers.get(&(of % DEVICES)).cloned() {
                    if let Some(weight) = weights.get_mut(usize::from(at)) {
                        *weight += by;
                    }
                    offers.insert(device % DEVICES, (examples, weights));
                }
            }
            Operation::Withdraw { device } => drop(offers.remove(&(device % DEVICES))),
            Operation::Close { rule, clip, norm } => {
                let clip = match clip % 3 {
                    0 => Clip::None,
                    1 => Clip::MedianNorm,
                    _ => Clip::Norm(norm),
                };
                let Ok(rule) = rule.rule() else { continue };
                let recipe = Recipe { rule, clip };
                let closed = close(&base, &offers, recipe, 64 << 20, false);
                // In pieces of eight coordinates, in the other order of arrival.
                let pieces = close(&base, &offers, recipe, 0, true);
                match (closed, pieces) {
                    (Ok(outcome), Ok(pieces)) => {
                        assert_eq!(bits(&outcome.weights), bits(&pieces.weights));
                        assert_eq!(outcome.judged, pieces.judged);
                        judge(&base, &offers, recipe, &outcome);
                        base = outcome.weights;
                        offers.clear();
                    }
                    (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
                    (one, other) => panic!("{one:?} and in pieces {other:?}"),
                }
            }
        }
    }
});

fn close(
    base: &Vec<f32>,
    offers: &Offers,
    recipe: Recipe,
    memory_bytes: usize,
    reversed: bool,
) -> Result<Outcome, AggregateError> {
    let names: Vec<_> = offers.keys().map(|device| format!("{device:02}")).collect();
    let mut candidates: Vec<_> = offers
        .values()
        .zip(&names)
        .map(|((examples, weights), device)| Candidate {
            device,
            examples: *examples,
            weights,
        })
        .collect();
    if reversed {
        candidates.reverse();
    }
    let limits = Limits {
        memory_bytes,
        examples: MOST_EXAMPLES,
        ..Limits::default()
    };
    aggregate(base, &candidates, &recipe, &limits, &mut |_| {})
}

fn judge(base: &[f32], offers: &Offers, recipe: Recipe, outcome: &Outcome) {
    assert_eq!(outcome.weights.len(), VALUES);
    assert!(outcome.weights.iter().all(|value| value.is_finite()));
    assert_eq!(outcome.judged.len(), offers.len());
    let (mut accepted, mut used) = (0, 0);
    for (judged, (device, (examples, weights))) in outcome.judged.iter().zip(offers) {
        assert_eq!(judged.device, format!("{device:02}"));
        let finite = weights.iter().all(|value| value.is_finite());
        let (few, many) = (*examples == 0, *examples > MOST_EXAMPLES);
        match judged.verdict {
            Verdict::Rejected(Rejection::Length { .. }) => assert!(weights.len() != VALUES),
            Verdict::Rejected(Rejection::NotFinite) => assert!(!finite),
            Verdict::Rejected(Rejection::Examples { .. }) => assert!(few || many),
            Verdict::Used { .. } | Verdict::NotSelected => {
                assert!(weights.len() == VALUES && finite && !few && !many);
                accepted += 1;
                used += usize::from(judged.verdict != Verdict::NotSelected);
            }
        }
    }
    match recipe.rule {
        Rule::Krum { byzantine } => {
            assert!(used == 1 && accepted >= 2 * byzantine + 3);
        }
        Rule::MultiKrum {
            byzantine,
            selected,
        } => {
            assert_eq!(used, selected.unwrap_or(accepted - byzantine));
            assert!(accepted >= 2 * byzantine + 3);
        }
        Rule::Cosine { .. } | Rule::InsecureQflareCosine { .. } => assert!(used >= 1),
        Rule::FedAvg | Rule::Median | Rule::TrimmedMean(_) => assert_eq!(used, accepted),
    }
    // Whatever is chosen or shortened lies between the base and what was offered.
    let members = || {
        let judged = outcome.judged.iter().zip(offers.values());
        judged.filter(|(judged, _)| matches!(judged.verdict, Verdict::Used { .. }))
    };
    for (at, (value, base)) in outcome.weights.iter().zip(base).enumerate() {
        let column = members().map(|(_, (_, weights))| weights[at]);
        let (least, greatest) = column.fold((*base, *base), |(least, greatest), value| {
            (least.min(value), greatest.max(value))
        });
        // A unit in the last place for the difference and the sum.
        let slack = least.abs().max(greatest.abs()) * f32::EPSILON;
        assert!(*value >= least - slack && *value <= greatest + slack);
    }
}

fn bits(weights: &[f32]) -> Vec<u32> {
    weights.iter().map(|value| value.to_bits()).collect()
}
