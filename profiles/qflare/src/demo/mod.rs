//! The scenario of `role = "demo"`: a real server of the profile's dialect, ten real devices of
//! which three lie, eight rounds with the mean and eight with the profile's rule, and what is
//! refused on the way.
//!
//! Every refusal shown is an answer to real bytes: recorded and repeated, changed on the wire, or
//! signed by a device that was enrolled.

mod compatible;
mod crowd;
mod hardened;
mod plot;
mod pocket;
mod scene;
mod timings;
mod wire;

use pqfw_framework::profile::Profile;
use pqfw_framework::system::{Host, RunError};

use crate::aggregate::{Clip, Recipe, Rule};
use crate::config::QflareConfig;
use crowd::{Cast, Crowd, DEVICES, House, LIARS};
use plot::{Curve, plot};
use scene::{Scene, failed, percent};

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
pub async fn run(config: &QflareConfig, profile: &Profile, host: Host) -> Result<(), RunError> {
    let mut scene = Scene::new(host);
    let recipe = scene.defence(config)?;
    let mean = scene.attack(config, profile).await?;
    let (crowd, robust) = scene.defend(config, profile, &recipe).await?;
    scene.draw(mean, robust, &recipe);
    let played = match &crowd.cast {
        Cast::Compatible(devices) => compatible::attacks(&mut scene, devices).await,
        Cast::Hardened(stage, devices) => {
            hardened::attacks(&mut scene, &crowd.house, stage, devices).await
        }
    };
    let kept = played.and_then(|()| scene.audit(&crowd.house));
    crowd.over().await;
    kept?;
    scene.timings()
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
            self.info(format!(
                "the demo defends with {ours}: {LIARS} of {DEVICES} devices lie, and the profile's \
                 {theirs} is for others"
            ));
        }
        Ok(recipe)
    }

    async fn attack(
        &mut self,
        config: &QflareConfig,
        profile: &Profile,
    ) -> Result<Vec<f64>, RunError> {
        self.step("a server, and ten devices that enrol with one-time tokens");
        let mut crowd = Crowd::gather(config, &FEDAVG, profile, &self.host).await?;
        self.fact("server", crowd.url());
        let (kem, sign) = (&self.host.suite.kem, &self.host.suite.signature);
        let (kem_bytes, sign_bytes) = (kem.sizes().encapsulation_key, sign.sizes().verifying_key);
        let (kem, sign) = (&kem.info().id, &sign.info().id);
        self.fact("KEM keys", &format!("{kem_bytes} bytes of {kem}"));
        self.fact("signature keys", &format!("{sign_bytes} bytes of {sign}"));
        let liars: Vec<_> = crowd.liars().iter().map(ToString::to_string).collect();
        let lie = "send ten times their step, backwards";
        self.fact("liars", &format!("{} {lie}", liars.join(", ")));
        self.passed(match &crowd.cast {
            Cast::Compatible(_) => "ten devices, each authenticated by a challenge to its KEM key",
            Cast::Hardened(..) => {
                "ten devices, each on a channel of its own, with its token and both keys proved"
            }
        });

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
        profile: &Profile,
        recipe: &Recipe,
    ) -> Result<(Crowd, Vec<f64>), RunError> {
        let Recipe { rule, clip } = recipe;
        self.step(&format!(
            "the same devices and the same lies: {rule}, clip {clip}"
        ));
        let mut crowd = Crowd::gather(config, recipe, profile, &self.host).await?;
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
            let liars = crowd.liars();
            let lies = liars.iter().filter(|liar| used.contains(liar)).count();
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

    fn audit(&mut self, house: &House) -> Result<(), RunError> {
        self.step("the audit chain of the second server, from its first entry on");
        let verified = house.ask_operator("/audit/verify", &serde_json::json!({}))?;
        let (entries, signed) = (&verified["entries"], &verified["signed"]);
        self.passed(&format!(
            "{entries} entries, and every digest is right; the server has signed the first {signed}"
        ));
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
}

/// The same update, but its last value is no number.
fn no_number(update: &[u8]) -> Vec<u8> {
    let kept = update.len().saturating_sub(size_of::<f32>());
    [
        update.get(..kept).unwrap_or_default(),
        &f32::NAN.to_le_bytes(),
    ]
    .concat()
}

/// Other weights, as good as any.
fn moved(values: &[f32]) -> Vec<f32> {
    values.iter().map(|value| value + 1.0).collect()
}
