//! Liars in a crowd: seven honest devices that saw noise around one step, and three that send what
//! they like. Each attack runs with several seeds.

use pqfw_qflare::aggregate::{Clip, Recipe, Rule, Trim, Verdict};
use pqfw_qflare::learning::Chance;

use crate::support::{Update, run, used};

const VALUES: usize = 50;
const HONEST: usize = 7;
const LIARS: usize = 3;
const SEEDS: u64 = 20;

struct Scene {
    base: Vec<f32>,
    step: Vec<f64>,
    updates: Vec<Update>,
}

/// `lie` makes a liar's δ of the honest step.
fn scene(seed: u64, mut lie: impl FnMut(&mut Chance, f64) -> f64) -> Scene {
    let mut chance = Chance::new(seed);
    let base: Vec<f32> = (0..VALUES).map(|_| chance.normal() as f32).collect();
    let step: Vec<f64> = (0..VALUES).map(|_| chance.normal() * 0.1).collect();
    let mut updates = Vec::new();
    for number in 0..HONEST + LIARS {
        // Liars have the lowest ids, so that ties favour them.
        let liar = number < LIARS;
        let moved = base.iter().zip(&step).map(|(base, step)| {
            let delta = if liar {
                lie(&mut chance, *step)
            } else {
                step + chance.normal() * 0.05
            };
            (f64::from(*base) + delta) as f32
        });
        updates.push(Update::of(number, moved.collect()));
    }
    Scene {
        base,
        step,
        updates,
    }
}

/// How far the new model is from the honest step, in lengths of that step.
fn error(scene: &Scene, recipe: Recipe) -> f64 {
    let outcome = run(&scene.base, &scene.updates, recipe).unwrap();
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let moved = outcome.weights.iter().zip(&scene.base);
    let mut wrong = moved
        .zip(&scene.step)
        .map(|((w, base), step)| f64::from(*w) - f64::from(*base) - step);
    norm(&mut wrong) / norm(&mut scene.step.iter().copied())
}

fn robust() -> [Recipe; 4] {
    let (byzantine, selected) = (LIARS, None);
    let multi_krum = Rule::MultiKrum {
        byzantine,
        selected,
    };
    let trimmed = Rule::TrimmedMean(Trim::new(0.3).unwrap());
    let cosine = Rule::Cosine { at_least: 0.0 };
    [Rule::Median, trimmed, multi_krum, cosine].map(|rule| Recipe {
        rule,
        clip: Clip::MedianNorm,
    })
}

const FEDAVG: Recipe = Recipe {
    rule: Rule::FedAvg,
    clip: Clip::None,
};

fn withstood(name: &str, lie: impl Fn(&mut Chance, f64) -> f64) {
    for seed in 0..SEEDS {
        let scene = scene(seed, &lie);
        assert!(
            error(&scene, FEDAVG) > 1.5,
            "{name}: seed {seed}: no attack"
        );
        for recipe in robust() {
            let error = error(&scene, recipe);
            assert!(error < 0.75, "{name}: seed {seed}: {recipe:?}: {error}");
        }
    }
}

#[test]
fn steps_backwards_are_withstood() {
    withstood("sign flip", |_, step| -10.0 * step);
}

#[test]
fn noise_is_withstood() {
    withstood("noise", |chance, _| chance.normal() * 5.0);
}

#[test]
fn one_wish_of_all_liars_is_withstood() {
    withstood("the same wish", |_, _| 4.0);
}

#[test]
fn a_million_times_the_length_moves_nothing_that_is_clipped() {
    for seed in 0..SEEDS {
        let scene = scene(seed, |_, step| 1e6 * step);
        assert!(error(&scene, FEDAVG) > 1e4);
        for recipe in robust() {
            assert!(error(&scene, recipe) < 0.75, "seed {seed}: {recipe:?}");
        }
    }
}

#[test]
fn multi_krum_never_takes_a_step_backwards() {
    let recipe = robust()[2];
    for seed in 0..SEEDS {
        let scene = scene(seed, |_, step| -10.0 * step);
        let used = used(&run(&scene.base, &scene.updates, recipe).unwrap());
        assert_eq!(used[..LIARS], [false; LIARS], "seed {seed}");
    }
}

#[test]
fn the_rule_of_the_original_lets_a_million_times_the_weights_through() {
    for seed in 0..SEEDS {
        let mut scene = scene(seed, |_, step| step);
        for (weight, base) in scene.updates[0].weights.iter_mut().zip(&scene.base) {
            *weight = base * 1e6;
        }
        let at_least = 0.8;
        let original = Recipe {
            rule: Rule::InsecureQflareCosine { at_least },
            clip: Clip::None,
        };
        let outcome = run(&scene.base, &scene.updates, original).unwrap();
        assert!(matches!(outcome.judged[0].verdict, Verdict::Used { .. }));
        assert!(error(&scene, original) > 1e4);
        // And a young model, of zeros, has no direction: everybody is dropped.
        assert!(run(&vec![0.0; VALUES], &scene.updates, original).is_err());
    }
}
