//! The `[qflare]` table of a profile.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::aggregate::{Limits, Recipe};
use crate::error::Refusal;
use crate::model::{Model, ModelLimits, Shape, Tensor};
use crate::state::{StateLimits, Terms};

/// The system's own keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QflareConfig {
    /// How a round's updates become one: `multi_krum(F)`, `krum(F)`, `median`,
    /// `trimmed_mean(BETA)`, `cosine(TAU)`, `fedavg`, `qflare_cosine(TAU)`.
    pub rule: String,
    /// What is done to long updates first: `median`, a norm, or `none`.
    pub clip: String,
    /// Updates at which a round is closed by itself, if its rule needs no more; 0 leaves it to the
    /// operator.
    pub close_at: u64,
    /// Whether the next round is opened when one is closed, and the first when there is a model.
    pub open_rounds: bool,
    /// Seconds an aggregator has a round to itself. Whoever takes over waits as long.
    pub lease_secs: u64,
    /// A model of zeros that a server without a model begins with: dimensions by name. Without it
    /// the operator sets one.
    pub initial: BTreeMap<String, Vec<usize>>,
    /// Whether an update needs a session token of `verify_challenge`. Deployed devices never ask
    /// for one. `qflare-1`.
    pub require_session: bool,
    /// Seconds a challenge may be answered in.
    pub challenge_secs: u64,
    /// Seconds a session token is good for. `qflare-1`.
    pub session_secs: u64,
    /// Seconds a one-time session key waits to be taken. `qflare-2`.
    pub session_key_secs: u64,
    /// Requests in the name of one device in a minute; 0 for no limit.
    pub per_device_per_minute: u32,
    /// The most devices, revoked ones too.
    pub max_devices: u64,
    /// The most tokens that are not used.
    pub max_tokens: u64,
    /// The most values of a model.
    pub max_values: u64,
    /// The most examples that a device may claim.
    pub max_examples: u64,
    /// The most updates of a round.
    pub max_updates: u32,
    /// The most values of a round, over all updates.
    pub max_round_values: u64,
    /// Bytes of weights that an aggregation holds at once.
    pub memory_bytes: u64,
    /// Where the operator comes in: `unix:PATH`, relative to the state directory, or a loopback
    /// address, with the token in `admin.token` of the key directory. Empty: nowhere.
    pub admin: String,
    /// Where Prometheus reads numbers, an address; empty: nowhere.
    pub metrics: String,
    /// Role client: this device.
    pub device: String,
    /// Role client: the server's fingerprint, when no token has told it. `qflare-2`.
    pub server_fingerprint: String,
}

impl Default for QflareConfig {
    fn default() -> Self {
        let (limits, state) = (Limits::default(), StateLimits::default());
        Self {
            rule: "multi_krum(1)".into(),
            clip: "median".into(),
            close_at: 5,
            open_rounds: true,
            lease_secs: 300,
            initial: BTreeMap::new(),
            require_session: false,
            challenge_secs: 60,
            session_secs: 3600,
            session_key_secs: 300,
            per_device_per_minute: 60,
            max_devices: state.devices,
            max_tokens: state.tokens,
            max_values: 1 << 24,
            max_examples: limits.examples,
            max_updates: 1024,
            max_round_values: limits.values,
            memory_bytes: limits.memory_bytes as u64,
            admin: "unix:admin.sock".into(),
            metrics: String::new(),
            device: String::new(),
            server_fingerprint: String::new(),
        }
    }
}

impl QflareConfig {
    /// What is done in a round.
    ///
    /// # Errors
    /// [`Refusal::Setting`] that names the key.
    pub fn recipe(&self) -> Result<Recipe, Refusal> {
        let wrong = |key: &str, error: crate::aggregate::AggregateError| {
            Refusal::Setting(format!("qflare.{key}: {error}"))
        };
        let recipe = Recipe {
            rule: self.rule.parse().map_err(|error| wrong("rule", error))?,
            clip: self.clip.parse().map_err(|error| wrong("clip", error))?,
        };
        recipe.check().map_err(|error| wrong("rule", error))?;
        Ok(recipe)
    }

    /// What a server of this dialect says of how its rounds are closed.
    ///
    /// # Errors
    /// [`Refusal::Setting`] that names the key.
    pub fn terms(&self, dialect: &str) -> Result<Terms, Refusal> {
        let recipe = self.recipe()?;
        Ok(Terms {
            dialect: dialect.to_owned(),
            rule: recipe.rule.to_string(),
            clip: recipe.clip.to_string(),
            close_at: self.close_at,
            open_rounds: self.open_rounds,
            max_examples: self.max_examples,
        })
    }

    /// The bounds of an aggregation.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            updates: usize::try_from(self.max_updates).unwrap_or(usize::MAX),
            values: self.max_round_values,
            examples: self.max_examples,
            memory_bytes: usize::try_from(self.memory_bytes).unwrap_or(usize::MAX),
        }
    }

    /// The bounds of what is kept.
    #[must_use]
    pub fn state_limits(&self) -> StateLimits {
        StateLimits {
            devices: self.max_devices,
            tokens: self.max_tokens,
        }
    }

    /// The bounds of a model from outside.
    #[must_use]
    pub fn model_limits(&self) -> ModelLimits {
        ModelLimits {
            values: self.max_values,
            ..ModelLimits::default()
        }
    }

    /// The model that `initial` describes.
    ///
    /// # Errors
    /// [`Refusal::Setting`] when it is none.
    pub fn initial_model(&self) -> Result<Option<Model>, Refusal> {
        if self.initial.is_empty() {
            return Ok(None);
        }
        let wrong =
            |what: &dyn std::fmt::Display| Refusal::Setting(format!("qflare.initial: {what}"));
        let limits = self.model_limits();
        let mut tensors = Vec::new();
        for (name, dimensions) in &self.initial {
            let product = dimensions
                .iter()
                .try_fold(1usize, |all, one| all.checked_mul(*one));
            let values = product.filter(|values| *values as u64 <= limits.values);
            let values = values.ok_or_else(|| wrong(&"more values than qflare.max_values"))?;
            tensors.push(Tensor {
                shape: Shape {
                    name: name.clone(),
                    dimensions: dimensions.clone(),
                },
                values: vec![0.0; values],
            });
        }
        Model::new(tensors, &limits)
            .map(Some)
            .map_err(|error| wrong(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(config: &QflareConfig) -> bool {
        let recipe = config.recipe().map(drop);
        let model = config.initial_model().map(drop);
        matches!(recipe.and(model), Err(Refusal::Setting(_)))
    }

    #[test]
    fn the_defaults_can_be_used() {
        let config = QflareConfig::default();
        assert!(!refused(&config));
        assert_eq!(config.initial_model().unwrap(), None);
        assert_eq!(config.state_limits(), StateLimits::default());
        assert_eq!(config.limits(), Limits::default());
    }

    #[test]
    fn settings_that_cannot_work_are_refused_with_their_key() {
        let with = |change: fn(&mut QflareConfig)| {
            let mut config = QflareConfig::default();
            change(&mut config);
            config
        };
        assert!(refused(&with(|c| c.rule = "mean".into())));
        assert!(refused(&with(|c| c.clip = "-1".into())));
        assert!(refused(&with(|c| c.rule = "cosine(2)".into())));
        for dimensions in [vec![usize::MAX, 2], vec![1 << 30]] {
            let mut config = QflareConfig::default();
            config.initial.insert("w".into(), dimensions);
            assert!(refused(&config));
        }
        let mut config = QflareConfig::default();
        config.initial.insert("w".into(), vec![2, 3]);
        assert_eq!(config.initial_model().unwrap().unwrap().values().len(), 6);
    }
}
