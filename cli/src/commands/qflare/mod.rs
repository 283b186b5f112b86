//! `pqfw qflare`: the operator's side works on the server's store, whether the server runs or not;
//! the device's side is in `device`, the end of a round on files in `aggregate`.

mod aggregate;
mod device;
mod terms;

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::profile::Profile;
use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Role, RunError};
use pqfw_framework::transport::{ExchangeService, Request};
use pqfw_framework::world::{Now, World};
use pqfw_qflare::admin::Admin;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::error::Refusal;
use serde_json::{Value, json};

use super::system::{self, Asker};
use crate::args::qflare::{Audit, Devices, ModelCommand, Qflare, Round, TokenCommand};
use crate::args::{Common, ProfileArgs};
use crate::compose::Composed;
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

/// The system, and the name of its shipped profile.
const SYSTEM: &str = "qflare";

/// The dialect in which a token is its secret alone.
const COMPATIBLE: &str = pqfw_qflare::COMPATIBLE;

pub(super) fn run(
    command: Qflare,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let open = |profile| Operator::open(profile, common, registry, output);
    match command {
        Qflare::Token(command) => token(command, open, output),
        Qflare::Devices(Devices::List { profile }) => {
            let listed = open(profile)?.get("/devices")?;
            let heading = ["DEVICE", "ENROLLED", "REVOKED", "SIGNATURE", "KEM"];
            let columns = [
                "device_id",
                "enrolled",
                "revoked",
                "signature_algorithm",
                "kem_algorithm",
            ];
            table(output, &listed, "devices", &heading, &columns);
            Ok(())
        }
        Qflare::Devices(Devices::Revoke { profile, device }) => {
            let body = json!({ "device_id": device });
            let answer = open(profile)?.post("/devices/revoke", &body)?;
            told(output, &answer, &format!("{device} is revoked"));
            Ok(())
        }
        Qflare::Round(command) => round(command, open, output),
        Qflare::Model(ModelCommand::Set { profile, file }) => {
            let file = files::read(&file)?;
            let operator = open(profile)?;
            let answer = operator
                .admin
                .set_model(operator.world.now(), file.expose());
            let answer = answer.map_err(RunError::from)?;
            told(
                output,
                &answer,
                &format!("the global model is {}", plain(&answer["model_version"])),
            );
            Ok(())
        }
        Qflare::Model(ModelCommand::Get { profile, file }) => {
            let found = open(profile)?.admin.model_file().map_err(RunError::from)?;
            let (version, bytes) = found;
            files::write(output, &file, &bytes)?;
            output.line_err(&format!("model {version}, {} bytes", bytes.len()));
            Ok(())
        }
        Qflare::Audit(Audit::Export { profile }) => export(&open(profile)?, output),
        Qflare::Audit(Audit::Verify { profile }) => {
            let answer = open(profile)?.post("/audit/verify", &json!({}))?;
            told(
                output,
                &answer,
                &verified(&answer["entries"], &answer["signed"]),
            );
            Ok(())
        }
        Qflare::Device(command) => device::run(command, common, registry, output),
        Qflare::Aggregate(args) => aggregate::run(&args, registry, output),
    }
}

/// How far a verified audit is signed, and when the rest will be.
fn verified(entries: &Value, signed: &Value) -> String {
    let later = "the server signs up to the last when it closes a round";
    let signed = match signed {
        signed if *signed == 0 => format!("none signed yet: {later}"),
        signed if signed == entries => "all of them signed".to_owned(),
        signed => format!("the first {signed} signed, those after them not yet: {later}"),
    };
    format!("{entries} entries, as they were written; {signed}")
}

fn token(
    command: TokenCommand,
    open: impl FnOnce(ProfileArgs) -> Result<Operator, CliError>,
    output: &Output,
) -> Result<(), CliError> {
    match command {
        TokenCommand::Create {
            profile,
            device,
            hours,
            creator,
        } => {
            let secs = hours.checked_mul(3600);
            let secs = secs.ok_or_else(|| CliError::usage("--hours is too large"))?;
            let body = json!({
                "device_id": device,
                "creator": creator,
                "options": { "secs": secs },
            });
            let operator = open(profile)?;
            let answer = operator.post("/tokens", &body)?;
            // Deployed devices send the secret alone.
            let field = match operator.profile.dialect == COMPATIBLE {
                true => "enrollment_token",
                false => "token",
            };
            told(output, &answer, &plain(&answer[field]));
        }
        TokenCommand::List { profile } => {
            let listed = open(profile)?.get("/tokens")?;
            let heading = ["DEVICE", "EXPIRES", "EXPIRED", "CREATOR", "ID"];
            let columns = ["device_id", "expires", "expired", "creator", "id"];
            table(output, &listed, "tokens", &heading, &columns);
        }
        TokenCommand::Revoke { profile, id } => {
            let answer = open(profile)?.post("/tokens/revoke", &json!({ "id": id }))?;
            told(output, &answer, "the token is good no more");
        }
    }
    Ok(())
}

fn round(
    command: Round,
    open: impl FnOnce(ProfileArgs) -> Result<Operator, CliError>,
    output: &Output,
) -> Result<(), CliError> {
    match command {
        Round::Open { profile } => {
            let answer = open(profile)?.post("/round/open", &json!({}))?;
            told(
                output,
                &answer,
                &format!("round {} is open", answer["round"]),
            );
        }
        Round::Close { profile } => {
            let answer = open(profile)?.post("/round/close", &json!({}))?;
            let mut text = format!(
                "round {} is closed; the global model is {}",
                answer["round"],
                plain(&answer["model_version"])
            );
            for (device, verdict) in answer["verdicts"].as_object().into_iter().flatten() {
                text.push_str(&format!("\n{device}: {}", plain(verdict)));
            }
            told(output, &answer, &text);
        }
        Round::Abort { profile, reason } => {
            let answer = open(profile)?.post("/round/abort", &json!({ "reason": reason }))?;
            told(output, &answer, "the round is aborted; the model stays");
        }
        Round::Status { profile } => {
            let answer = open(profile)?.get("/round")?;
            let mut text = format!(
                "round {} is {}, {} updates of {}, base {}, rule {}",
                answer["round"],
                plain(&answer["phase"]),
                answer["updates"],
                plain(&answer["close_at"]),
                plain(&answer["base"]),
                plain(&answer["rule"])
            );
            if let Some(waits_for) = answer["waits_for"].as_str() {
                text.push_str(&format!("\n{waits_for}"));
            }
            told(output, &answer, &text);
        }
    }
    Ok(())
}

fn export(operator: &Operator, output: &Output) -> Result<(), CliError> {
    let mut from = 0;
    loop {
        let body = json!({ "page": { "from": from } });
        let page = operator.post("/audit/export", &body)?;
        for entry in page["entries"].as_array().into_iter().flatten() {
            output.line(&entry.to_string());
        }
        match page["next"].as_u64() {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// The operator of a profile's server.
struct Operator {
    admin: Admin,
    world: Arc<dyn World>,
    profile: Profile,
}

impl Operator {
    fn open(
        args: ProfileArgs,
        common: &Common,
        registry: &Registry,
        output: &Output,
    ) -> Result<Self, CliError> {
        let set: Vec<_> = args.set.iter().map(|(key, _)| key.clone()).collect();
        let composed = composed(args, Role::Server, common, registry, output)?;
        if composed.profile.common.store.url == "memory:" {
            let text = "store.url = \"memory:\" lives in the server's process alone; ask at its \
                        admin door, or use a store on the disk";
            return Err(CliError::usage(text));
        }
        let config: QflareConfig = composed.profile.system_table()?;
        let service = Arc::new(pqfw_qflare::open(&config, &composed.host)?);
        let head = service.state().head().map_err(Refusal::from);
        if let Some(terms) = head.map_err(RunError::from)?.terms {
            let own = config.terms(&composed.profile.dialect);
            terms::check(&own.map_err(RunError::from)?, &set, &terms)?;
        }
        let admin = pqfw_qflare::operator(&service, &composed.profile, &composed.host)?;
        Ok(Self {
            admin,
            world: composed.host.world.clone(),
            profile: composed.profile,
        })
    }

    fn get(&self, route: &str) -> Result<Value, CliError> {
        self.ask(&Request::get(route))
    }

    fn post(&self, route: &str, body: &Value) -> Result<Value, CliError> {
        self.ask(&Request::post(route, body.to_string().into_bytes()))
    }

    fn ask(&self, request: &Request) -> Result<Value, CliError> {
        let mut rng = self.world.rng();
        let response = self.admin.respond(self.world.now(), &mut *rng, request);
        let json: Value = serde_json::from_slice(&response.body)
            .map_err(|error| CliError::operation(format!("{}: {error}", request.route)))?;
        match response.status {
            200 => Ok(json),
            422 => Err(CliError::usage(plain(&json["detail"][0]["msg"]))),
            _ => Err(CliError::operation(plain(&json["detail"]))),
        }
    }
}

fn composed(
    args: ProfileArgs,
    role: Role,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<Composed, CliError> {
    let mut args = args;
    args.set.push(("role".into(), role.to_string()));
    let mut profile = system::profile(SYSTEM, args, registry)?;
    if role == Role::Client {
        device::apart(&mut profile);
    }
    Asker::quiet(role, output).compose(profile, common, registry, output)
}

/// An answer: as it is for machines, in words for people.
fn told(output: &Output, answer: &Value, words: &str) {
    if output.json {
        output.document(answer);
    } else {
        output.line(words);
    }
}

fn table(output: &Output, answer: &Value, list: &str, heading: &[&str], columns: &[&str]) {
    if output.json {
        return output.document(&answer[list]);
    }
    let rows = answer[list].as_array().into_iter().flatten();
    let rows = rows.map(|row| {
        let cells = columns.iter().map(|name| {
            let cell = match MOMENTS.contains(name) {
                true => moment(&row[*name]),
                false => plain(&row[*name]),
            };
            (Tone::Plain, cell)
        });
        cells.collect::<Vec<_>>()
    });
    output.table(heading, &rows.collect::<Vec<_>>());
}

/// Columns of seconds since 1970.
const MOMENTS: [&str; 3] = ["enrolled", "expires", "revoked"];

/// Seconds since 1970 as people read them: ISO 8601 in UTC.
fn moment(value: &Value) -> String {
    let micros = value.as_u64().and_then(|secs| secs.checked_mul(1_000_000));
    let now = micros.map(|unix_micros| Now {
        since_start: Duration::ZERO,
        unix_micros,
    });
    now.map_or_else(|| plain(value), |now| now.iso8601())
}

/// A value as people read it.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_audit_has_no_signature_for_is_said_and_when_it_gets_one() {
        let told = |signed: u64| verified(&json!(5), &json!(signed));
        assert_eq!(
            told(0),
            "5 entries, as they were written; none signed yet: the server signs up to the last when \
             it closes a round"
        );
        assert_eq!(
            told(3),
            "5 entries, as they were written; the first 3 signed, those after them not yet: the \
             server signs up to the last when it closes a round"
        );
        assert_eq!(
            told(5),
            "5 entries, as they were written; all of them signed"
        );
    }

    #[test]
    fn moments_are_dates_and_times_and_what_is_none_stays() {
        assert_eq!(moment(&json!(1_800_000_000)), "2027-01-15T08:00:00+00:00");
        assert_eq!(moment(&Value::Null), "-");
        assert_eq!(moment(&json!(u64::MAX)), u64::MAX.to_string());
    }
}
