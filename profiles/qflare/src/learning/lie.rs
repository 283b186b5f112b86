//! What devices send that do not want the model to be good.

use std::fmt;

use super::chance::Chance;
use super::digits::{CLASSES, Example};

/// A way to lie. All but [`Lie::LabelFlip`] begin with the honest update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Ten times the step, backwards.
    SignFlip,
    /// A million times the step.
    Scaled,
    /// Weights that are no numbers.
    NotANumber,
    /// The base with noise on it, of ten times the length of a common weight.
    Noise,
    /// An honest training on wrong answers: 9 for 0, 8 for 1, and so on.
    LabelFlip,
    /// A weight too many.
    WrongShape,
}

impl Lie {
    /// Every lie.
    pub const ALL: [Self; 6] = [
        Self::SignFlip,
        Self::Scaled,
        Self::NotANumber,
        Self::Noise,
        Self::LabelFlip,
        Self::WrongShape,
    ];

    /// What is done to the examples before they are trained on.
    pub(super) fn spoil(self, examples: &mut [Example]) {
        if self == Self::LabelFlip {
            for example in examples {
                example.class = CLASSES - 1 - example.class;
            }
        }
    }

    /// What is done to the weights after training.
    pub(super) fn tell(self, base: &[f32], weights: &mut Vec<f32>, chance: &mut Chance) {
        let mut each = |tell: &mut dyn FnMut(f32, f32) -> f32| {
            for (weight, base) in weights.iter_mut().zip(base) {
                *weight = tell(*base, *weight - base);
            }
        };
        match self {
            Self::SignFlip => each(&mut |base, delta| base - 10.0 * delta),
            Self::Scaled => each(&mut |base, delta| base + 1e6 * delta),
            Self::NotANumber => each(&mut |_, _| f32::NAN),
            Self::Noise => each(&mut |base, _| base + 10.0 * chance.normal() as f32),
            Self::LabelFlip => {}
            Self::WrongShape => weights.push(0.0),
        }
    }
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignFlip => "ten times the step, backwards",
            Self::Scaled => "a million times the step",
            Self::NotANumber => "no numbers",
            Self::Noise => "noise",
            Self::LabelFlip => "wrong labels",
            Self::WrongShape => "a weight too many",
        })
    }
}
