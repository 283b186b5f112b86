//! The terms of a state: what a server that begins on it says of how it is served and how its
//! rounds are closed.
//!
//! They are in the head and in the audit. Whoever closes a round, a server or an operator's
//! command, does it by them and not by settings of its own.

use serde::{Deserialize, Serialize};

use super::{Event, Plan, State, StateError};

/// What the server that began last has said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The dialect that it speaks.
    pub dialect: String,
    /// How a round's updates become one, as [`Rule`](crate::aggregate::Rule) is written.
    pub rule: String,
    /// What is done to long updates first, as [`Clip`](crate::aggregate::Clip) is written.
    pub clip: String,
    /// Updates at which a round is closed by itself; 0 for never.
    pub close_at: u64,
    /// Whether the next round is opened when one is closed.
    pub open_rounds: bool,
    /// The most examples that a device may claim.
    pub max_examples: u64,
}

impl State {
    /// Sets the terms, and gives those that stood before.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Busy`], [`StateError::Store`].
    pub fn set_terms(&self, now: u64, terms: &Terms) -> Result<Option<Terms>, StateError> {
        self.change(now, |head| {
            let before = head.terms.replace(terms.clone());
            if before.as_ref() == Some(terms) {
                return Ok(Plan::Keep(before));
            }
            let event = Event::TermsSet {
                terms: terms.clone(),
            };
            Ok(Plan::Change(Vec::new(), event, before))
        })
    }
}
