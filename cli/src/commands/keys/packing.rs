//! Writing keys in the packing that was asked for.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::keys::{self, PassphraseKdf, PrivateKeyForm, PrivateKeyParts};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use zeroize::Zeroizing;

use super::super::passphrase;
use crate::args::keys::Packing;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// How a private key is to be written.
pub(super) struct SecretFile<'a> {
    pub(super) path: &'a Path,
    pub(super) packing: Packing,
    pub(super) form: Option<PrivateKeyForm>,
    pub(super) passphrase_file: Option<&'a PathBuf>,
    pub(super) kdf: PassphraseKdf,
    pub(super) force: bool,
}

impl SecretFile<'_> {
    /// Writes a private key, readable by its owner alone.
    pub(super) fn write(
        &self,
        info: &AlgorithmInfo,
        parts: &PrivateKeyParts,
        output: &Output,
    ) -> Result<(), CliError> {
        let bytes = match self.packing {
            Packing::Pem | Packing::Der => self.pkcs8(info, parts, output)?,
            Packing::Raw | Packing::Hex | Packing::Base64 => self.bare(info, parts)?,
        };
        files::write_secret(output, self.path, bytes.expose(), self.force)
    }

    fn pkcs8(
        &self,
        info: &AlgorithmInfo,
        parts: &PrivateKeyParts,
        output: &Output,
    ) -> Result<SecretBytes, CliError> {
        let der = keys::private_to_der(info, parts, self.form)?;
        let text = |text: Zeroizing<String>| SecretBytes::copy_of(text.as_bytes());
        let Some(path) = self.passphrase_file else {
            return Ok(match self.packing {
                Packing::Pem => text(keys::private_der_to_pem(der.expose())?),
                _ => der,
            });
        };
        let passphrase = passphrase::read(path, output)?;
        let rng = &mut *OsWorld::new().rng();
        let sealed = keys::encrypt_private(&der, &passphrase, self.kdf, rng)?;
        Ok(match self.packing {
            Packing::Pem => text(keys::encrypted_der_to_pem(&sealed)?),
            _ => SecretBytes::own(sealed),
        })
    }

    /// The key's bytes and nothing else: the expanded form unless the seed is asked for, since
    /// that is what systems with bare files keep.
    fn bare(&self, info: &AlgorithmInfo, parts: &PrivateKeyParts) -> Result<SecretBytes, CliError> {
        if self.passphrase_file.is_some() {
            let what = "bare bytes cannot be encrypted; write --to pem or der";
            return Err(CliError::usage(what));
        }
        let missing = |what: &str| {
            let id = &info.id;
            CliError::usage(format!("{id}: there is no {what} form of this key"))
        };
        let key = match self.form {
            Some(PrivateKeyForm::Both) => {
                return Err(CliError::usage("bare bytes hold one form, not both"));
            }
            Some(PrivateKeyForm::Seed) => parts.seed.as_ref().ok_or_else(|| missing("seed"))?,
            Some(PrivateKeyForm::Expanded) => {
                parts.expanded.as_ref().ok_or_else(|| missing("expanded"))?
            }
            None => {
                let key = parts.expanded.as_ref().or(parts.seed.as_ref());
                key.ok_or_else(|| missing("exported"))?
            }
        };
        Ok(bare(self.packing, key.expose()))
    }
}

/// Writes a public key.
pub(super) fn write_public(
    path: &Path,
    packing: Packing,
    info: &AlgorithmInfo,
    public: &[u8],
    output: &Output,
) -> Result<(), CliError> {
    match packing {
        Packing::Pem => files::write(output, path, keys::public_to_pem(info, public)?.as_bytes()),
        Packing::Der => files::write(output, path, &keys::public_to_der(info, public)?),
        Packing::Raw | Packing::Hex | Packing::Base64 => {
            files::write(output, path, bare(packing, public).expose())
        }
    }
}

/// Bytes as they are, or as one line of text.
fn bare(packing: Packing, bytes: &[u8]) -> SecretBytes {
    match packing {
        Packing::Hex => {
            let digit = |nibble: u8| char::from_digit(nibble.into(), 16).map_or(0, |c| c as u8);
            let mut text = SecretBytes::zeroed(bytes.len() * 2 + 1);
            let (pairs, end) = text.expose_mut().as_chunks_mut::<2>();
            for (pair, byte) in pairs.iter_mut().zip(bytes) {
                *pair = [digit(byte >> 4), digit(byte & 15)];
            }
            end.fill(b'\n');
            text
        }
        Packing::Base64 => {
            let mut text = Zeroizing::new(STANDARD.encode(bytes));
            text.push('\n');
            SecretBytes::copy_of(text.as_bytes())
        }
        Packing::Pem | Packing::Der | Packing::Raw => SecretBytes::copy_of(bytes),
    }
}
