//! Rounds, from the first model to the next.
//!
//! ```text
//! open ── take ──▶ aggregating ── close ──▶ closed, and the model is the next
//!   ▲                │     ▲ │
//!   └── release ─────┘     └─┘ take again when the lease has ended
//! open, aggregating ── abort ──▶ aborted, and the model stays
//! ```
//!
//! Whoever takes a round gets its fencing number, and each taking raises it. A server that was slow
//! or dead finds its lease lost and changes nothing. From the first taking on the updates of a
//! round are those there are, so whoever closes it computes the same model.

use pqfw_framework::store::{Edit, Was};

use super::enrolment::device_of;
use super::record::{DeviceId, ModelName, Phase, Receipt, Round, Update};
use super::{Event, Plan, ROUNDS, State, StateError, Terms, UPDATES};

/// A verified update, as it is offered.
#[derive(Clone, Debug)]
pub struct NewUpdate {
    /// Whose it is.
    pub device: DeviceId,
    /// The round that it is for.
    pub round: u64,
    /// The hash of the model that the device trained.
    pub base: Vec<u8>,
    /// The hash of its weights, which are kept elsewhere and are on the disk already.
    pub weights: Vec<u8>,
    /// On how many examples it was trained.
    pub examples: u64,
    /// What the device signed.
    pub transcript: Vec<u8>,
    /// Its signature.
    pub signature: Vec<u8>,
}

/// The right to close a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The round.
    pub round: u64,
    /// The fencing number.
    pub fence: u64,
}

impl State {
    /// Sets the model that the next round begins from.
    ///
    /// # Errors
    /// [`StateError::RoundUnderWay`].
    pub fn set_model(&self, now: u64, hash: &[u8]) -> Result<ModelName, StateError> {
        self.change(now, |head| {
            self.none_under_way(head.round)?;
            let model = ModelName {
                round: head.round,
                hash: hash.to_vec(),
            };
            head.model = Some(model.clone());
            let event = Event::ModelSet {
                model: model.clone(),
            };
            Ok(Plan::Change(Vec::new(), event, model))
        })
    }

    /// Opens the next round on the current model.
    ///
    /// # Errors
    /// [`StateError::NoModel`], [`StateError::RoundUnderWay`].
    pub fn open_round(&self, now: u64) -> Result<u64, StateError> {
        self.change(now, |head| {
            self.none_under_way(head.round)?;
            let base = head.model.clone().ok_or(StateError::NoModel)?;
            head.round += 1;
            let round = head.round;
            let event = Event::RoundOpened {
                round,
                base: base.clone(),
            };
            let opened = Round {
                base,
                fence: 0,
                phase: Phase::Open,
            };
            Ok(Plan::Change(
                vec![self.round_edit(round, &opened)?],
                event,
                round,
            ))
        })
    }

    /// Accepts an update and gives its receipt. The same update again gets the same receipt.
    ///
    /// # Errors
    /// [`StateError::UnknownDevice`], [`StateError::Revoked`], [`StateError::AlreadySubmitted`],
    /// [`StateError::Stale`].
    pub fn submit(&self, now: u64, new: &NewUpdate) -> Result<Receipt, StateError> {
        let key = update_key(new.round, &new.device);
        self.change(now, |head| {
            self.active(&new.device)?;
            if let Some(there) = self.fits(head.round, new)? {
                return Ok(Plan::Keep(there.receipt));
            }
            let receipt = Receipt {
                round: new.round,
                device: new.device.clone(),
                weights: new.weights.clone(),
                received: now,
                entry: head.entries,
            };
            let update = Update {
                examples: new.examples,
                transcript: new.transcript.clone(),
                signature: new.signature.clone(),
                receipt: receipt.clone(),
            };
            let edits = vec![self.put(UPDATES, &key, &update, Was::Nothing)?];
            let event = Event::UpdateAccepted {
                round: new.round,
                device: new.device.clone(),
                weights: new.weights.clone(),
                examples: new.examples,
            };
            Ok(Plan::Change(edits, event, receipt))
        })
    }

    /// Whether an update would be accepted as things stand: asked before its weights are kept.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub fn may_submit(&self, new: &NewUpdate) -> Result<(), StateError> {
        self.active(&new.device)?;
        self.fits(self.head()?.round, new).map(drop)
    }

    /// The update of this device that is there already, when it has the same weights.
    fn fits(&self, newest: u64, new: &NewUpdate) -> Result<Option<Update>, StateError> {
        let key = update_key(new.round, &new.device);
        if let Some(there) = self.get::<Update>(UPDATES, &key)? {
            if there.receipt.weights == new.weights {
                return Ok(Some(there));
            }
            return Err(StateError::AlreadySubmitted);
        }
        let round = self.round(newest)?;
        let phase = round
            .as_ref()
            .map_or("not open", |round| round.phase.word());
        let fits = round.is_some_and(|round| {
            let this = new.round == newest && round.base.hash == new.base;
            this && round.phase == Phase::Open
        });
        if fits {
            return Ok(None);
        }
        let round = newest;
        Err(StateError::Stale { round, phase })
    }

    /// How many updates a round has.
    ///
    /// # Errors
    /// [`StateError::Store`].
    pub fn updates_counted(&self, round: u64) -> Result<u64, StateError> {
        let prefix = round.to_be_bytes();
        let (mut counted, mut after) = (0, prefix.to_vec());
        loop {
            let page = self.store.page(UPDATES, Some(&after), PAGE)?;
            let ours = page
                .iter()
                .filter(|(key, _)| key.starts_with(&prefix))
                .count();
            counted += ours as u64;
            match page.into_iter().next_back() {
                Some((last, _)) if ours == PAGE => after = last,
                _ => return Ok(counted),
            }
        }
    }

    /// A round.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn round(&self, round: u64) -> Result<Option<Round>, StateError> {
        self.get(ROUNDS, &round.to_be_bytes())
    }

    /// The updates of a round, by their devices.
    ///
    /// # Errors
    /// [`StateError::Damaged`], [`StateError::Store`].
    pub fn updates(&self, round: u64) -> Result<Vec<(DeviceId, Update)>, StateError> {
        let prefix = round.to_be_bytes();
        let all = self.all(UPDATES, &prefix)?.into_iter();
        all.map(|(key, update)| Ok((device_of(&key[prefix.len()..])?, update)))
            .collect()
    }

    /// Takes the round to aggregate it, until some second, by the terms that stand at this moment.
    ///
    /// # Errors
    /// [`StateError::NoRound`], [`StateError::Leased`] while another has it,
    /// [`StateError::NoTerms`].
    pub fn take_round(&self, now: u64, until: u64) -> Result<(Lease, Terms), StateError> {
        self.change(now, |head| {
            let mut round = self.round(head.round)?.ok_or(StateError::NoRound)?;
            match round.phase {
                Phase::Open => {}
                Phase::Aggregating { until } if until <= now => {}
                Phase::Aggregating { until } => return Err(StateError::Leased { until }),
                Phase::Closed | Phase::Aborted => return Err(StateError::NoRound),
            }
            let terms = head.terms.clone().ok_or(StateError::NoTerms)?;
            round.fence += 1;
            round.phase = Phase::Aggregating { until };
            let lease = Lease {
                round: head.round,
                fence: round.fence,
            };
            let event = Event::RoundTaken {
                round: lease.round,
                fence: lease.fence,
            };
            Ok(Plan::Change(
                vec![self.round_edit(head.round, &round)?],
                event,
                (lease, terms),
            ))
        })
    }

    /// Opens the round again, when it has too few updates for its rule.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`].
    pub fn release_round(&self, now: u64, lease: Lease) -> Result<(), StateError> {
        let event = Event::RoundReleased { round: lease.round };
        self.end(now, lease, Phase::Open, None, event)
    }

    /// Closes the round: the next model, its entry in the audit and the end of the round are one
    /// change. The model's blob is on the disk already.
    ///
    /// # Errors
    /// [`StateError::LeaseLost`].
    pub fn close_round(
        &self,
        now: u64,
        lease: Lease,
        model: &[u8],
        verdicts: &[(DeviceId, String)],
    ) -> Result<ModelName, StateError> {
        let model = ModelName {
            round: lease.round,
            hash: model.to_vec(),
        };
        let event = Event::RoundClosed {
            model: model.clone(),
            verdicts: verdicts.to_vec(),
        };
        self.end(now, lease, Phase::Closed, Some(&model), event)?;
        Ok(model)
    }

    /// Ends the round without a model, whoever has it.
    ///
    /// # Errors
    /// [`StateError::NoRound`].
    pub fn abort_round(&self, now: u64, reason: &str) -> Result<(), StateError> {
        self.change(now, |head| {
            let mut round = self.round(head.round)?.ok_or(StateError::NoRound)?;
            if matches!(round.phase, Phase::Closed | Phase::Aborted) {
                return Err(StateError::NoRound);
            }
            round.phase = Phase::Aborted;
            let event = Event::RoundAborted {
                round: head.round,
                reason: reason.to_owned(),
            };
            Ok(Plan::Change(
                vec![self.round_edit(head.round, &round)?],
                event,
                (),
            ))
        })
    }

    fn end(
        &self,
        now: u64,
        lease: Lease,
        phase: Phase,
        model: Option<&ModelName>,
        event: Event,
    ) -> Result<(), StateError> {
        self.change(now, |head| {
            let mut round = self.round(lease.round)?.ok_or(StateError::LeaseLost)?;
            let held = matches!(round.phase, Phase::Aggregating { .. });
            if !held || round.fence != lease.fence {
                return Err(StateError::LeaseLost);
            }
            round.phase = phase.clone();
            if let Some(model) = model {
                head.model = Some(model.clone());
            }
            let edits = vec![self.round_edit(lease.round, &round)?];
            Ok(Plan::Change(edits, event.clone(), ()))
        })
    }

    fn none_under_way(&self, newest: u64) -> Result<(), StateError> {
        match self.round(newest)?.map(|round| round.phase) {
            Some(Phase::Open | Phase::Aggregating { .. }) => Err(StateError::RoundUnderWay(newest)),
            Some(Phase::Closed | Phase::Aborted) | None => Ok(()),
        }
    }

    fn round_edit(&self, number: u64, round: &Round) -> Result<Edit, StateError> {
        self.put(ROUNDS, &number.to_be_bytes(), round, Was::Anything)
    }
}

/// How many updates are counted at once.
const PAGE: usize = 256;

fn update_key(round: u64, device: &DeviceId) -> Vec<u8> {
    [&round.to_be_bytes(), device.as_str().as_bytes()].concat()
}
