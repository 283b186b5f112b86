//! The end of a round: its updates become the next model.

use pqfw_framework::blobs::BlobName;
use pqfw_framework::world::Now;

use super::{Service, locked, secs, version};
use crate::aggregate::{AggregateError, Candidate, Limits, Recipe, Verdict, Weights, aggregate};
use crate::error::Refusal;
use crate::model::StoredModel;
use crate::state::{DeviceId, ModelName, Phase, StateError, Terms};

/// How a round ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Closed {
    /// The next model.
    pub model: ModelName,
    /// What became of each update.
    pub verdicts: Vec<(DeviceId, String)>,
}

impl Service {
    /// Closes the round if it has enough updates, or if an aggregator died over it.
    ///
    /// # Errors
    /// As [`Self::close`], but for rounds that nobody has to close.
    pub fn close_if_due(&self, now: Now) -> Result<Option<Closed>, Refusal> {
        let head = self.state.head()?;
        let Some(round) = self.state.round(head.round)? else {
            return Ok(None);
        };
        let due = match round.phase {
            Phase::Open => match head.terms.as_ref().map(closes_at).transpose()?.flatten() {
                Some(enough) => self.has_updates(head.round, head.entries, enough)?,
                None => false,
            },
            Phase::Aggregating { until } => until <= secs(now),
            Phase::Closed | Phase::Aborted => {
                self.open_next(now)?;
                false
            }
        };
        if due {
            return self.close(now).map(Some);
        }
        Ok(None)
    }

    /// What an open round with so many updates waits for, in the operator's words.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`], [`Refusal::Internal`].
    pub fn waits_for(&self, updates: u64) -> Result<String, Refusal> {
        let Some(terms) = self.state.head()?.terms else {
            return Ok(StateError::NoTerms.to_string());
        };
        let recipe = recipe(&terms)?;
        let (rule, needs) = (recipe.rule, recipe.needs() as u64);
        let more = |all: u64| match all.saturating_sub(updates) {
            1 => "1 more device".to_owned(),
            more => format!("{more} more devices"),
        };
        Ok(match closes_at(&terms)? {
            _ if updates == 0 && needs == 1 => "it waits for updates".into(),
            _ if updates < needs => format!(
                "{rule} needs {needs} updates: wait for {}, or name a rule for fewer in qflare.rule \
                 and start the server again, or abort the round; the log says whose updates were \
                 refused",
                more(needs)
            ),
            Some(all) if updates < all => {
                format!("it waits for {}; it can be closed without them", more(all))
            }
            Some(_) => "it is about to be closed; closing it by hand says what is wrong".into(),
            None => "it can be closed".into(),
        })
    }

    /// Whether the round has as many updates. Each is an entry of the audit, so that they need not
    /// be counted again before there are as many entries.
    fn has_updates(&self, round: u64, entries: u64, enough: u64) -> Result<bool, Refusal> {
        let mut counted = locked(&self.counted);
        let (then, updates, at) = *counted;
        if then == round && updates.saturating_add(entries.saturating_sub(at)) < enough {
            return Ok(false);
        }
        let updates = self.state.updates_counted(round)?;
        *counted = (round, updates, entries);
        Ok(updates >= enough)
    }

    /// Whether an aggregator has the round, and may have died.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let head = self.state.head().ok();
        let round = head.and_then(|head| self.state.round(head.round).ok().flatten());
        round.is_some_and(|round| matches!(round.phase, Phase::Aggregating { .. }))
    }

    /// Closes the round: the next model is made of its updates, by the terms of the server that
    /// began last. When its rule cannot, the round is open again.
    ///
    /// # Errors
    /// [`Refusal::Conflict`] when there is no round, when another has it, and when the rule cannot;
    /// [`Refusal::Unavailable`], [`Refusal::Internal`].
    pub fn close(&self, now: Now) -> Result<Closed, Refusal> {
        let until = secs(now).saturating_add(self.config.lease_secs);
        let (lease, terms) = self.state.take_round(secs(now), until)?;
        let made = self.next_model(lease.round, &terms);
        let (model, verdicts) = match made {
            Ok(made) => made,
            Err(refusal) => {
                // Whoever took it meanwhile decides.
                let _ = self.state.release_round(secs(now), lease);
                return Err(refusal);
            }
        };
        let model = self
            .state
            .close_round(secs(now), lease, model.name().digest(), &verdicts)?;
        let used = verdicts
            .iter()
            .filter(|(_, verdict)| verdict.starts_with("used"));
        let (used, all) = (used.count(), verdicts.len());
        let (round, version) = (lease.round, version(&model));
        self.tell(format!(
            "round {round} is closed: {used} of {all} updates make {version}"
        ));
        self.sign_end()?;
        self.open_next(now)?;
        Ok(Closed { model, verdicts })
    }

    /// Signs the end of the audit, if there is somebody who does.
    fn sign_end(&self) -> Result<(), Refusal> {
        let end = self.state.audit_end()?;
        if let Some(sign) = self.signer.get() {
            let signature = sign(&end.message);
            let failed = || Refusal::Internal("the end of the audit is not signed".into());
            self.state
                .keep_signature(&end, signature.ok_or_else(failed)?)?;
        }
        Ok(())
    }

    fn next_model(
        &self,
        round: u64,
        terms: &Terms,
    ) -> Result<(StoredModel, Vec<(DeviceId, String)>), Refusal> {
        let recipe = recipe(terms)?;
        let limits = Limits {
            examples: terms.max_examples,
            ..self.limits
        };
        let opened = self.state.round(round)?;
        let opened = opened.ok_or_else(|| Refusal::conflict("no round is open"))?;
        let base = self.read_model(&opened.base)?;
        let updates = self.state.updates(round)?;
        let open = |hash: &[u8]| {
            let name = BlobName::of_digest(hash);
            let name = name.ok_or_else(|| Refusal::Internal("an update without a hash".into()))?;
            let layout = base.layout();
            StoredModel::open(name, layout, &self.blobs, &self.sha256).map_err(Refusal::from)
        };
        let weights = updates
            .iter()
            .map(|(_, update)| open(&update.receipt.weights));
        let weights = weights.collect::<Result<Vec<_>, _>>()?;
        let candidates: Vec<_> = updates
            .iter()
            .zip(&weights)
            .map(|((device, update), weights)| Candidate {
                device: device.as_str(),
                examples: update.examples,
                weights: weights as &dyn Weights,
            })
            .collect();
        let values = base.values();
        let outcome = aggregate(values, &candidates, &recipe, &limits, &mut |_| {})?;
        let next = base.with_values(outcome.weights);
        let next = next.map_err(|error| Refusal::Internal(error.to_string()))?;
        let next = StoredModel::keep(&next, &self.blobs, &self.sha256)?;
        let judged = outcome.judged.into_iter();
        let verdicts = judged.map(|judged| {
            let device = DeviceId::parse(&judged.device)?;
            Ok((device, words(judged.verdict)))
        });
        Ok((next, verdicts.collect::<Result<_, Refusal>>()?))
    }

    /// How many rounds have ended with a next model.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`], [`Refusal::Internal`].
    pub fn aggregations(&self) -> Result<u64, Refusal> {
        let newest = self.state.head()?.round;
        let mut closed = locked(&self.closed);
        // A round that has ended stays as it is.
        while closed.0 < newest {
            match self.state.round(closed.0 + 1)?.map(|round| round.phase) {
                Some(Phase::Closed) => closed.1 += 1,
                Some(Phase::Aborted) | None => {}
                Some(Phase::Open | Phase::Aggregating { .. }) => break,
            }
            closed.0 += 1;
        }
        Ok(closed.1)
    }
}

/// At how many updates a round is closed by itself, if it is: never before its rule can.
fn closes_at(terms: &Terms) -> Result<Option<u64>, Refusal> {
    let needs = recipe(terms)?.needs() as u64;
    let wanted = Some(terms.close_at).filter(|wanted| *wanted > 0);
    Ok(wanted.map(|wanted| wanted.max(needs)))
}

fn recipe(terms: &Terms) -> Result<Recipe, Refusal> {
    let unreadable = |error: AggregateError| Refusal::Internal(format!("terms: {error}"));
    Ok(Recipe {
        rule: terms.rule.parse().map_err(unreadable)?,
        clip: terms.clip.parse().map_err(unreadable)?,
    })
}

/// What became of an update, in the words of the API.
fn words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Used { clipped: false } => "used".into(),
        Verdict::Used { clipped: true } => "used, clipped".into(),
        Verdict::NotSelected => "not_selected".into(),
        Verdict::Rejected(rejection) => format!("rejected: {rejection:?}"),
    }
}
