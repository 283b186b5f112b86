//! Which key files are secret, and who may read those.

use std::fs::Metadata;

/// Whether a key file must be readable by its owner alone: by the end of its name, or because it
/// holds a private key in PEM (RFC 7468 sections 10 and 11) whatever its name.
pub(crate) fn is_secret(name: &str, bytes: &[u8]) -> bool {
    SECRET_ENDINGS.iter().any(|ending| name.ends_with(ending)) || holds_private_key(bytes)
}

/// Whether a file is a private key in PEM, plain or encrypted.
pub(crate) fn holds_private_key(bytes: &[u8]) -> bool {
    let mut windows = bytes.windows(PRIVATE_LABEL_END.len());
    windows.any(|window| window == PRIVATE_LABEL_END)
}

/// The endings of files that hold bare secret bytes.
const SECRET_ENDINGS: [&str; 2] = [".sec", ".seed"];

/// The end of `-----BEGIN PRIVATE KEY-----` and of its `ENCRYPTED`, `EC` and `OPENSSH` kin.
const PRIVATE_LABEL_END: &[u8] = b"PRIVATE KEY-----";

/// Whether somebody else than the owner may read or write the file.
#[cfg(unix)]
pub(crate) fn is_open_to_others(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;

    metadata.permissions().mode() & 0o077 != 0
}

/// Access lists are inherited from the directory here and have no mode to look at.
#[cfg(not(unix))]
pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_tell_what_is_secret() {
        assert!(is_secret("client_kem.sec", b""));
        assert!(is_secret("client_kem.seed", b""));
        assert!(is_secret("a.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA"));
        assert!(is_secret("a.txt", b"x\n-----BEGIN EC PRIVATE KEY-----"));
        assert!(is_secret("a", b"-----BEGIN ENCRYPTED PRIVATE KEY-----"));
        assert!(!is_secret("a.pem", b"-----BEGIN PUBLIC KEY-----"));
        assert!(!is_secret("a.pem", b"PRIVATE KEY----"));
        assert!(!is_secret("client_kem.pub", &[0; 1184]));
        assert!(!is_secret("a.second", b""));
    }
}
