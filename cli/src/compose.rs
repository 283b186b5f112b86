//! From a profile to a running system: files, policies, algorithms, store, transport.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pqfw_control::OsControl;
use pqfw_framework::policy::{Policy, PolicyError};
use pqfw_framework::profile::{Overrides, Profile};
use pqfw_framework::registry::{Decision, Registry, Resolver};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Host, KeyFiles, Outside, Report, Role, System};
use pqfw_framework::transport::{TlsSettings, TlsTrust};
use pqfw_framework::world::World;
use pqfw_process::OsProcesses;
use pqfw_runtime::{
    DirectoryJournals, DirectoryKeys, OsStandard, OsTemporaryKeys, OsWorld, SealedKeys,
};
use pqfw_tun::TunInterfaces;
use pqfw_userspace::UserspaceInterfaces;
use serde_json::json;

use crate::commands;
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::reload::Never;

/// A profile with everything that it names, ready to run.
pub(crate) struct Composed {
    pub(crate) system: Arc<dyn System>,
    pub(crate) profile: Profile,
    pub(crate) role: Role,
    pub(crate) host: Host,
    policies: Vec<Policy>,
    decisions: Vec<Decision>,
    /// Demo roles live in a directory that goes when they end.
    _temporary: Option<tempfile::TempDir>,
}

/// A profile's text, its name, and where it was found.
pub(crate) struct Found {
    text: String,
    stem: String,
    place: String,
}

/// Finds a profile: a bare name is a shipped one; anything with a `/` or `.toml` is a file, or one
/// under `profiles/`, or else a shipped one. A file that nobody named is never read.
pub(crate) fn find(name: &str, registry: &Registry) -> Result<Found, CliError> {
    let path = Path::new(name);
    let is_file = path.extension().is_some() || name.contains('/');
    for path in [path, &Path::new("profiles").join(name)] {
        if is_file && path.is_file() {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            return Ok(Found {
                text: crate::files::read_text(path)?,
                stem: stem.into_owned(),
                place: path.display().to_string(),
            });
        }
    }
    let bare = name.strip_suffix(".toml").unwrap_or(name);
    if let Ok(system) = registry.system(bare) {
        return Ok(Found {
            text: system.info().shipped_profile.to_owned(),
            stem: bare.to_owned(),
            place: format!("{bare}, as shipped"),
        });
    }
    let known: Vec<_> = registry
        .systems()
        .map(|system| system.info().name)
        .collect();
    let known = known.join(", ");
    Err(CliError::usage(format!(
        "no profile `{name}`: no such file, and shipped are: {known}"
    )))
}

/// Reads and resolves a profile; also says where it was found.
pub(crate) fn resolve(
    name: &str,
    set: &[(String, String)],
    registry: &Registry,
) -> Result<(Profile, String), CliError> {
    let found = find(name, registry)?;
    let during = |error: CliError| error.during(format!("profile {name}"));
    // First what the file requires: without its plugin a system is unknown, and why is lost.
    let required = Profile::required(&found.text).map_err(|error| during(error.into()))?;
    registry
        .require(&required)
        .map_err(|error| during(error.into()))?;
    let mut environment: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("PQFW__"))
        .collect();
    environment.sort();
    let overrides = Overrides {
        set: set.to_vec(),
        environment,
    };
    let profile = Profile::resolve(&found.text, &found.stem, &overrides, registry)
        .map_err(|error| during(error.into()))?;
    let system = registry.system(&profile.common.system)?;
    system
        .check_table(&profile)
        .map_err(|error| during(error.into()))?;
    registry
        .require(&profile.common.require)
        .map_err(|error| during(error.into()))?;
    Ok((profile, found.place))
}

/// What a profile requires and this binary does not have.
pub(crate) fn missing(name: &str, registry: &Registry) -> Result<Vec<String>, CliError> {
    let found = find(name, registry)?;
    let mut required = Profile::required(&found.text)
        .map_err(|error| CliError::from(error).during(format!("profile {name}")))?;
    required.retain(|name| registry.require(std::slice::from_ref(name)).is_err());
    Ok(required)
}

/// Composes everything that `profile` names.
pub(crate) fn compose(
    profile: Profile,
    role: Role,
    registry: &Registry,
    report: Arc<dyn Report>,
    output: &Output,
) -> Result<Composed, CliError> {
    let system = registry.system(&profile.common.system)?.clone();
    let transport = registry.transport(&profile.common.transport.kind)?.clone();
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let policies = policies(&profile.common.policy.0, registry)?;
    let today = world.now().day();
    let mut rng = world.rng();
    let prefer = &profile.common.providers.prefer;
    let measured = crate::prefs::load(registry, output)?;
    let mut resolver = Resolver::new(registry, &mut *rng, &policies, prefer, &today);
    if let Some(measured) = &measured {
        resolver = resolver.measured(measured);
    }
    let suites: Result<Vec<_>, _> = profile
        .suite_names()
        .iter()
        .map(|names| Suite::resolve(names, &mut resolver))
        .collect();
    let mut suites = suites?.into_iter();
    // The profile's reader has refused an empty list.
    let suite = suites
        .next()
        .ok_or_else(|| CliError::usage("`suite` names nothing"))?;
    let temporary = match role {
        Role::Demo => Some(
            tempfile::Builder::new()
                .prefix("pqfw-demo-")
                .tempdir()
                .map_err(|error| {
                    CliError::operation(format!("cannot make a temporary directory: {error}"))
                })?,
        ),
        _ => None,
    };
    let state = match &temporary {
        Some(directory) => directory.path().to_owned(),
        None => state_directory(&profile.name)?,
    };
    let keys = match &profile.common.keys.dir {
        Some(directory) => PathBuf::from(directory),
        None => state.join("keys"),
    };
    let mut settings = profile.transport_settings();
    let place = crate::tls::Place {
        registry,
        world: &world,
        directory: &keys,
    };
    let wanted = &profile.common.transport.tls;
    settings.tls = crate::tls::resolve(wanted, &suite, &*transport, &place, &mut resolver)?;
    let decisions = resolver.take_decisions();
    let mut key_files: Arc<dyn KeyFiles> = Arc::new(DirectoryKeys::new(keys));
    if let Some(path) = &profile.common.keys.passphrase_file {
        let passphrase = commands::passphrase::read(Path::new(path), output)
            .map_err(|error| error.during("keys.passphrase_file"))?;
        key_files = Arc::new(SealedKeys::new(key_files, passphrase, world.clone()));
    }
    let host = Host {
        world,
        suite,
        alternatives: suites.collect(),
        store: pqfw_store::open(&profile.common.store.url, &state)?,
        keys: key_files,
        transport,
        settings,
        report,
        outside: Outside {
            transports: registry
                .transports()
                .map(|transport| (transport.info().name, transport.clone()))
                .collect(),
            journals: Arc::new(DirectoryJournals::new(&state)),
            processes: Arc::new(OsProcesses::default()),
            userspace: Arc::new(UserspaceInterfaces),
            interfaces: Arc::new(TunInterfaces::new(state.join("routes"))),
            standard: Arc::new(OsStandard),
            control: Arc::new(OsControl::new(&state)),
            blobs: pqfw_store::open_blobs(&profile.common.store.url, &state)?,
            temporary: Arc::new(OsTemporaryKeys::new()),
            reloads: Arc::new(Never),
        },
    };
    Ok(Composed {
        system,
        profile,
        role,
        host,
        policies,
        decisions,
        _temporary: temporary,
    })
}

/// The policies of the given names: shipped ones, or files. A name in a rule that is no canonical
/// id would be a rule that never bites.
pub(crate) fn policies(names: &[String], registry: &Registry) -> Result<Vec<Policy>, CliError> {
    let load = |name: &String| {
        let policy = match Policy::shipped(name) {
            Err(PolicyError::Unknown(..)) if name.contains('/') || name.ends_with(".toml") => {
                let text = crate::files::read_text(Path::new(name))?;
                Policy::parse(&text).map_err(|error| CliError::from(error).during(name))?
            }
            other => other?,
        };
        for named in policy.names() {
            let row = registry
                .find(named)
                .map_err(|error| CliError::from(error).during(format!("policy {name}")))?;
            if row.id != named {
                let id = &row.id;
                let what = format!("policy {name}: `{named}` is an alias; write `{id}`");
                return Err(CliError::usage(what));
            }
        }
        Ok(policy)
    };
    names.iter().map(load).collect()
}

/// Where the state of a profile of that name lives.
pub(crate) fn state_directory(name: &str) -> Result<PathBuf, CliError> {
    match std::env::var_os("STATE_DIRECTORY").filter(|value| !value.is_empty()) {
        Some(directory) => Ok(directory.into()),
        None => Ok(state_home()?.join(name)),
    }
}

/// Where the state of every profile lives, and what this machine measured.
pub(crate) fn state_home() -> Result<PathBuf, CliError> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(directory) = variable("STATE_DIRECTORY") {
        return Ok(directory.into());
    }
    if let Some(directory) = variable("XDG_STATE_HOME") {
        return Ok(PathBuf::from(directory).join("pqfw"));
    }
    match std::env::home_dir() {
        Some(home) => Ok(home.join(".local/state/pqfw")),
        None => Err(CliError::usage(
            "no home directory: set STATE_DIRECTORY to where keys and state may live",
        )),
    }
}

impl Composed {
    /// Says what was composed: on stdout for a demo, on stderr for what other programs talk to.
    pub(crate) fn announce(&self, output: &Output, place: &str) {
        if output.json {
            return output.document(&self.announcement(place));
        }
        let demo = self.role == Role::Demo;
        let line = |name: &str, text: &str| {
            if demo {
                output.line(&format!(
                    "{} {text}",
                    output.paint(Tone::Faint, &format!("{name:<10}"))
                ));
            } else {
                let name = output.paint_err(Tone::Faint, &format!("{name:<10}"));
                output.line_err(&format!("{name} {text}"));
            }
        };
        line("profile", place);
        let info = self.system.info();
        let title = format!("{}: {}", info.name, info.summary);
        line("system", &title);
        line(
            "dialect",
            &format!("{} ({})", self.profile.dialect, self.dialect_summary()),
        );
        line("suite", &self.host.suite.describe());
        line("providers", &self.providers().join(", "));
        line("transport", &self.profile.common.transport.kind);
        if let Some(tls) = &self.host.settings.tls {
            line("tls", &describe_tls(tls));
        }
        let names: Vec<_> = self
            .policies
            .iter()
            .map(|policy| policy.name.as_str())
            .collect();
        line(
            "policy",
            &format!("{}: every part of the suite is allowed", names.join(", ")),
        );
        for warning in self.warnings() {
            if demo {
                let warning = format!("warning: {warning}");
                output.line(&output.paint(Tone::Warning, &warning));
            } else {
                let warning = format!("warning: {warning}");
                output.line_err(&output.paint_err(Tone::Warning, &warning));
            }
        }
    }

    fn announcement(&self, place: &str) -> serde_json::Value {
        let suite = &self.host.suite;
        json!({
            "event": "composed",
            "profile": place,
            "system": self.profile.common.system,
            "dialect": self.profile.dialect,
            "role": self.role.to_string(),
            "suite": {
                "kem": suite.kem.info().id,
                "signature": suite.signature.info().id,
                "aead": suite.aead.info().id,
                "kdf": suite.kdf.info().id,
            },
            "providers": self.providers(),
            "transport": self.profile.common.transport.kind,
            "tls": self.host.settings.tls.as_deref().map(describe_tls),
            "policies": self.policies.iter().map(|policy| &policy.name).collect::<Vec<_>>(),
            "warnings": self.warnings(),
        })
    }

    fn dialect_summary(&self) -> &'static str {
        let dialects = self.system.info().dialects;
        let ours = dialects
            .iter()
            .find(|dialect| dialect.name == self.profile.dialect);
        ours.map_or("", |dialect| dialect.summary)
    }

    fn providers(&self) -> Vec<String> {
        let suite = &self.host.suite;
        [
            (suite.kem.info(), suite.kem.provider()),
            (suite.signature.info(), suite.signature.provider()),
            (suite.aead.info(), suite.aead.provider()),
            (suite.kdf.info(), suite.kdf.provider()),
        ]
        .map(|(info, provider)| format!("{}@{} ({})", info.id, provider.name, provider.version))
        .to_vec()
    }

    /// What the operator must know before anything runs, whatever the log level.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<_> = self
            .policies
            .iter()
            .filter_map(|policy| policy.warning.clone())
            .collect();
        for decision in &self.decisions {
            warnings.extend(describe(decision));
        }
        let dialects = self.system.info().dialects;
        let ours = dialects
            .iter()
            .find(|dialect| dialect.name == self.profile.dialect);
        for (code, weakness) in ours
            .map(|dialect| &dialect.cannot_protect[..])
            .unwrap_or_default()
        {
            warnings.push(format!("{code} {}: {weakness}", self.profile.dialect));
        }
        warnings
    }
}

/// One line about TLS; a carrier is called that.
fn describe_tls(tls: &TlsSettings) -> String {
    let groups: Vec<_> = tls.groups.iter().map(|group| group.name.as_str()).collect();
    let signatures = tls.signatures.iter().map(|one| one.info().id.as_str());
    let signatures: Vec<_> = signatures.collect();
    let trust = match &tls.servers {
        TlsTrust::Carrier => {
            "a carrier only: it hides from onlookers and authenticates nobody, which the protocol \
             above does"
        }
        TlsTrust::Pinned { .. } => "pinned keys",
        TlsTrust::Authorities(_) => "certificates",
    };
    format!(
        "1.3 with {}, signed by {}; {trust}",
        groups.join(", "),
        signatures.join(", ")
    )
}

/// A decision that the operator should know; `None` for one that went as expected.
pub(crate) fn describe(decision: &Decision) -> Option<String> {
    match decision {
        Decision::Chosen { .. } => None,
        Decision::Quarantined {
            algorithm,
            provider,
            reason,
        } => Some(format!(
            "{algorithm}@{provider} is quarantined, the next provider takes over: {reason}"
        )),
        Decision::Warned { algorithm, warning } => Some(format!("{algorithm}: {warning}")),
        Decision::Renamed {
            given,
            algorithm,
            reason,
        } => Some(format!("`{given}` is {algorithm} here: {reason}")),
        Decision::PassedOver { name, reason } => Some(format!(
            "`{name}` is passed over for the next alternative: {reason}"
        )),
    }
}
