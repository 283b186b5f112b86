//! Softmax regression: ten linear functions of the pixels, trained by small steps.

use super::chance::Chance;
use super::digits::{CLASSES, Example, PIXELS};
use crate::model::{FormatError, Model, ModelLimits, Shape, Tensor};

/// A bias for each class, then a row of pixels for each: the tensors `bias` and `weight` in the
/// order of their names.
pub const VALUES: usize = (1 + PIXELS) * CLASSES;

/// How often a device goes through its examples in a round.
const EPOCHS: usize = 2;
/// The examples of one step.
const BATCH: usize = 32;
/// How far a step goes.
const RATE: f32 = 0.5;

/// The model that nobody has trained: zeros.
///
/// # Errors
/// [`FormatError`], which it has no reason for.
pub fn untrained() -> Result<Model, FormatError> {
    let tensor = |name: &str, dimensions: &[usize]| Tensor {
        shape: Shape {
            name: name.to_owned(),
            dimensions: dimensions.to_vec(),
        },
        values: vec![0.0; dimensions.iter().product()],
    };
    let tensors = vec![
        tensor("bias", &[CLASSES]),
        tensor("weight", &[CLASSES, PIXELS]),
    ];
    Model::new(tensors, &ModelLimits::default())
}

/// Trains the weights on some examples, as one device does in one round: stochastic gradient
/// descent on the cross-entropy. Shuffles the examples. Weights of another number stay.
pub fn train(weights: &mut [f32], examples: &mut [Example], chance: &mut Chance) {
    if weights.len() != VALUES {
        return;
    }
    for _ in 0..EPOCHS {
        chance.shuffle(examples);
        for batch in examples.chunks(BATCH) {
            let slope = slope(weights, batch);
            let rate = RATE / batch.len() as f32;
            for (weight, slope) in weights.iter_mut().zip(&slope) {
                *weight -= rate * slope;
            }
        }
    }
}

/// The share of the examples whose class has the highest score; 0 of none, and of weights of
/// another number.
#[must_use]
pub fn accuracy(weights: &[f32], examples: &[Example]) -> f64 {
    if weights.len() != VALUES || examples.is_empty() {
        return 0.0;
    }
    let right = examples.iter().filter(|example| {
        let scores = scores(weights, &example.pixels);
        let best = (0..CLASSES).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        best == Some(example.class)
    });
    right.count() as f64 / examples.len() as f64
}

fn scores(weights: &[f32], pixels: &[f32]) -> [f32; CLASSES] {
    let (biases, rows) = weights.split_at(CLASSES);
    std::array::from_fn(|class| {
        let row = &rows[class * PIXELS..(class + 1) * PIXELS];
        biases[class] + row.iter().zip(pixels).map(|(w, x)| w * x).sum::<f32>()
    })
}

/// The gradient, summed over a batch.
fn slope(weights: &[f32], batch: &[Example]) -> Vec<f32> {
    let mut slope = vec![0.0; VALUES];
    let (biases, rows) = slope.split_at_mut(CLASSES);
    for example in batch {
        let scores = scores(weights, &example.pixels);
        // The greatest is taken away first, so that no power is infinite.
        let greatest = scores.iter().copied().fold(f32::MIN, f32::max);
        let powers = scores.map(|score| (score - greatest).exp());
        let sum: f32 = powers.iter().sum();
        for (class, power) in powers.iter().enumerate() {
            let wrong = power / sum - f32::from(u8::from(class == example.class));
            let row = &mut rows[class * PIXELS..(class + 1) * PIXELS];
            for (slope, pixel) in row.iter_mut().zip(&example.pixels) {
                *slope += wrong * pixel;
            }
            biases[class] += wrong;
        }
    }
    slope
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(class: usize) -> Example {
        let mut pixels = [0.0; PIXELS];
        pixels[class] = 1.0;
        Example { pixels, class }
    }

    #[test]
    fn the_slope_is_that_of_the_cross_entropy() {
        let batch = [example(3), example(7)];
        let mut weights: Vec<f32> = (0..VALUES).map(|k| (k % 13) as f32 * 0.05).collect();
        let loss = |weights: &[f32]| -> f64 {
            let of = |example: &Example| {
                let scores = scores(weights, &example.pixels).map(f64::from);
                scores.map(f64::exp).iter().sum::<f64>().ln() - scores[example.class]
            };
            batch.iter().map(of).sum()
        };
        let slope = slope(&weights, &batch);
        for at in [0, 3, 7, CLASSES + 3, CLASSES + 3 * PIXELS + 3, VALUES - 1] {
            let (here, step) = (weights[at], 1e-2);
            weights[at] = here + step;
            let above = loss(&weights);
            weights[at] = here - step;
            let measured = (above - loss(&weights)) / f64::from(2.0 * step);
            weights[at] = here;
            assert!((measured - f64::from(slope[at])).abs() < 1e-3, "{at}");
        }
    }

    #[test]
    fn ten_examples_are_learnt_by_heart() {
        let mut examples: Vec<_> = (0..CLASSES).map(example).collect();
        let mut weights = untrained().unwrap().values().clone();
        assert_eq!(weights.len(), VALUES);
        for _ in 0..20 {
            train(&mut weights, &mut examples, &mut Chance::new(1));
        }
        assert_eq!(accuracy(&weights, &examples), 1.0);
    }

    #[test]
    fn weights_of_another_shape_learn_nothing() {
        let (mut weights, mut examples) = (vec![1.0; VALUES + 1], [example(1)]);
        train(&mut weights, &mut examples, &mut Chance::new(1));
        assert_eq!(weights, vec![1.0; VALUES + 1]);
        assert_eq!(accuracy(&weights, &examples), 0.0);
        assert_eq!(accuracy(&weights[1..], &[]), 0.0);
    }
}
