//! What has no next model, and which updates no rule sees.

use pqfw_qflare::aggregate::{
    AggregateError, Candidate, Clip, Limits, ReadError, Recipe, Rejection, Rule, Trim, Verdict,
    Weights, aggregate,
};

use crate::support::{Update, run, run_within, used};

const FEDAVG: Recipe = Recipe {
    rule: Rule::FedAvg,
    clip: Clip::None,
};

fn krum(byzantine: usize) -> Recipe {
    Recipe {
        rule: Rule::Krum { byzantine },
        clip: Clip::None,
    }
}

fn multi_krum(byzantine: usize, selected: usize) -> Recipe {
    let selected = Some(selected);
    Recipe {
        rule: Rule::MultiKrum {
            byzantine,
            selected,
        },
        clip: Clip::None,
    }
}

/// n updates on a line.
fn crowd(n: usize) -> Vec<Update> {
    (0..n).map(|i| Update::of(i, vec![i as f32, 1.0])).collect()
}

fn base() -> Vec<f32> {
    vec![0.0, 0.0]
}

#[test]
fn krum_needs_2f_plus_3() {
    for byzantine in 0..4 {
        let needed = 2 * byzantine + 3;
        for recipe in [krum(byzantine), multi_krum(byzantine, 1)] {
            let accepted = needed - 1;
            let short = run(&base(), &crowd(accepted), recipe);
            assert_eq!(short, Err(AggregateError::TooFew { needed, accepted }));
            assert!(run(&base(), &crowd(needed), recipe).is_ok());
        }
    }
    let absurd = run(&base(), &crowd(9), krum(usize::MAX));
    assert!(matches!(absurd, Err(AggregateError::TooFew { .. })));
}

#[test]
fn rejected_updates_do_not_count_towards_2f_plus_3() {
    let mut updates = crowd(5);
    updates[2].weights[1] = f32::NAN;
    let (needed, accepted) = (5, 4);
    let short = run(&base(), &updates, krum(1));
    assert_eq!(short, Err(AggregateError::TooFew { needed, accepted }));
}

#[test]
fn multi_krum_selects_from_1_to_n_less_f() {
    let updates = crowd(7);
    for selected in [0, 6] {
        let refused = run(&base(), &updates, multi_krum(2, selected));
        assert!(matches!(refused, Err(AggregateError::Setting(_))));
    }
    for selected in [1, 5] {
        let outcome = run(&base(), &updates, multi_krum(2, selected)).unwrap();
        assert_eq!(
            used(&outcome).iter().filter(|used| **used).count(),
            selected
        );
    }
}

#[test]
fn settings_outside_their_range_are_refused() {
    for beta in [-0.1, 0.5, 1.0, f64::NAN, f64::INFINITY] {
        assert!(
            matches!(Trim::new(beta), Err(AggregateError::Setting(_))),
            "{beta}"
        );
    }
    assert!(Trim::new(0.499_999).is_ok());
    let cosine = |at_least| Rule::Cosine { at_least };
    let original = |at_least| Rule::InsecureQflareCosine { at_least };
    let bad = [
        (Rule::FedAvg, Clip::Norm(0.0)),
        (Rule::FedAvg, Clip::Norm(-1.0)),
        (Rule::FedAvg, Clip::Norm(f64::NAN)),
        (Rule::FedAvg, Clip::Norm(f64::INFINITY)),
        (cosine(1.1), Clip::MedianNorm),
        (cosine(f64::NAN), Clip::MedianNorm),
        (cosine(0.5), Clip::None),
        (original(-1.1), Clip::None),
        (original(0.8), Clip::MedianNorm),
    ];
    for (rule, clip) in bad {
        let refused = run(&base(), &crowd(3), Recipe { rule, clip });
        assert!(
            matches!(refused, Err(AggregateError::Setting(_))),
            "{rule:?} {clip:?}"
        );
    }
}

#[test]
fn a_share_is_as_it_is_written() {
    // 0.29 × 100 is 28.999… in binary; with 29 dropped at each end the outermost kept are 29 and 70.
    let mut updates = crowd(100);
    for update in &mut updates[..29] {
        update.weights[0] = -1e6;
    }
    let rule = Rule::TrimmedMean(Trim::new(0.29).unwrap());
    let clip = Clip::None;
    let outcome = run(&base(), &updates, Recipe { rule, clip }).unwrap();
    assert_eq!(outcome.weights[0], 49.5);
}

#[test]
fn no_updates_make_no_model() {
    let (needed, accepted) = (1, 0);
    let empty = run(&base(), &[], FEDAVG);
    assert_eq!(empty, Err(AggregateError::TooFew { needed, accepted }));
}

#[test]
fn one_device_has_one_update() {
    let mut updates = crowd(3);
    updates[2].device = "device-00".into();
    let refused = run(&base(), &updates, FEDAVG);
    assert_eq!(
        refused,
        Err(AggregateError::SameDeviceTwice("device-00".into()))
    );
}

#[test]
fn the_limits_hold_to_the_last_one() {
    let limits = Limits {
        updates: 3,
        values: 6,
        examples: 100,
        ..Limits::default()
    };
    assert!(run_within(&base(), &crowd(3), FEDAVG, &limits).is_ok());
    let (found, most) = (4, 3);
    let many = run_within(&base(), &crowd(4), FEDAVG, &limits);
    assert_eq!(many, Err(AggregateError::TooManyUpdates { found, most }));

    let limits = Limits {
        values: 5,
        ..limits
    };
    let (updates, values, most) = (3, 2, 5);
    let large = run_within(&base(), &crowd(3), FEDAVG, &limits);
    let expected = AggregateError::OverBudget {
        updates,
        values,
        most,
    };
    assert_eq!(large, Err(expected));
}

#[test]
fn what_no_rule_may_see_is_named_and_changes_nothing() {
    let mut updates = crowd(9);
    updates[1].weights[0] = f32::NAN;
    updates[2].weights[1] = f32::INFINITY;
    updates[3].weights[1] = f32::NEG_INFINITY;
    updates[4].weights.push(0.0);
    updates[5].weights.pop();
    updates[6].examples = 0;
    updates[7].examples = Limits::default().examples + 1;
    updates[8].examples = Limits::default().examples;
    let outcome = run(&base(), &updates, FEDAVG).unwrap();
    let rejections: Vec<_> = outcome
        .judged
        .iter()
        .filter_map(|judged| match judged.verdict {
            Verdict::Rejected(rejection) => Some(rejection),
            Verdict::Used { .. } | Verdict::NotSelected => None,
        })
        .collect();
    let expected = [
        Rejection::NotFinite,
        Rejection::NotFinite,
        Rejection::NotFinite,
        Rejection::Length { found: 3 },
        Rejection::Length { found: 1 },
        Rejection::Examples { found: 0 },
        Rejection::Examples { found: 1_000_001 },
    ];
    assert_eq!(rejections, expected);
    let honest = [updates[0].clone(), updates[8].clone()];
    assert_eq!(
        outcome.weights,
        run(&base(), &honest, FEDAVG).unwrap().weights
    );
}

#[test]
fn the_largest_values_there_are_stay_finite() {
    let most = f32::MAX;
    let updates = [vec![most], vec![most], vec![-most]];
    let updates: Vec<_> = updates
        .into_iter()
        .enumerate()
        .map(|(i, w)| Update::of(i, w))
        .collect();
    for rule in [Rule::FedAvg, Rule::Median, Rule::Krum { byzantine: 0 }] {
        let clip = Clip::MedianNorm;
        let outcome = run(&vec![-most], &updates, Recipe { rule, clip }).unwrap();
        assert!(outcome.weights[0].is_finite(), "{rule:?}");
    }
}

#[test]
fn a_base_that_is_not_finite_is_our_fault() {
    let mut base = vec![0.0; 20];
    base[17] = f32::NAN;
    let updates = [Update::of(0, vec![0.0; 20])];
    let refused = run(&base, &updates, FEDAVG);
    assert_eq!(refused, Err(AggregateError::BaseNotFinite { at: 17 }));
}

/// Weights on a disk that fails after some values.
struct Broken;

impl Weights for Broken {
    fn values(&self) -> usize {
        2
    }

    fn read(&self, _: usize, _: &mut [f32]) -> Result<(), ReadError> {
        Err(ReadError("the disk is gone".into()))
    }
}

#[test]
fn a_failing_disk_is_no_verdict_on_a_device() {
    let candidate = Candidate {
        device: "d",
        examples: 1,
        weights: &Broken,
    };
    let limits = Limits::default();
    let failed = aggregate(&base(), &[candidate], &FEDAVG, &limits, &mut |_| {});
    assert!(matches!(failed, Err(AggregateError::Read(_))));
}

#[test]
fn a_long_round_tells_how_far_it_is() {
    let updates = crowd(5);
    let candidates: Vec<_> = updates
        .iter()
        .map(|update| Candidate {
            device: &update.device,
            examples: 1,
            weights: &update.weights,
        })
        .collect();
    for (recipe, passes) in [(FEDAVG, 2), (krum(1), 3)] {
        let mut told = Vec::new();
        let limits = Limits::default();
        aggregate(&base(), &candidates, &recipe, &limits, &mut |p| {
            told.push(p)
        })
        .unwrap();
        assert!(told.windows(2).all(|pair| pair[0].done < pair[1].done));
        let last = told.last().unwrap();
        assert_eq!((last.done, last.total), (2 * passes, 2 * passes));
    }
}
