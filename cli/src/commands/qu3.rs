//! `pqfw qu3`: the client's side of QU3.

use pqfw_framework::profile::Profile;
use pqfw_framework::python_json::{self, Json, Limits};
use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Failure, Host, Role};
use pqfw_qu3::inference::{self, Inference};
use pqfw_qu3::keys::{End, EndKeys, ServerPublicKeys, fingerprint};
use pqfw_qu3::models::{Model, Models};
use pqfw_qu3::policy;
use serde_json::{Value, json};

use super::system::{self, Asker};
use crate::args::Common;
use crate::args::qu3::{InputFormat, Qu3, Qu3Target};
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

mod identity;

/// The dialect whose keys are bare files.
const COMPATIBLE: &str = "qu3-1";

pub(super) fn run(
    command: Qu3,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let host = |target| host(target, common, registry, output);
    match command {
        Qu3::GenerateKeys { target, force } => {
            let (host, profile) = host(target)?;
            match profile.dialect.as_str() {
                COMPATIBLE => generate_keys(&host, force, output),
                _ => identity::generate(&host, &profile, force, output),
            }
        }
        Qu3::RunInference {
            target,
            model,
            input,
            format,
        } => {
            let ((host, profile), input) = (host(target)?, read_input(&input, format)?);
            let inference = super::run::runtime()?.block_on(async {
                let mut client = pqfw_qu3::connect(&host, &profile).await?;
                let inference = client.infer(&model, &input).await?;
                client.end().await;
                Ok::<_, CliError>(inference)
            })?;
            if output.json {
                output.document(&inference_json(&inference)?);
            }
            match inference.outcome {
                Ok(answer) => {
                    if !output.json {
                        output.line(&answer.default_text());
                    }
                    Ok(())
                }
                Err(message) => Err(CliError::operation(format!("{model}: {message}"))),
            }
        }
        Qu3::RunAgent {
            target,
            workflow,
            input,
            format,
        } => {
            let ((host, profile), input) = (host(target)?, read_input(&input, format)?);
            run_agent((&host, &profile), &workflow, &input, output)
        }
        Qu3::UpdatePolicy {
            target,
            policy_file,
            as_note,
        } => {
            let (host, profile) = host(target)?;
            let text = files::read_text(&policy_file)?;
            let reading = policy::read(&text, &Models::builtin().names());
            let enforceable = matches!(reading, Ok(policy::Reading::Rules(_)));
            let note = reading == Ok(policy::Reading::Note);
            if note {
                let warning = "warning: no line of the policy is a rule, so nothing will be \
                               enforced; write `allow MODEL` or `deny MODEL`";
                output.line_err(&output.paint_err(Tone::Warning, warning));
            }
            super::run::runtime()?.block_on(async {
                let mut client = pqfw_qu3::connect(&host, &profile).await?;
                client.set_policy(&text, as_note || note).await?;
                client.end().await;
                Ok::<_, CliError>(())
            })?;
            if output.json {
                output.document(&json!({ "accepted": true, "enforceable": enforceable }));
            } else {
                output.line("the server says that it verified and accepted the policy");
            }
            Ok(())
        }
        Qu3::ListModels { target } => {
            let (host, profile) = host(target)?;
            list_models(&host, &profile, output)
        }
        Qu3::InspectKeys { target } => {
            let (host, profile) = host(target)?;
            match profile.dialect.as_str() {
                COMPATIBLE => inspect_keys(&host, output),
                _ => identity::inspect(&host, &profile, output),
            }
        }
    }
}

fn host(
    target: Qu3Target,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(Host, Profile), CliError> {
    let mut args = target.profile;
    args.set.push(("role".into(), Role::Client.to_string()));
    // A client keeps nothing in a store; its trust is in key files.
    args.set.push(("store.url".into(), "memory:".into()));
    let to = target.server.map(|url| ("transport.connect".into(), url));
    args.set.extend(to);
    let profile = system::profile("qu3", args, registry)?;
    let composed = Asker::quiet(Role::Client, output).compose(profile, common, registry, output)?;
    Ok((composed.host, composed.profile))
}

/// Text for a model, or a JSON object as it is.
fn read_input(input: &str, format: Option<InputFormat>) -> Result<Json, CliError> {
    let parsed = || python_json::parse(input.as_bytes(), Limits::default());
    let text = || Json::object([("text", input.into())]);
    match format {
        Some(InputFormat::Text) => Ok(text()),
        Some(InputFormat::Json) => {
            parsed().map_err(|error| CliError::usage(format!("INPUT is not JSON: {error}")))
        }
        None => Ok(parsed()
            .ok()
            .filter(|json| json.as_object().is_some())
            .unwrap_or_else(text)),
    }
}

/// The output crosses from the wire's JSON to the command line's by its text.
fn to_value(json: &Json) -> Result<Value, CliError> {
    serde_json::from_str(&json.canonical())
        .map_err(|error| CliError::new(Failure::Operation, format!("the model's output: {error}")))
}

fn inference_json(inference: &Inference) -> Result<Value, CliError> {
    let (status, output, message) = match &inference.outcome {
        Ok(output) => ("success", to_value(output)?, Value::Null),
        Err(message) => ("error", Value::Null, Value::String(message.clone())),
    };
    Ok(json!({
        "model": inference.model,
        "status": status,
        "output_data": output,
        "error_message": message,
        "attested_at": inference.timestamp,
        "server_version": inference.server,
    }))
}

fn run_agent(
    (host, profile): (&Host, &Profile),
    workflow: &str,
    input: &Json,
    output: &Output,
) -> Result<(), CliError> {
    pqfw_qu3::agent::steps(workflow)?;
    let done = super::run::runtime()?.block_on(async {
        let mut client = pqfw_qu3::connect(host, profile).await?;
        let done = inference::run_agent(&mut *client, workflow, input, |number, step| {
            if !output.json {
                print_step(number, step, output);
            }
        });
        let done = done.await?;
        client.end().await;
        Ok::<_, CliError>(done)
    })?;
    if output.json {
        let steps: Vec<_> = done.iter().map(inference_json).collect::<Result<_, _>>()?;
        let last = done.last().and_then(|step| step.outcome.as_ref().ok());
        let result = last.map(to_value).transpose()?;
        output.document(&json!({ "steps": steps, "output_data": result }));
    }
    match done.last() {
        Some(Inference {
            model,
            outcome: Err(message),
            ..
        }) => {
            let number = done.len();
            Err(CliError::operation(format!(
                "step {number}, {model}: {message}"
            )))
        }
        _ => Ok(()),
    }
}

fn print_step(number: usize, step: &Inference, output: &Output) {
    let (tone, text) = match &step.outcome {
        Ok(answer) => (Tone::Good, answer.default_text()),
        Err(message) => (Tone::Bad, message.clone()),
    };
    let model = output.paint(Tone::Strong, &step.model);
    output.line(&format!("{number}. {model} {}", output.paint(tone, &text)));
}

fn generate_keys(host: &Host, force: bool, output: &Output) -> Result<(), CliError> {
    let place = host.keys.describe();
    let mut taken = false;
    for name in ["client_kem.sec", "client_sign.sec"] {
        taken |= host.keys.read(name)?.is_some();
    }
    if taken && !force {
        let what = format!(
            "{place} holds client keys; --force replaces them, and every server \
                            that pinned them will refuse the new ones"
        );
        return Err(CliError::operation(what));
    }
    let keys = EndKeys::generate(&host.suite, &mut *host.world.rng())?;
    keys.save(&*host.keys, End::Client)?;
    let fingerprint = keys.fingerprint(&host.suite)?;
    if output.json {
        let fingerprint = fingerprint.as_str();
        output.document(&json!({ "directory": place, "fingerprint": fingerprint }));
    } else {
        output.line(&format!(
            "client keys are in {place}\nsign key {fingerprint}"
        ));
    }
    Ok(())
}

fn list_models(host: &Host, profile: &Profile, output: &Output) -> Result<(), CliError> {
    let models = super::run::runtime()?.block_on(async {
        if profile.dialect == COMPATIBLE {
            // No message of that dialect asks for them.
            let built_in = Models::builtin();
            let built_in = built_in.iter();
            let text =
                |(name, model): (&str, &dyn Model)| (name.to_owned(), model.summary().to_owned());
            return Ok(built_in.map(text).collect());
        }
        let mut client = pqfw_qu3::connect(host, profile).await?;
        let models = client.models().await?;
        client.end().await;
        Ok::<Vec<_>, CliError>(models)
    })?;
    if output.json {
        let rows = models
            .iter()
            .map(|(name, summary)| json!({ "model": name, "summary": summary }));
        output.document(&rows.collect());
        return Ok(());
    }
    let rows: Vec<_> = models
        .into_iter()
        .map(|(name, summary)| vec![(Tone::Strong, name), (Tone::Plain, summary)])
        .collect();
    output.table(&["MODEL", "SUMMARY"], &rows);
    if profile.dialect == COMPATIBLE {
        let note = "qu3-1 has no message that asks a server for its models; these are what every \
                    deployed server has";
        output.line(&output.paint(Tone::Faint, note));
    }
    Ok(())
}

fn inspect_keys(host: &Host, output: &Output) -> Result<(), CliError> {
    let (suite, files) = (&host.suite, &*host.keys);
    let mut rows = Vec::new();
    let ends = [(End::Client, "client"), (End::Server, "server")];
    for (end, name) in ends {
        if let Some(keys) = EndKeys::load(files, suite, end)? {
            let fingerprint = keys.fingerprint(suite)?;
            rows.push((
                name,
                keys.kem_public,
                keys.sign_public,
                fingerprint,
                "both halves",
            ));
        } else if end == End::Server
            && let Some(keys) = ServerPublicKeys::load(files)?
        {
            let fingerprint = fingerprint(suite, &keys.sign)?;
            rows.push((
                name,
                keys.kem,
                keys.sign,
                fingerprint,
                "public, trusted on first use",
            ));
        }
    }
    if output.json {
        let keys = rows.iter().map(|(end, kem, sign, fingerprint, what)| {
            json!({
                "end": end,
                "halves": what,
                "kem": { "algorithm": suite.kem.info().id, "public_key_bytes": kem.len() },
                "signature": {
                    "algorithm": suite.signature.info().id,
                    "public_key_bytes": sign.len(),
                    "fingerprint": fingerprint.as_str(),
                },
            })
        });
        let keys: Vec<_> = keys.collect();
        output.document(&json!({ "directory": files.describe(), "keys": keys }));
        return Ok(());
    }
    output.line(&format!("key files in {}", files.describe()));
    if rows.is_empty() {
        output.line("none; make them with `pqfw qu3 generate-keys`");
    }
    for (end, kem, sign, fingerprint, what) in rows {
        output.line(&format!("{} ({what})", output.paint(Tone::Strong, end)));
        output.line(&format!(
            "  {:<26} {} bytes",
            suite.kem.info().id,
            kem.len()
        ));
        output.line(&format!(
            "  {:<26} {} bytes",
            suite.signature.info().id,
            sign.len()
        ));
        output.line(&format!("  {fingerprint}"));
    }
    Ok(())
}
