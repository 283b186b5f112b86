//! Models under the policies in force: what every dialect serves once it knows who asks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::python_json::Json;
use pqfw_framework::store::Store;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::world::Now;

use crate::config::{PolicyNotes, Qu3Config};
use crate::error::{ClientError, Refusal};
use crate::models::Models;
use crate::policies::{Policies, Update};
use crate::policy::{self, MAX_POLICY_BYTES, Reading};

/// Models, and who may run which.
pub struct Governed {
    models: Models,
    notes: PolicyNotes,
    max_policy_clients: u64,
    store: Arc<dyn Store>,
    report: Arc<dyn Report>,
    policies: Mutex<Policies>,
    /// One policy update at a time, without holding up requests while a disk is waited for.
    writer: Mutex<()>,
}

/// A policy that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its version, from 1 for each client.
    pub version: u64,
    /// Whether it is enforced, or a note.
    pub enforced: bool,
}

impl Governed {
    /// Loads the policies in force.
    ///
    /// # Errors
    /// [`ClientError::Crypto`] when the store's policies cannot be loaded; [`ClientError::Config`].
    pub fn new(
        models: Models,
        config: &Qu3Config,
        store: Arc<dyn Store>,
        report: Arc<dyn Report>,
    ) -> Result<Self, ClientError> {
        let policies = Policies::load(&*store, config.administrators()?)
            .map_err(|error| ClientError::Crypto(error.to_string()))?;
        Ok(Self {
            models,
            notes: config.policy_notes,
            max_policy_clients: config.max_policy_clients,
            store,
            report,
            policies: Mutex::new(policies),
            writer: Mutex::default(),
        })
    }

    fn policies(&self) -> MutexGuard<'_, Policies> {
        // The machine behind the lock never panics between two of its changes.
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the operator about a request that is not carried out.
    pub fn complain(&self, route: &str, refusal: &Refusal) {
        self.report.event(&match refusal {
            Refusal::Internal(cause) => Event::Warning(format!("{route}: {cause}")),
            other => Event::Info(format!("{route} refused: {} {other}", other.status())),
        });
    }

    /// The models there are.
    #[must_use]
    pub fn models(&self) -> &Models {
        &self.models
    }

    /// Runs a model for a client, if the policies in force let it.
    ///
    /// # Errors
    /// The text that the client is given.
    pub fn run(&self, client: &Fingerprint, model: &str, input: &Json) -> Result<Json, String> {
        self.policies().check(client, model)?;
        self.models.run(model, input)
    }

    /// Keeps a client's policy, and enforces it from now on if it has a rule. `evidence` is what
    /// proves that the client sent it; no evidence counts twice.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`], [`Refusal::Replayed`], [`Refusal::Full`], [`Refusal::Internal`].
    pub fn set_policy(
        &self,
        now: Now,
        client: &Fingerprint,
        text: &str,
        evidence: &[u8],
    ) -> Result<Kept, Refusal> {
        let bad = |reason: String| Refusal::BadRequest(format!("Policy not understood: {reason}"));
        if text.len() > MAX_POLICY_BYTES {
            return Err(bad(format!("longer than {MAX_POLICY_BYTES} bytes.")));
        }
        let reading =
            policy::read(text, &self.models.names()).map_err(|error| bad(error.to_string()))?;
        match &reading {
            Reading::Rules(rules) if rules.names_clients() => {
                if !self.policies().is_administrator(client) {
                    return Err(bad("only a policy administrator may name clients.".into()));
                }
            }
            Reading::Note if self.notes == PolicyNotes::Refuse => {
                return Err(bad("no line is a rule.".into()));
            }
            Reading::Rules(_) | Reading::Note => {}
        }
        if let Reading::Rules(rules) = &reading
            && rules.models().any(|model| !self.models.has(model))
        {
            self.report.event(&Event::Warning(format!(
                "a policy of {client} speaks of a model that this server does not have"
            )));
        }
        let update = Update {
            client,
            text,
            reading: reading.clone(),
            signature: evidence,
            now,
        };
        let writer = self.writer.lock();
        let _one_at_a_time = writer.unwrap_or_else(PoisonError::into_inner);
        let prepared = self.policies().prepare(&update);
        Policies::store(&*self.store, &update, &prepared, self.max_policy_clients)?;
        let kept = Kept {
            version: prepared.0.version(),
            enforced: prepared.0.enforced,
        };
        self.policies().enforce(prepared.0);
        let version = kept.version;
        self.report.event(&if kept.enforced {
            Event::Info(format!("policy version {version} of {client} is in force"))
        } else {
            Event::Warning(format!(
                "policy version {version} of {client} has no rule and is kept as a note: nothing \
                 new is enforced"
            ))
        });
        Ok(kept)
    }
}
