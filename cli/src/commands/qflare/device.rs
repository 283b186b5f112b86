//! `pqfw qflare device`: this machine as a device. Its keys and what it knows of its server are in
//! the key directory; secret files are 0600.

use std::path::Path;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::profile::{Origin, Profile};
use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Host, Role, RunError};
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::error::ClientError;
use pqfw_qflare::hardened::EnrolToken;
use pqfw_qflare::keys::DeviceKeys;
use pqfw_qflare::state::DeviceId;
use pqfw_qflare::{compatible, hardened};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{COMPATIBLE, SYSTEM, composed, plain, told};
use crate::args::qflare::{Device, Target};
use crate::args::{Common, ProfileArgs};
use crate::commands::run::runtime;
use crate::commands::system;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// What a device knows of itself and its server.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Card {
    device_id: String,
    /// The server's fingerprint; empty in qflare-1.
    server: String,
    /// The server's address when it enrolled; cards of old have none.
    address: Option<String>,
    /// The model that was fetched last.
    base: Option<Base>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Base {
    version: String,
    sha256: String,
    /// The round that takes updates of it.
    round: u64,
}

const CARD: &str = "device.json";
/// A server on this machine may have the same directory, and another key.
const SERVERS: &str = "identity.pem";
const DEVICES: &str = "device.pem";

/// Gives a device files of its own.
pub(super) fn apart(profile: &mut Profile) {
    if profile.common.keys.identity == SERVERS {
        profile.common.keys.identity = DEVICES.into();
    }
}

/// This device, composed.
struct Here {
    host: Host,
    profile: Profile,
}

pub(super) fn run(
    command: Device,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let here = |target: Target| {
        let mut args = target.profile;
        // A device keeps nothing in a store.
        args.set.push(("store.url".into(), "memory:".into()));
        args.set
            .extend(target.server.map(|url| ("transport.connect".into(), url)));
        let composed = composed(args, Role::Client, common, registry, output)?;
        Ok::<_, CliError>(Here {
            host: composed.host,
            profile: composed.profile,
        })
    };
    let enrolled = |target: Target| {
        let shipped = system::profile(SYSTEM, ProfileArgs::default(), registry)?;
        let mut here = here(target)?;
        here.find_server(&shipped, output)?;
        Ok::<_, CliError>(here)
    };
    match command {
        Device::Init { target } => here(target)?.init(output),
        Device::Enroll {
            target,
            token_file,
            device,
        } => here(target)?.enroll(&token_file, device, output),
        Device::Fetch { target, file } => enrolled(target)?.fetch(&file, output),
        Device::Submit {
            target,
            file,
            examples,
            format,
        } => {
            let weights = files::read(&file)?;
            enrolled(target)?.submit(weights.expose(), &format, examples, output)
        }
        Device::Rotate { target, finish } => enrolled(target)?.rotate(finish, output),
        Device::Status { target } => enrolled(target)?.status(output),
    }
}

impl Here {
    fn compatible(&self) -> bool {
        self.profile.dialect == COMPATIBLE
    }

    fn keys(&self) -> Result<DeviceKeys, CliError> {
        let (files, name) = (&*self.host.keys, &self.profile.common.keys.identity);
        let mut rng = self.host.world.rng();
        let made = DeviceKeys::load_or_generate(files, name, &self.host.suite, &mut *rng);
        Ok(made.map_err(RunError::from)?.0)
    }

    fn card(&self) -> Result<Card, CliError> {
        self.kept()?.ok_or_else(|| {
            let place = self.host.keys.describe();
            CliError::usage(format!("{place} has no {CARD}: enrol this device first"))
        })
    }

    fn kept(&self) -> Result<Option<Card>, CliError> {
        let file = self.host.keys.read(CARD)?;
        let card = file.map(|file| serde_json::from_slice(file.expose()));
        let card = card.transpose();
        card.map_err(|error| CliError::usage(format!("{CARD}: {error}")))
    }

    /// Goes to the server that enrolled this device, unless somebody has named another address.
    fn find_server(&mut self, shipped: &Profile, output: &Output) -> Result<(), CliError> {
        let Some(kept) = self.kept()?.and_then(|card| card.address) else {
            return Ok(());
        };
        let named = match self.profile.origin("transport.connect") {
            Some(Origin::Set | Origin::Environment(_)) => true,
            Some(Origin::File { .. } | Origin::Shipped) | None => {
                self.profile.common.transport.connect != shipped.common.transport.connect
            }
        };
        let connect = &mut self.host.settings.connect;
        if !named {
            *connect = kept;
        } else if *connect != kept {
            output.line_err(&format!("the server is {connect}; {CARD} has {kept}"));
        }
        Ok(())
    }

    fn keep(&self, card: &Card) -> Result<(), CliError> {
        let text = serde_json::to_vec_pretty(card).map_err(CliError::operation)?;
        Ok(self.host.keys.write(CARD, &text, false)?)
    }

    fn config(&self, card: &Card) -> Result<QflareConfig, CliError> {
        let mut config: QflareConfig = self.profile.system_table()?;
        config.device.clone_from(&card.device_id);
        Ok(config)
    }

    fn hardened(&self, card: &Card) -> Result<hardened::Client, CliError> {
        let wrong = |what: &str| CliError::usage(format!("{CARD}: {what}"));
        let device = DeviceId::parse(&card.device_id).map_err(|_| wrong("no device id"))?;
        let server = Fingerprint::parse(&card.server)
            .ok_or_else(|| wrong("no server; it was enrolled in another dialect"))?;
        Ok(pqfw_qflare::connect(
            &self.profile,
            &self.host,
            device,
            server,
        )?)
    }

    fn plain(&self, card: &Card) -> Result<compatible::Client, CliError> {
        let client = pqfw_qflare::connect_compatible(&self.config(card)?, &self.host);
        Ok(client.map_err(RunError::from)?)
    }

    fn fingerprint(&self, keys: &DeviceKeys) -> String {
        let public = keys.sign.verifying_key();
        let of = Fingerprint::of(&self.host.suite.digest, keys.sign.info(), &public);
        of.map_or_else(
            |error| error.to_string(),
            |fingerprint| fingerprint.to_string(),
        )
    }

    fn init(&self, output: &Output) -> Result<(), CliError> {
        let keys = self.keys()?;
        let (place, fingerprint) = (self.host.keys.describe(), self.fingerprint(&keys));
        let answer = json!({
            "directory": place,
            "fingerprint": fingerprint,
            "signature": keys.sign.info().id,
            "kem": keys.kem.info().id,
        });
        told(
            output,
            &answer,
            &format!("device keys are in {place}\nsign key {fingerprint}"),
        );
        Ok(())
    }

    fn enroll(
        &self,
        token: &Path,
        device: Option<String>,
        output: &Output,
    ) -> Result<(), CliError> {
        let text = files::read_text(token)?;
        let text = text.trim();
        let token = EnrolToken::parse(text);
        let mut card = Card {
            device_id: match (&token, device) {
                (_, Some(device)) => device,
                (Ok(token), None) => token.device.to_string(),
                (Err(_), None) if self.compatible() => {
                    return Err(CliError::usage(
                        "--device says which device the token is for",
                    ));
                }
                (Err(error), None) => return Err(CliError::usage(error)),
            },
            address: Some(self.host.settings.connect.clone()),
            ..Card::default()
        };
        if self.compatible() {
            let keys = self.keys()?;
            let secret = token.as_ref().map_or(text, |token| token.expose_secret());
            let client = self.plain(&card)?;
            runtime()?
                .block_on(client.enroll(secret, &keys))
                .map_err(RunError::from)?;
        } else {
            let token = token.map_err(RunError::from)?;
            card.server = token.server.to_string();
            let client = self.hardened(&card)?;
            runtime()?
                .block_on(async {
                    client.enrol(&token).await?;
                    client.end().await;
                    Ok::<_, ClientError>(())
                })
                .map_err(RunError::from)?;
        }
        self.keep(&card)?;
        let answer = json!({ "device_id": card.device_id, "server": card.server });
        told(output, &answer, &format!("{} is enrolled", card.device_id));
        Ok(())
    }

    fn fetch(&self, file: &Path, output: &Output) -> Result<(), CliError> {
        let mut card = self.card()?;
        let none = || CliError::operation("the server has no global model yet");
        let (bytes, base) = if self.compatible() {
            let client = self.plain(&card)?;
            let model = runtime()?
                .block_on(client.global_model())
                .map_err(RunError::from)?;
            let model = model.ok_or_else(none)?;
            let base = Base {
                version: model.version,
                sha256: String::new(),
                round: 0,
            };
            (model.weights, base)
        } else {
            let client = self.hardened(&card)?;
            let (model, status) = runtime()?
                .block_on(async {
                    let model = client.model(None).await?;
                    let status = client.status().await?;
                    client.end().await;
                    Ok::<_, ClientError>((model, status))
                })
                .map_err(RunError::from)?;
            let model = model.ok_or_else(none)?;
            let base = Base {
                version: model.version,
                sha256: hex(&model.sha256),
                round: status["round"].as_u64().unwrap_or_default(),
            };
            (model.file, base)
        };
        files::write(output, file, &bytes)?;
        let (version, round) = (base.version.clone(), base.round);
        card.base = Some(base);
        self.keep(&card)?;
        let answer = json!({ "model_version": version, "round": round, "bytes": bytes.len() });
        if output.json {
            output.document(&answer);
        } else {
            output.line_err(&format!("model {version}, {} bytes", bytes.len()));
        }
        Ok(())
    }

    fn submit(
        &self,
        weights: &[u8],
        format: &str,
        examples: u64,
        output: &Output,
    ) -> Result<(), CliError> {
        let card = self.card()?;
        let base = card.base.clone();
        let base = base.ok_or_else(|| CliError::usage("fetch the model before you train it"))?;
        let answer: Value = if self.compatible() {
            let (client, keys) = (self.plain(&card)?, self.keys()?);
            let mut rng = self.host.world.rng();
            let version = &base.version;
            let submitted = client.submit(&keys, &mut *rng, weights, examples, version, None);
            let round = runtime()?.block_on(submitted).map_err(RunError::from)?;
            json!({ "round": round })
        } else {
            let client = self.hardened(&card)?;
            let hash = from_hex(&base.sha256);
            let hash = hash.ok_or_else(|| CliError::usage(format!("{CARD}: no base")))?;
            runtime()?
                .block_on(async {
                    let what = (format, weights);
                    let receipt = client.submit(base.round, &hash, what, examples).await?;
                    client.end().await;
                    Ok::<_, ClientError>(receipt)
                })
                .map_err(RunError::from)?
        };
        told(
            output,
            &answer,
            &format!("accepted in round {}", answer["round"]),
        );
        Ok(())
    }

    fn rotate(&self, finish: bool, output: &Output) -> Result<(), CliError> {
        if self.compatible() {
            let text = "qflare-1 has no rotation: enrol another device, and revoke this one";
            return Err(CliError::usage(text));
        }
        let card = self.card()?;
        let (files, name) = (&*self.host.keys, &self.profile.common.keys.identity);
        let (now, suite) = (self.keys()?, &self.host.suite);
        let next = if finish {
            let left = DeviceKeys::left(files, name, suite).map_err(RunError::from)?;
            left.ok_or_else(|| CliError::usage("no rotation has left keys here"))?
        } else {
            let next = now.next(files, name, suite, &mut *self.host.world.rng());
            let next = next.map_err(RunError::from)?;
            let client = self.hardened(&card)?;
            runtime()?
                .block_on(async {
                    client.rotate(&next).await?;
                    Ok::<_, ClientError>(())
                })
                .map_err(RunError::from)?;
            next
        };
        next.replace(files, name).map_err(RunError::from)?;
        let fingerprint = self.fingerprint(&next);
        let answer = json!({ "device_id": card.device_id, "fingerprint": fingerprint });
        told(
            output,
            &answer,
            &format!("{} is now {fingerprint}", card.device_id),
        );
        Ok(())
    }

    fn status(&self, output: &Output) -> Result<(), CliError> {
        let card = self.card()?;
        let server = if self.compatible() {
            let client = self.plain(&card)?;
            let model = runtime()?
                .block_on(async {
                    client.health().await?;
                    client.global_model().await
                })
                .map_err(RunError::from)?;
            json!({ "model_version": model.map(|model| model.version) })
        } else {
            let client = self.hardened(&card)?;
            runtime()?
                .block_on(async {
                    let status = client.status().await?;
                    client.end().await;
                    Ok::<_, ClientError>(status)
                })
                .map_err(RunError::from)?
        };
        let base = card.base.as_ref().map(|base| base.version.clone());
        let words = format!(
            "{}: base {}, the server has {}",
            card.device_id,
            base.as_deref().unwrap_or("-"),
            plain(&server["model_version"])
        );
        let answer = json!({ "device_id": card.device_id, "base": base, "server": server });
        told(output, &answer, &words);
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
