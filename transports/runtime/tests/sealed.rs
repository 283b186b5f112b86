//! Private keys under a passphrase.

use std::sync::Arc;

use pqfw_framework::keys::decrypt_private;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::KeyFiles;
use pqfw_runtime::{DirectoryKeys, OsWorld, SealedKeys};

/// RFC 8410, section 10.3.
const PLAIN: &str = "-----BEGIN PRIVATE KEY-----\n\
                     MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                     -----END PRIVATE KEY-----\n";

fn secret(text: &str) -> SecretBytes {
    SecretBytes::copy_of(text.as_bytes())
}

#[test]
fn private_keys_are_encrypted_on_the_disk_and_nothing_else_is() {
    let home = tempfile::tempdir().unwrap();
    let bare = Arc::new(DirectoryKeys::new(home.path()));
    let sealed =
        |passphrase| SealedKeys::new(bare.clone(), secret(passphrase), Arc::new(OsWorld::new()));
    sealed("a")
        .write("node.pem", PLAIN.as_bytes(), true)
        .unwrap();
    let file = bare.read("node.pem").unwrap().unwrap();
    assert!(
        file.expose()
            .starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    );
    let der = decrypt_private(file.expose(), &secret("a")).unwrap();
    let read = sealed("a").read("node.pem").unwrap().unwrap();
    assert!(read.constant_time_eq(der.expose()));
    let wrong = sealed("b").read("node.pem").err().unwrap();
    assert!(wrong.reason.contains("passphrase is wrong"), "{wrong}");
    sealed("a")
        .write("known.toml", b"version = 1", false)
        .unwrap();
    for files in [&*bare as &dyn KeyFiles, &sealed("b")] {
        let known = files.read("known.toml").unwrap().unwrap();
        assert_eq!(known.expose(), b"version = 1");
    }
    assert!(sealed("a").read("none").unwrap().is_none());
    assert_eq!(sealed("a").describe(), bare.describe());
}

#[test]
fn a_plain_key_where_there_should_be_none_is_refused_with_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let bare = Arc::new(DirectoryKeys::new(home.path()));
    bare.write("node.pem", PLAIN.as_bytes(), true).unwrap();
    let sealed = SealedKeys::new(bare, secret("a"), Arc::new(OsWorld::new()));
    let refused = sealed.read("node.pem").err().unwrap();
    assert!(refused.reason.contains("pqfw keys convert"), "{refused}");
    let broken = b"-----BEGIN PRIVATE KEY-----";
    let refused = sealed.write("node.pem", broken, true).err().unwrap();
    assert!(refused.reason.contains("not a PEM file"), "{refused}");
}
