//! Key files of one end, in memory: they are gone with the scenario.

use std::collections::BTreeMap;
use std::sync::Mutex;

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::{KeyFileError, KeyFiles};

use crate::service::locked;

/// What a directory of keys would hold.
#[derive(Default)]
pub(super) struct Pocket(Mutex<BTreeMap<String, SecretBytes>>);

impl KeyFiles for Pocket {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        let files = locked(&self.0);
        Ok(files
            .get(name)
            .map(|file| SecretBytes::copy_of(file.expose())))
    }

    fn write(&self, name: &str, bytes: &[u8], _: bool) -> Result<(), KeyFileError> {
        locked(&self.0).insert(name.to_owned(), SecretBytes::copy_of(bytes));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        locked(&self.0).remove(name);
        Ok(())
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}
