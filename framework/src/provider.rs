//! Who computes an algorithm, and what the author of that code claims for it.

use std::fmt;

/// Where a provider takes its random bytes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Randomness {
    /// Every random byte comes from the caller's argument: fit for simulation, vectors and seeds.
    Injected,
    /// The provider owns a generator and ignores the argument.
    Provider,
}

/// What is claimed about time that depends on secrets. Ordered: more is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConstantTime {
    /// Nothing is claimed.
    Unclaimed,
    /// The authors say so.
    Claimed,
    /// The authors show it by machine-checked proof or by continuous measurement.
    Checked,
}

impl fmt::Display for ConstantTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unclaimed => "unclaimed",
            Self::Claimed => "claimed",
            Self::Checked => "checked",
        })
    }
}

/// A provider of one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderInfo {
    /// The name after the `@`: `aws-lc`, `rustcrypto`, `pqclean`.
    pub name: String,
    /// Other names that a profile may use after the `@`.
    pub aliases: Vec<String>,
    /// The package that holds the code and its exact version: `ml-kem 0.3.4`.
    pub version: String,
    /// See [`Randomness`].
    pub randomness: Randomness,
    /// See [`ConstantTime`].
    pub constant_time: ConstantTime,
    /// Where the constant-time claim is made.
    pub constant_time_source: String,
    /// Whether the code is a validated cryptographic module (FIPS 140).
    pub validated: bool,
    /// Whether signatures take a non-empty native context (FIPS 204, FIPS 205).
    pub native_context: bool,
}

impl ProviderInfo {
    /// Describes a provider that takes injected randomness and claims nothing else.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.into(),
            aliases: Vec::new(),
            version: version.into(),
            randomness: Randomness::Injected,
            constant_time: ConstantTime::Unclaimed,
            constant_time_source: String::new(),
            validated: false,
            native_context: false,
        }
    }

    /// Adds another name for the `@`.
    #[must_use]
    pub fn alias(mut self, alias: &str) -> Self {
        self.aliases.push(alias.into());
        self
    }

    /// Whether `name` is this provider's name or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// Says that the provider owns its generator.
    #[must_use]
    pub fn own_randomness(mut self) -> Self {
        self.randomness = Randomness::Provider;
        self
    }

    /// Records a constant-time claim and where it is made.
    #[must_use]
    pub fn constant_time(mut self, claim: ConstantTime, source: &str) -> Self {
        self.constant_time = claim;
        self.constant_time_source = source.into();
        self
    }

    /// Says that the code is a validated module.
    #[must_use]
    pub fn validated(mut self) -> Self {
        self.validated = true;
        self
    }

    /// Says that signatures take a native context.
    #[must_use]
    pub fn native_context(mut self) -> Self {
        self.native_context = true;
        self
    }

    /// Whether this provider claims no less than `other`: what a stand-in must satisfy.
    #[must_use]
    pub fn claims_no_less_than(&self, other: &Self) -> bool {
        self.constant_time >= other.constant_time && (self.validated || !other.validated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_may_claim_more_but_not_less() {
        let plain = ProviderInfo::new("plain", "1");
        let claimed = plain
            .clone()
            .constant_time(ConstantTime::Claimed, "its README");
        let validated = claimed.clone().validated();
        assert!(claimed.claims_no_less_than(&plain));
        assert!(!plain.claims_no_less_than(&claimed));
        assert!(!claimed.claims_no_less_than(&validated));
        assert!(validated.claims_no_less_than(&claimed));
    }
}
