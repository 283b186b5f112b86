//! Recovery keys: the two halves of whatever KEM a backup is sealed to.

use std::path::Path;

use pqfw_framework::catalogue::Kind;
use pqfw_framework::kem::{AdmittedKem, DecapsulationKey, EncapsulationKey};
use pqfw_framework::keys::{self, Content, Identified};
use pqfw_framework::policy::Policy;
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;

use super::super::passphrase;
use crate::args::keys::Passphrase;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// What recovery keys are read under.
pub(super) struct Recovery<'a> {
    pub(super) registry: &'a Registry,
    pub(super) policies: &'a [Policy],
    pub(super) output: &'a Output,
}

impl Recovery<'_> {
    pub(super) fn public(&self, path: &Path) -> Result<EncapsulationKey, CliError> {
        let during = |error: CliError| error.during(path.display());
        let file = files::read(path)?;
        let read = || {
            let identified = keys::identify(self.registry, file.expose())?;
            if !matches!(identified.content, Content::Public { .. }) {
                let what = "a private key; backups are sealed to public keys";
                return Err(CliError::usage(what));
            }
            let kem = self.kem(&identified)?;
            let public = keys::public_from_file(kem.info(), file.expose())?;
            kem.import_encapsulation_key(&public).map_err(Into::into)
        };
        read().map_err(during)
    }

    pub(super) fn private(
        &self,
        path: &Path,
        passphrase: &Passphrase,
    ) -> Result<DecapsulationKey, CliError> {
        let during = |error: CliError| error.during(path.display());
        let file = files::read(path)?;
        let read = || {
            let identified = keys::identify(self.registry, file.expose())?;
            match identified.content {
                Content::Public { .. } => {
                    let what = "a public key; a backup is opened with the private one";
                    Err(CliError::usage(what))
                }
                Content::Private { .. } => self.import(&identified, &file),
                Content::Encrypted(_) => {
                    let der = passphrase::decrypt(&file, passphrase, self.output)?;
                    self.import(&keys::identify(self.registry, der.expose())?, &der)
                }
            }
        };
        read().map_err(during)
    }

    fn import(
        &self,
        identified: &Identified,
        file: &SecretBytes,
    ) -> Result<DecapsulationKey, CliError> {
        let kem = self.kem(identified)?;
        let parts = keys::private_from_file(kem.info(), file.expose())?;
        kem.import_private_key(&parts).map_err(Into::into)
    }

    /// The KEM among the algorithms that a file may belong to, if the policies allow it.
    fn kem(&self, identified: &Identified) -> Result<AdmittedKem, CliError> {
        let mut rows = identified.candidates.iter();
        let Some(row) = rows.find(|row| row.kind() == Kind::Kem) else {
            let identifier = identified.identifier.as_deref().unwrap_or_default();
            let what = format!("no key of a KEM (its identifier is {identifier})");
            return Err(CliError::usage(what));
        };
        super::super::resolve_under(self.registry, self.policies, self.output, |resolver| {
            resolver.kem(&row.id)
        })
    }
}
