//! What both dialects and the operator do with a server's state: enrol, submit, serve the model,
//! close rounds.
//!
//! ```text
//! update ─▶ Service::submit ─▶ blob of the weights ─▶ the state: record, receipt, audit
//!                    └─ enough of them ─▶ aggregator ─▶ Service::close ─▶ the next model
//! ```
//!
//! Nothing here knows a protocol. Time is an argument; a signature has been verified by whoever
//! calls.

mod closing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub use closing::Closed;

use pqfw_framework::blobs::{BlobName, Blobs};
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::store::Store;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::world::Now;

use crate::aggregate::Limits;
use crate::config::QflareConfig;
use crate::error::Refusal;
use crate::json::hex;
use crate::model::{Model, ModelLimits, StoredModel, read};
use crate::state::{DeviceId, ModelName, NewUpdate, Phase, Receipt, State};

/// A server's state and its rules.
pub struct Service {
    state: State,
    blobs: Arc<dyn Blobs>,
    sha256: AdmittedHash,
    limits: Limits,
    model_limits: ModelLimits,
    config: QflareConfig,
    report: Arc<dyn Report>,
    /// The model that was served last.
    current: Mutex<Option<Arc<Global>>>,
    rates: Mutex<Rates>,
    /// A round, how many updates it had, and how many entries the audit had then.
    counted: Mutex<(u64, u64, u64)>,
    /// Rounds that have ended, and how many of them with a next model.
    closed: Mutex<(u64, u64)>,
    /// Requests that were not carried out, by their statuses.
    refusals: Mutex<BTreeMap<u16, u64>>,
    /// Called when a round has enough updates.
    due: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Signs the end of the audit.
    signer: OnceLock<Box<Signer>>,
}

/// Signs some bytes, or cannot.
type Signer = dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync;

/// The model that devices train.
pub struct Global {
    /// Its name.
    pub name: ModelName,
    /// Itself.
    pub model: Model,
}

impl Global {
    /// How many bytes its canonical form has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.model.length()
    }

    /// `r<round>-<the first 12 digits of the hash>`.
    #[must_use]
    pub fn version(&self) -> String {
        version(&self.name)
    }
}

/// How a model is called: `r<round>-<the first 12 digits of its hash>`.
#[must_use]
pub fn version(name: &ModelName) -> String {
    let digits = hex(&name.hash);
    format!("r{}-{}", name.round, digits.get(..12).unwrap_or(&digits))
}

/// A verified update that is offered.
pub struct Offer {
    /// Whose it is.
    pub device: DeviceId,
    /// The round that it says it is for; without it, the open one.
    pub round: Option<u64>,
    /// The hash of the model that it says it was trained from; without it, the current one.
    pub base: Option<Vec<u8>>,
    /// The weights.
    pub weights: Model,
    /// On how many examples it was trained.
    pub examples: u64,
    /// What was signed.
    pub transcript: Vec<u8>,
    /// Its signature.
    pub signature: Vec<u8>,
}

impl Service {
    /// Opens the state; makes the first model when the profile describes one and there is none.
    ///
    /// # Errors
    /// [`Refusal::Setting`], [`Refusal::Unavailable`], [`Refusal::Internal`].
    pub fn open(
        now: Now,
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        sha256: AdmittedHash,
        config: QflareConfig,
        report: Arc<dyn Report>,
    ) -> Result<Self, Refusal> {
        config.recipe()?;
        let initial = config.initial_model()?;
        let state = State::open(store, sha256.clone(), config.state_limits())?;
        let service = Self {
            state,
            blobs,
            sha256,
            limits: config.limits(),
            model_limits: config.model_limits(),
            config,
            report,
            current: Mutex::default(),
            rates: Mutex::default(),
            counted: Mutex::default(),
            closed: Mutex::default(),
            refusals: Mutex::default(),
            due: OnceLock::new(),
            signer: OnceLock::new(),
        };
        if let (Some(model), None) = (initial, service.state.head()?.model) {
            service.set_model(now, &model)?;
        }
        Ok(service)
    }

    /// Begins to serve in a dialect: from here on rounds are closed by this profile's settings,
    /// whoever closes them. Opens a round, when the profile says so and none is under way.
    ///
    /// # Errors
    /// [`Refusal::Setting`], [`Refusal::Unavailable`], [`Refusal::Internal`].
    pub fn begin(&self, now: Now, dialect: &str) -> Result<(), Refusal> {
        let terms = self.config.terms(dialect)?;
        if self.state.set_terms(secs(now), &terms)?.as_ref() != Some(&terms) {
            let (rule, clip) = (&terms.rule, &terms.clip);
            self.tell(format!("rounds are closed by {rule}, clip {clip}"));
        }
        self.open_next(now)
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The profile's table.
    #[must_use]
    pub fn config(&self) -> &QflareConfig {
        &self.config
    }

    /// SHA-256.
    #[must_use]
    pub fn sha256(&self) -> &AdmittedHash {
        &self.sha256
    }

    /// The bounds of a model from outside.
    #[must_use]
    pub fn model_limits(&self) -> &ModelLimits {
        &self.model_limits
    }

    /// Says who closes rounds that have enough updates. Without it a round is closed by the
    /// request that makes it full, before its answer.
    pub fn when_due(&self, call: impl Fn() + Send + Sync + 'static) {
        // A second one would be a fault of the caller; the first stays.
        let _ = self.due.set(Box::new(call));
    }

    /// Tells the operator about a request that is not carried out.
    pub fn complain(&self, route: &str, refusal: &Refusal) {
        let (status, text) = (refusal.status(), refusal.for_the_log());
        *locked(&self.refusals).entry(status).or_default() += 1;
        let text = format!("{route} refused: {status} {text}");
        self.report.event(&match refusal {
            Refusal::Internal(_) | Refusal::Unavailable(_) => Event::Warning(text),
            _ => Event::Info(text),
        });
    }

    /// How many requests were not carried out, by their statuses.
    #[must_use]
    pub fn refusals(&self) -> BTreeMap<u16, u64> {
        locked(&self.refusals).clone()
    }

    /// Says who signs the end of the audit when a round is closed.
    pub fn sign_ends_with(&self, sign: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) {
        // A second one would be a fault of the caller; the first stays.
        let _ = self.signer.set(Box::new(sign));
    }

    /// Tells the operator whose update is none of the model that is trained.
    pub(crate) fn is_no_update(&self, device: &DeviceId, refusal: &Refusal) {
        let why = refusal.for_the_log();
        self.tell(format!("what device {device} sent is no update: {why}"));
    }

    /// Tells the operator what happened.
    pub fn tell(&self, what: impl Into<String>) {
        self.report.event(&Event::Info(what.into()));
    }

    /// The current model.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`], [`Refusal::Internal`].
    pub fn global(&self) -> Result<Option<Arc<Global>>, Refusal> {
        let Some(name) = self.state.head()?.model else {
            return Ok(None);
        };
        let known = locked(&self.current).clone();
        if let Some(known) = known.filter(|known| known.name == name) {
            return Ok(Some(known));
        }
        let model = self.read_model(&name)?;
        let global = Arc::new(Global { name, model });
        *locked(&self.current) = Some(global.clone());
        Ok(Some(global))
    }

    fn read_model(&self, name: &ModelName) -> Result<Model, Refusal> {
        let version = version(name);
        let damaged =
            |what: &dyn std::fmt::Display| Refusal::Internal(format!("model {version}: {what}"));
        let blob = BlobName::of_digest(&name.hash).ok_or_else(|| damaged(&"no name of a blob"))?;
        let length = self.blobs.length(&blob)?;
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| damaged(&"its blob is missing"))?;
        let mut file = vec![0; length];
        self.blobs.read(&blob, 0, &mut file)?;
        if self.sha256.digest(&[&file]) != name.hash {
            return Err(damaged(&"its blob is not what its name says"));
        }
        read(&file, &ModelLimits::default()).map_err(|error| damaged(&error))
    }

    /// Sets the model that the next round begins from, and opens that round when the profile says
    /// so.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] while a round is under way; [`Refusal::Unavailable`].
    pub fn set_model(&self, now: Now, model: &Model) -> Result<ModelName, Refusal> {
        let stored = StoredModel::keep(model, &self.blobs, &self.sha256)?;
        let name = self.state.set_model(secs(now), stored.name().digest())?;
        self.tell(format!("the global model is {}", version(&name)));
        self.open_next(now)?;
        Ok(name)
    }

    /// Opens the next round, when the terms or else the profile say so and none is under way.
    fn open_next(&self, now: Now) -> Result<(), Refusal> {
        let head = self.state.head()?;
        // The first model may be set before the first server begins.
        let said = head.terms.as_ref().map(|terms| terms.open_rounds);
        if !said.unwrap_or(self.config.open_rounds) || head.model.is_none() {
            return Ok(());
        }
        match self.state.round(head.round)?.map(|round| round.phase) {
            Some(Phase::Open | Phase::Aggregating { .. }) => Ok(()),
            Some(Phase::Closed | Phase::Aborted) | None => {
                match self.state.open_round(secs(now)) {
                    // Another server was faster.
                    Ok(_) | Err(crate::state::StateError::RoundUnderWay(_)) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Accepts a verified update: its weights are on the disk before its record, and its record
    /// before this returns.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] with the current round for one that is stale; [`Refusal::NotFound`],
    /// [`Refusal::Forbidden`], [`Refusal::Unprocessable`], [`Refusal::Unavailable`].
    pub fn submit(&self, now: Now, offer: Offer) -> Result<Receipt, Refusal> {
        let Some(global) = self.global()? else {
            return Err(Refusal::conflict("there is no global model to train yet"));
        };
        offer.weights.check_layout(global.model.layout())?;
        if offer.examples == 0 || offer.examples > self.limits.examples {
            let most = self.limits.examples;
            let text = format!("the number of examples is from 1 to {most}");
            return Err(Refusal::field("metadata", &text));
        }
        let weights = offer.weights.hash(&self.sha256);
        let round = match offer.round {
            Some(round) => round,
            None => self.state.head()?.round,
        };
        let new = NewUpdate {
            round,
            base: offer.base.unwrap_or_else(|| global.name.hash.clone()),
            weights,
            examples: offer.examples,
            transcript: offer.transcript,
            signature: offer.signature,
            device: offer.device,
        };
        // A flood of stale updates fills no disk.
        self.state
            .may_submit(&new)
            .map_err(|error| self.stale(error))?;
        StoredModel::keep(&offer.weights, &self.blobs, &self.sha256)?;
        let receipt = self.state.submit(secs(now), &new);
        let receipt = receipt.map_err(|error| self.stale(error))?;
        let (device, entry) = (&receipt.device, receipt.entry);
        self.tell(format!(
            "update of {device} in round {round}: receipt {entry}"
        ));
        match self.due.get() {
            Some(due) => due(),
            None => {
                // The update is accepted whatever becomes of the round.
                if let Err(refusal) = self.close_if_due(now) {
                    self.complain("aggregation", &refusal);
                }
            }
        }
        Ok(receipt)
    }

    fn stale(&self, error: crate::state::StateError) -> Refusal {
        let detail = error.to_string();
        let current = || {
            let head = self.state.head().ok()?;
            Some((head.round, version(&head.model?)))
        };
        match Refusal::from(error) {
            Refusal::Conflict { .. } => Refusal::Conflict {
                detail,
                current: current(),
            },
            other => other,
        }
    }

    /// Counts a request in the name of a device; the device is known to be there, which bounds how
    /// many are counted.
    ///
    /// # Errors
    /// [`Refusal::TooMany`].
    pub fn count(&self, now: Now, route: &'static str, device: &DeviceId) -> Result<(), Refusal> {
        let most = self.config.per_device_per_minute;
        let mut rates = locked(&self.rates);
        let minute = now.since_start.as_secs() / 60;
        if rates.minute != minute {
            rates.minute = minute;
            rates.counts.clear();
        }
        let count = rates.counts.entry((route, device.clone())).or_default();
        *count = count.saturating_add(1);
        if most > 0 && *count > most {
            return Err(Refusal::TooMany);
        }
        Ok(())
    }
}

/// Requests of this minute, by what they ask and for whom.
#[derive(Default)]
struct Rates {
    minute: u64,
    counts: BTreeMap<(&'static str, DeviceId), u32>,
}

/// Seconds since 1970.
#[must_use]
pub fn secs(now: Now) -> u64 {
    now.unix_micros / 1_000_000
}

/// The machines behind these locks never panic between two of their changes.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
