//! The scenario of `role = "demo"`: a real server, ten real devices of which three lie, eight
//! rounds with the mean and eight with the profile's rule, and what is refused on the way.
//!
//! Every refusal shown is an answer to real bytes: recorded and repeated, changed on the wire, or
//! signed by a device that was enrolled.

mod crowd;
mod plot;
mod timings;
mod wire;

use pqfw_framework::system::{Event, Failure, Host, RunError};
use pqfw_framework::transport::Exchange;

use crate::aggregate::{Clip, Recipe, Rule};
use crate::compatible::accepted;
use crate::config::QflareConfig;
use crate::error::ClientError;
use crowd::{Crowd, DEVICES, Device, LIARS, bytes_of};
use plot::{Curve, plot};

const ROUNDS: usize = 8;
const FEDAVG: Recipe = Recipe {
    rule: Rule::FedAvg,
    clip: Clip::None,
};
/// Below this the mean has learnt nothing, and above the other a model is good.
const SPOILT: f64 = 0.3;
const GOOD: f64 = 0.8;
/// What a Python server would run on reading this, if it used `pickle.loads`.
const EVIL_PICKLE: &[u8] = b"\x80\x04cos\nsystem\n\x8c\x02id\x85R.";

/// Plays the scenario.
///
/// # Errors
/// [`RunError`] when anything does not happen as it should: then the demo has found a fault.
pub async fn run(config: QflareConfig, host: Host) -> Result<(), RunError> {
    let mut scene = Scene {
        number: 0,
        began: 0,
        host,
    };
    let recipe = scene.defence(&config)?;
    let mean = scene.attack(&config).await?;
    let (crowd, robust) = scene.defend(&config, &recipe).await?;
    scene.draw(mean, robust, &recipe);
    let played = match crowd.devices.last() {
        Some(device) => scene.refusals(device).await,
        None => Err(failed("there are no devices")),
    };
    let kept = played.and_then(|()| scene.audit(&crowd));
    crowd.over().await;
    kept?;
    scene.timings()
}

/// The stage: numbers the steps and times them.
struct Scene {
    number: usize,
    began: u64,
    host: Host,
}

impl Scene {
    /// The profile's rule, made for as many liars as there are.
    fn defence(&self, config: &QflareConfig) -> Result<Recipe, RunError> {
        let wanted = config.recipe()?;
        let mut recipe = wanted;
        match &mut recipe.rule {
            Rule::FedAvg => recipe = Recipe::robust(LIARS),
            Rule::Krum { byzantine } | Rule::MultiKrum { byzantine, .. } => *byzantine = LIARS,
            Rule::Median
            | Rule::TrimmedMean(_)
            | Rule::Cosine { .. }
            | Rule::InsecureQflareCosine { .. } => {}
        }
        if recipe != wanted {
            let (ours, theirs) = (recipe.rule, wanted.rule);
            let text = format!(
                "the demo defends with {ours}: {LIARS} of {DEVICES} devices lie, and the profile's \
                 {theirs} is for others"
            );
            self.host.report.event(&Event::Info(text));
        }
        Ok(recipe)
    }

    async fn attack(&mut self, config: &QflareConfig) -> Result<Vec<f64>, RunError> {
        self.step("a server, and ten devices that enrol with one-time tokens");
        let mut crowd = Crowd::gather(config, &FEDAVG, &self.host).await?;
        self.fact("server", crowd.url());
        let (kem, sign) = (&self.host.suite.kem, &self.host.suite.signature);
        let (kem_bytes, sign_bytes) = (kem.sizes().encapsulation_key, sign.sizes().verifying_key);
        let (kem, sign) = (&kem.info().id, &sign.info().id);
        self.fact("KEM keys", &format!("{kem_bytes} bytes of {kem}"));
        self.fact("signature keys", &format!("{sign_bytes} bytes of {sign}"));
        let liars = crowd.devices.iter().take(LIARS);
        let liars: Vec<_> = liars.map(|device| device.id.to_string()).collect();
        let lie = "send ten times their step, backwards";
        self.fact("liars", &format!("{} {lie}", liars.join(", ")));
        self.passed("ten devices, each authenticated by a challenge to its KEM key");

        self.step("eight rounds with fedavg, which believes everybody");
        let accuracies = self.rounds(&mut crowd).await;
        crowd.over().await;
        let accuracies = accuracies?;
        let last = accuracies.last().copied().unwrap_or_default();
        if last > SPOILT {
            return Err(failed(format!("fedavg withstood three liars: {last:.3}")));
        }
        self.passed(&format!(
            "three liars have the model: it knows {} of the digits",
            percent(last)
        ));
        Ok(accuracies)
    }

    async fn defend(
        &mut self,
        config: &QflareConfig,
        recipe: &Recipe,
    ) -> Result<(Crowd, Vec<f64>), RunError> {
        let Recipe { rule, clip } = recipe;
        self.step(&format!(
            "the same devices and the same lies: {rule}, clip {clip}"
        ));
        let mut crowd = Crowd::gather(config, recipe, &self.host).await?;
        let accuracies = self.rounds(&mut crowd).await?;
        let last = accuracies.last().copied().unwrap_or_default();
        let promised = matches!(
            rule,
            Rule::Median | Rule::Krum { .. } | Rule::MultiKrum { .. }
        );
        if promised && last < GOOD {
            return Err(failed(format!("{rule} did not withstand them: {last:.3}")));
        }
        let verdict = match last < GOOD {
            true => "this rule does not withstand them",
            false => "the model learns as if nobody lied",
        };
        self.passed(&format!(
            "{verdict}: it knows {} of the digits",
            percent(last)
        ));
        Ok((crowd, accuracies))
    }

    /// Plays the rounds and shows each; gives the accuracies.
    async fn rounds(&self, crowd: &mut Crowd) -> Result<Vec<f64>, RunError> {
        let mut accuracies = Vec::new();
        for number in 1..=ROUNDS {
            let round = crowd.round().await?;
            let verdicts = &round.closed.verdicts;
            let used = verdicts
                .iter()
                .filter(|(_, verdict)| verdict.starts_with("used"));
            let used: Vec<_> = used.map(|(device, _)| device).collect();
            let liars = crowd.devices.iter().take(LIARS);
            let lies = liars.filter(|liar| used.contains(&&liar.id)).count();
            let (all, used) = (verdicts.len(), used.len());
            let accuracy = percent(round.accuracy);
            self.fact(
                &format!("round {number}"),
                &format!("{accuracy:>6}   {used} of {all} updates used, {lies} of them lies"),
            );
            accuracies.push(round.accuracy);
        }
        Ok(accuracies)
    }

    /// What a person came to see.
    fn draw(&self, mean: Vec<f64>, robust: Vec<f64>, recipe: &Recipe) {
        let curve = |mark, name: String, values| Curve { mark, name, values };
        let lines = plot(&[
            curve('x', "fedavg".into(), mean),
            curve('o', recipe.rule.to_string(), robust),
        ]);
        self.line("");
        self.line("    accuracy on digits that nobody trained on");
        for line in &lines {
            self.line(line);
        }
    }

    async fn refusals(&mut self, device: &Device) -> Result<(), RunError> {
        let rng = &mut *self.host.world.rng();
        self.step("attack: an enrolment is sent again, bit for bit");
        let response = device.wire.exchange(device.enrolment.clone()).await?;
        self.refused(accepted(&response), 401)?;

        let (version, base) = device.fetch().await?;
        let update = bytes_of(&base);
        self.step("attack: one bit of an update's signature is changed on the wire");
        device.wire.change_next(flip_in_signature);
        let sent = device.submit(rng, &update, 1, &version).await;
        self.refused(sent.map(drop), 401)?;

        self.step("attack: an enrolled device signs an update that is no number");
        let mut no_number = base.clone();
        if let Some(value) = no_number.last_mut() {
            *value = f32::NAN;
        }
        let sent = device.submit(rng, &bytes_of(&no_number), 1, &version).await;
        self.refused(sent.map(drop), 422)?;

        self.step("attack: an enrolled device signs a pickle");
        let sent = device.submit(rng, EVIL_PICKLE, 1, &version).await;
        self.refused(sent.map(drop), 415)?;

        self.step("an honest update, and then another of the same device in the same round");
        let round = device.submit(rng, &update, 1, &version).await?;
        self.fact("first", &format!("accepted in round {round}"));
        let other: Vec<f32> = base.iter().map(|value| value + 1.0).collect();
        let sent = device.submit(rng, &bytes_of(&other), 1, &version).await;
        self.refused(sent.map(drop), 409)
    }

    fn audit(&mut self, crowd: &Crowd) -> Result<(), RunError> {
        self.step("the audit chain of the second server, from its first entry on");
        let mut entries = 0;
        crowd.audit(|_, _| entries += 1)?;
        self.passed(&format!("{entries} entries, and every digest is right"));
        Ok(())
    }

    fn timings(&mut self) -> Result<(), RunError> {
        self.step("what it costs here, and what the original publishes");
        for row in timings::measure(&self.host.suite, &*self.host.world)? {
            let (ours, original) = (row.ours, row.original);
            let value = format!("{ours:>7.3} ms   the original: {original} ms");
            self.fact(row.what, &value);
        }
        self.passed("medians of nine");
        Ok(())
    }

    fn refused(&self, outcome: Result<(), ClientError>, expected: u16) -> Result<(), RunError> {
        match outcome {
            Err(ClientError::Refused { status, detail }) if status == expected => {
                self.passed(&format!("refused: {status} {detail}"));
                Ok(())
            }
            Err(other) => Err(failed(format!(
                "expected a refusal with {expected}, got: {other}"
            ))),
            Ok(()) => Err(failed("the attack succeeded")),
        }
    }

    fn step(&mut self, title: &str) {
        self.number += 1;
        self.host.report.event(&Event::Step {
            number: self.number,
            title: title.into(),
        });
        self.began = self.micros();
    }

    fn fact(&self, name: &str, value: &str) {
        self.host.report.event(&Event::Fact {
            name: name.into(),
            value: value.into(),
        });
    }

    fn line(&self, text: &str) {
        self.host.report.event(&Event::Line(text.into()));
    }

    fn passed(&self, what: &str) {
        let elapsed = self.micros().saturating_sub(self.began);
        let (whole, tenths) = (elapsed / 1000, elapsed % 1000 / 100);
        self.fact("time", &format!("{whole}.{tenths} ms"));
        self.host.report.event(&Event::Passed(what.into()));
    }

    fn micros(&self) -> u64 {
        let since_start = self.host.world.now().since_start;
        u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Flips one bit in the middle of the field `signature`.
fn flip_in_signature(body: &mut Vec<u8>) {
    let changed = serde_json::from_slice(body)
        .ok()
        .and_then(|mut json: serde_json::Value| {
            let field = json.get_mut("signature")?;
            let mut signature = crate::json::from_base64(field.as_str()?)?;
            let middle = signature.len() / 2;
            *signature.get_mut(middle)? ^= 1;
            *field = crate::json::base64(&signature).into();
            Some(json.to_string().into_bytes())
        });
    if let Some(changed) = changed {
        *body = changed;
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn failed(what: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, format!("demo: {what}"))
}
