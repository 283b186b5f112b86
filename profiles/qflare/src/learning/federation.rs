//! The devices of one run, each with its share of the examples.

use super::chance::Chance;
use super::digits::Example;
use super::lie::Lie;
use super::softmax::{accuracy, train};

/// Devices with equal shares of shuffled examples (independent and identically distributed), and
/// a fifth that none of them has: of each fifty in order the last ten, so that every seed is judged
/// by the same examples, of all classes and writers.
#[derive(Clone, Debug)]
pub struct Federation {
    /// The devices, in the order of their ids.
    pub trainers: Vec<Trainer>,
    held_back: Vec<Example>,
}

/// One device: what it has seen, and whether it lies.
#[derive(Clone, Debug)]
pub struct Trainer {
    examples: Vec<Example>,
    lie: Option<Lie>,
    chance: Chance,
}

impl Federation {
    /// Shares the examples out among `devices`, of which the first `liars` lie. They have the
    /// lowest ids, so that ties favour them.
    #[must_use]
    pub fn split(examples: &[Example], devices: usize, liars: usize, lie: Lie, seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let (mut shared, mut held_back) = (Vec::new(), Vec::new());
        for fifty in examples.chunks(50) {
            let (first, last) = fifty.split_at(fifty.len().min(40));
            shared.extend_from_slice(first);
            held_back.extend_from_slice(last);
        }
        chance.shuffle(&mut shared);
        let share = (shared.len() / devices.max(1)).max(1);
        let shares = shared.chunks(share).take(devices).enumerate();
        let trainers = shares.map(|(number, share)| {
            let mut trainer = Trainer {
                examples: share.to_vec(),
                lie: (number < liars).then_some(lie),
                chance: Chance::new(chance.bits()),
            };
            if let Some(lie) = trainer.lie {
                lie.spoil(&mut trainer.examples);
            }
            trainer
        });
        Self {
            trainers: trainers.collect(),
            held_back,
        }
    }

    /// How well a model does on the examples that nobody trained on, from 0 to 1.
    #[must_use]
    pub fn accuracy(&self, weights: &[f32]) -> f64 {
        accuracy(weights, &self.held_back)
    }
}

impl Trainer {
    /// What the device sends in a round on this base: the whole weights, honest or not. Each call
    /// is another round: the examples come in another order.
    pub fn update(&mut self, base: &[f32]) -> Vec<f32> {
        let mut weights = base.to_vec();
        train(&mut weights, &mut self.examples, &mut self.chance);
        if let Some(lie) = self.lie {
            lie.tell(base, &mut weights, &mut self.chance);
        }
        weights
    }

    /// On how many examples it trains.
    #[must_use]
    pub fn examples(&self) -> u64 {
        self.examples.len() as u64
    }

    /// How it lies, if it does.
    #[must_use]
    pub fn lie(&self) -> Option<Lie> {
        self.lie
    }
}
