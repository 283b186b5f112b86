//! Passphrases, and private keys that may need one.

use std::path::Path;

use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::keys::{self, KeyCodecError, PrivateKeyParts};
use pqfw_framework::secret::SecretBytes;

use crate::args::keys::Passphrase;
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

/// Reads a private key from a raw, PEM or DER file. The passphrase is read only if it is needed.
pub(super) fn private_key(
    info: &AlgorithmInfo,
    file: &SecretBytes,
    raw: bool,
    passphrase: &Passphrase,
    output: &Output,
) -> Result<PrivateKeyParts, CliError> {
    if raw {
        return Ok(PrivateKeyParts::of_raw(info, file.expose()));
    }
    match keys::private_from_file(info, file.expose()) {
        Err(KeyCodecError::Encrypted) => {
            let der = decrypt(file, passphrase, output)?;
            keys::private_from_file(info, der.expose()).map_err(Into::into)
        }
        other => other.map_err(Into::into),
    }
}

/// Decrypts a private key file with the passphrase that was named.
pub(super) fn decrypt(
    file: &SecretBytes,
    passphrase: &Passphrase,
    output: &Output,
) -> Result<SecretBytes, CliError> {
    let Some(path) = &passphrase.passphrase_file else {
        let what = "the private key is encrypted; name a file with its passphrase by \
                    --passphrase-file";
        return Err(CliError::usage(what));
    };
    let passphrase = read(path, output)?;
    keys::decrypt_private(file.expose(), &passphrase).map_err(Into::into)
}

/// Reads a passphrase: the one line of a file, without its end.
pub(crate) fn read(path: &Path, output: &Output) -> Result<SecretBytes, CliError> {
    let file = files::read(path)?;
    let bytes = file.expose();
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let path_shown = path.display();
    if line.contains(&b'\n') {
        // Others would take the first line, or all of them: better none.
        let what = format!("{path_shown}: more than one line; a passphrase file has one");
        return Err(CliError::usage(what));
    }
    if line.is_empty() {
        return Err(CliError::from(KeyCodecError::EmptyPassphrase).during(path_shown));
    }
    if files::is_open_to_others(path) {
        let text = format!(
            "warning: {path_shown}: others may read this passphrase; chmod 600 {path_shown}"
        );
        output.line_err(&output.paint_err(Tone::Warning, &text));
    }
    Ok(SecretBytes::copy_of(line))
}
