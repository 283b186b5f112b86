//! `pqfw keys inspect`: what files hold, whose, and whether they agree with themselves.

use std::path::Path;
use std::sync::Arc;

use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::{
    self, Container, Content, Fingerprint, Identified, KeyCodecError, Part, PrivateKeyForm,
};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;
use serde_json::{Value, json};

use super::super::passphrase;
use super::algorithm::Algorithm;
use crate::args::keys::{Inspect, Passphrase};
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

pub(super) fn inspect(
    args: &Inspect,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let paths = args.files.iter().chain(&args.passphrase.passphrase_file);
    files::at_most_one_stdin(paths.map(AsRef::as_ref))?;
    let inspector = Inspector {
        registry,
        output,
        passphrase: &args.passphrase,
        sha256: super::sha256(registry, output)?,
    };
    let found: Vec<_> = args.files.iter().map(|path| inspector.file(path)).collect();
    if output.json {
        output.document(&found.iter().map(Found::to_json).collect());
    } else {
        found.iter().for_each(|found| found.print(output));
    }
    match found.iter().filter(|found| found.is_bad()).count() {
        0 => Ok(()),
        bad => Err(CliError::operation(format!(
            "{bad} of {} files cannot be used as they are",
            found.len()
        ))),
    }
}

/// What is wrong with a key file, if anything: whether others may read it, and whether it agrees
/// with itself. What is no key file has nothing wrong.
pub(crate) fn faults(
    path: &Path,
    registry: &Registry,
    output: &Output,
) -> Result<Faults, CliError> {
    let inspector = Inspector {
        registry,
        output,
        passphrase: &Passphrase::default(),
        sha256: super::sha256(registry, output)?,
    };
    let found = inspector.file(path);
    Ok(Faults {
        open: found.warnings.into_iter().next(),
        bad: (found.consistent == Some(false) && found.container.is_some())
            .then(|| found.reason.unwrap_or_default()),
    })
}

/// What is wrong with a key file.
pub(crate) struct Faults {
    /// Others may read it.
    pub(crate) open: Option<String>,
    /// It does not agree with itself.
    pub(crate) bad: Option<String>,
}

struct Inspector<'a> {
    registry: &'a Registry,
    output: &'a Output,
    passphrase: &'a Passphrase,
    sha256: AdmittedHash,
}

/// What was found out about one file. Nothing of it is secret.
#[derive(Default)]
struct Found {
    file: String,
    what: &'static str,
    container: Option<&'static str>,
    identifier: Option<String>,
    candidates: Vec<String>,
    form: Option<PrivateKeyForm>,
    sizes: Vec<(&'static str, usize)>,
    encryption: Option<String>,
    fingerprint: Option<String>,
    /// `None` when it could not be found out.
    consistent: Option<bool>,
    reason: Option<String>,
    warnings: Vec<String>,
    may_be_secret: bool,
}

impl Inspector<'_> {
    fn file(&self, path: &Path) -> Found {
        let mut found = Found {
            file: path.display().to_string(),
            what: "unreadable",
            ..Found::default()
        };
        let outcome = files::read(path).and_then(|file| self.content(&mut found, &file));
        if let Err(error) = outcome {
            found.consistent = Some(false);
            found.reason = Some(error.message);
        }
        if found.may_be_secret && files::is_open_to_others(path) {
            let warning = format!("others may read this file; chmod 600 {}", path.display());
            found.warnings.push(warning);
        }
        found
    }

    fn content(&self, found: &mut Found, file: &SecretBytes) -> Result<(), CliError> {
        let identified = match keys::identify(self.registry, file.expose()) {
            Err(error @ KeyCodecError::Unrecognised(_)) => {
                found.what = "no key file";
                let fitting = keys::by_length(self.registry, file.len());
                if fitting.is_empty() {
                    return Err(error.into());
                }
                found.what = "bare bytes";
                found.may_be_secret = fitting.iter().any(|(_, part)| *part != Part::Public);
                found.candidates = fitting.iter().map(in_words).collect();
                let reason = "bare bytes do not say what they are; convert them with --alg";
                found.reason = Some(reason.into());
                return Ok(());
            }
            other => other?,
        };
        found.container = Some(container(identified.container));
        match &identified.content {
            Content::Encrypted(encryption) => {
                found.may_be_secret = true;
                found.what = "encrypted private key";
                found.encryption = Some(encryption.to_string());
                if self.passphrase.passphrase_file.is_none() {
                    found.reason = Some("give --passphrase-file to look inside".into());
                    return Ok(());
                }
                let der = passphrase::decrypt(file, self.passphrase, self.output)?;
                let inside = keys::identify(self.registry, der.expose())?;
                self.key(found, &inside, &der)
            }
            Content::Public { .. } => {
                found.what = "public key";
                self.key(found, &identified, file)
            }
            Content::Private { .. } => {
                found.may_be_secret = true;
                found.what = "private key";
                self.key(found, &identified, file)
            }
        }
    }

    /// A key that is at hand unencrypted.
    fn key(
        &self,
        found: &mut Found,
        identified: &Identified,
        file: &SecretBytes,
    ) -> Result<(), CliError> {
        found.identifier.clone_from(&identified.identifier);
        let ids = identified.candidates.iter().map(|row| row.id.clone());
        found.candidates = ids.collect();
        found.fingerprint = identified.fingerprint(&self.sha256).map(text);
        if let Content::Private {
            form,
            seed_bytes,
            expanded_bytes,
            ..
        } = &identified.content
        {
            found.form = *form;
            found.sizes.extend(seed_bytes.map(|bytes| ("seed", bytes)));
            found
                .sizes
                .extend(expanded_bytes.map(|bytes| ("expanded", bytes)));
        }
        // Algorithms that share an identifier share what makes a key good.
        let Some(row) = identified.candidates.first() else {
            found.reason = Some("no algorithm here has this identifier".into());
            return Ok(());
        };
        if self.registry.entries_of(&row.id).is_empty() {
            found.reason = Some(format!("this build has no code for {}", row.id));
            return Ok(());
        }
        let algorithm = Algorithm::resolve(&row.id, self.registry, self.output)?;
        match &identified.content {
            Content::Public { key } => {
                found.sizes.push(("public", key.len()));
                algorithm.check_public(key)?;
            }
            Content::Private { .. } | Content::Encrypted(_) => {
                let parts = keys::private_from_file(row, file.expose())?;
                let pair = algorithm.import(&parts)?;
                let fingerprint = Fingerprint::of(&self.sha256, row, &pair.public)?;
                found.fingerprint = Some(text(fingerprint));
            }
        }
        found.consistent = Some(true);
        Ok(())
    }
}

/// What bare bytes could be, by their length.
fn in_words((row, part): &(Arc<AlgorithmInfo>, Part)) -> String {
    let part = match part {
        Part::Public => "public key",
        Part::Seed => "seed",
        Part::Expanded => "private key",
    };
    format!("{} {part}", row.id)
}

fn container(container: Container) -> &'static str {
    match container {
        Container::Pem => "PEM",
        Container::Der => "DER",
    }
}

fn text(fingerprint: Fingerprint) -> String {
    fingerprint.to_string()
}

impl Found {
    fn is_bad(&self) -> bool {
        self.consistent == Some(false)
    }

    fn to_json(&self) -> Value {
        let sizes: serde_json::Map<_, _> = self
            .sizes
            .iter()
            .map(|(name, bytes)| ((*name).to_owned(), json!(bytes)))
            .collect();
        json!({
            "file": self.file,
            "what": self.what,
            "container": self.container,
            "identifier": self.identifier,
            "algorithms": self.candidates,
            "form": self.form.map(|form| form.to_string()),
            "sizes": sizes,
            "encryption": self.encryption,
            "fingerprint": self.fingerprint,
            "consistent": self.consistent,
            "reason": self.reason,
            "warnings": self.warnings,
        })
    }

    fn print(&self, output: &Output) {
        let field = |name: &str, tone: Tone, value: &str| {
            if !value.is_empty() {
                let name = output.paint(Tone::Faint, &format!("  {name:<12}"));
                output.line(&format!("{name} {}", output.paint(tone, value)));
            }
        };
        output.line(&output.paint(Tone::Strong, &self.file));
        let sizes = self.sizes.iter();
        let sizes: Vec<_> = sizes
            .map(|(name, bytes)| format!("{name} {bytes} bytes"))
            .collect();
        let mut what = vec![self.what.to_owned()];
        what.extend(self.container.map(Into::into));
        what.extend(self.form.map(|form| format!("form {form}")));
        what.extend(sizes);
        field("what", Tone::Plain, &what.join(", "));
        field("algorithm", Tone::Plain, &self.candidates.join(" or "));
        if self.candidates.is_empty() {
            let identifier = self.identifier.as_deref().unwrap_or_default();
            field("identifier", Tone::Plain, identifier);
        }
        field(
            "encryption",
            Tone::Plain,
            self.encryption.as_deref().unwrap_or_default(),
        );
        field(
            "fingerprint",
            Tone::Plain,
            self.fingerprint.as_deref().unwrap_or_default(),
        );
        let (tone, answer) = match self.consistent {
            Some(true) => (Tone::Good, "yes"),
            Some(false) => (Tone::Bad, "no"),
            None => (Tone::Warning, "unknown"),
        };
        let answer = match &self.reason {
            Some(reason) => format!("{answer}: {reason}"),
            None => answer.to_owned(),
        };
        field("consistent", tone, &answer);
        for warning in &self.warnings {
            field("warning", Tone::Warning, warning);
        }
    }
}
