//! Laws of every rule: the order of arrival and the memory allowed change no bit, and a robust rule
//! stays among what it was given.

use pqfw_qflare::aggregate::{Clip, Limits, Recipe, Rule, Trim};
use pqfw_qflare::learning::Chance;
use proptest::prelude::*;

use crate::support::{Update, bits, run, run_within};

fn recipes() -> Vec<Recipe> {
    let (byzantine, selected) = (1, None);
    let multi_krum = Rule::MultiKrum {
        byzantine,
        selected,
    };
    let trimmed = Rule::TrimmedMean(Trim::new(0.2).unwrap());
    let cosine = Rule::Cosine { at_least: -1.0 };
    let mut all = Vec::new();
    for rule in [
        Rule::FedAvg,
        Rule::Median,
        trimmed,
        Rule::Krum { byzantine },
        multi_krum,
        cosine,
    ] {
        all.push(Recipe {
            rule,
            clip: Clip::MedianNorm,
        });
    }
    all.push(Recipe {
        rule: Rule::InsecureQflareCosine { at_least: -1.0 },
        clip: Clip::None,
    });
    all
}

fn rounds() -> impl Strategy<Value = (Vec<f32>, Vec<Update>)> {
    let value = prop_oneof![-1e3f32..1e3, -1e-3f32..1e-3, Just(0.0), Just(-0.0)];
    (5usize..9, 1usize..40).prop_flat_map(move |(devices, values)| {
        let weights = prop::collection::vec(value.clone(), values);
        let submitted = (1u64..1000, weights.clone());
        (weights, prop::collection::vec(submitted, devices)).prop_map(|(base, submitted)| {
            let numbered = submitted.into_iter().enumerate();
            let updates = numbered.map(|(number, (examples, weights))| Update {
                examples,
                ..Update::of(number, weights)
            });
            (base, updates.collect())
        })
    })
}

proptest! {
    #[test]
    fn arrival_and_memory_change_no_bit((base, updates) in rounds(), seed: u64) {
        let mut shuffled = updates.clone();
        Chance::new(seed).shuffle(&mut shuffled);
        // One lane-width a chunk.
        let least = Limits { memory_bytes: 0, ..Limits::default() };
        for recipe in recipes() {
            let Ok(whole) = run(&base, &updates, recipe) else {
                // No update has a direction, whichever way it is asked.
                prop_assert!(run_within(&base, &shuffled, recipe, &least).is_err());
                continue;
            };
            let pieces = run_within(&base, &shuffled, recipe, &least).unwrap();
            prop_assert_eq!(bits(&whole.weights), bits(&pieces.weights), "{:?}", recipe);
            prop_assert_eq!(whole.judged, pieces.judged);
        }
    }

    #[test]
    fn every_coordinate_stays_between_the_least_and_the_greatest((base, updates) in rounds()) {
        for recipe in recipes() {
            let Ok(outcome) = run(&base, &updates, Recipe { clip: clip_of(recipe), ..recipe }) else {
                continue;
            };
            for (at, value) in outcome.weights.iter().enumerate() {
                let column = updates.iter().map(|update| update.weights[at]).chain([base[at]]);
                let least = column.clone().fold(f32::INFINITY, f32::min);
                let greatest = column.fold(f32::NEG_INFINITY, f32::max);
                // A unit in the last place for the difference and the sum.
                let slack = (greatest.abs().max(least.abs())) * f32::EPSILON;
                prop_assert!((least - slack..=greatest + slack).contains(value), "{recipe:?}");
            }
        }
    }

    #[test]
    fn a_clip_holds((base, updates) in rounds(), most in 0.001f64..100.0) {
        let recipe = Recipe { rule: Rule::FedAvg, clip: Clip::Norm(most) };
        let outcome = run(&base, &updates, recipe).unwrap();
        let moved = outcome.weights.iter().zip(&base);
        let square: f64 = moved.map(|(w, b)| (f64::from(*w) - f64::from(*b)).powi(2)).sum();
        // What rounding to f32 adds at most.
        let slack: f64 = base.iter().map(|b| f64::from(b.abs() + 1.0)).sum::<f64>() * 1e-6;
        prop_assert!(square.sqrt() <= most + slack);
    }

    #[test]
    fn equal_updates_are_the_model((base, updates) in rounds()) {
        let same: Vec<_> = (0..5).map(|n| Update::of(n, updates[0].weights.clone())).collect();
        for rule in [Rule::Median, Rule::Krum { byzantine: 1 }] {
            let clip = Clip::None;
            let outcome = run(&base, &same, Recipe { rule, clip }).unwrap();
            let both = outcome.weights.iter().zip(&updates[0].weights);
            for ((ours, sent), base) in both.zip(&base) {
                // A difference from a base that is much longer does not fit in 53 bits.
                let far = f64::from(base.abs().max(sent.abs())) * f64::EPSILON;
                let slack = far + f64::from(sent.abs() * f32::EPSILON);
                prop_assert!((f64::from(*ours) - f64::from(*sent)).abs() <= slack);
            }
        }
    }
}

/// Without a clip where the rule allows it.
fn clip_of(recipe: Recipe) -> Clip {
    match recipe.rule {
        Rule::Cosine { .. } => recipe.clip,
        _ => Clip::None,
    }
}
