//! Who has keys, and a folder of key files that is no folder.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{KeyFileError, KeyFiles};
use pqfw_qu3::keys::{End, EndKeys, ServerPublicKeys};

use crate::support::suite;

/// Who has keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Server,
    OtherServer,
    Alice,
    Bob,
    Mallory,
}

static KEYS: LazyLock<BTreeMap<Who, KeyFolder>> = LazyLock::new(|| {
    let people = [
        Who::Server,
        Who::OtherServer,
        Who::Alice,
        Who::Bob,
        Who::Mallory,
    ];
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let folders = people.map(|who| {
        let folder = KeyFolder::default();
        let keys = EndKeys::generate(&suite(), &mut rng).unwrap();
        keys.save(&folder, End::Client).unwrap();
        (who, folder)
    });
    folders.into_iter().collect()
});

/// The keys of one of the people: the same in every test.
pub(crate) fn keys_of(who: Who) -> EndKeys {
    let keys = EndKeys::load(&KEYS[&who], &suite(), End::Client).unwrap();
    keys.unwrap()
}

/// What a client knows of a server.
pub(crate) fn public_keys_of(who: Who) -> ServerPublicKeys {
    let keys = keys_of(who);
    ServerPublicKeys {
        kem: keys.kem_public,
        sign: keys.sign_public,
    }
}

/// A folder of key files that is no folder, with the files that cannot be read or written.
#[derive(Default)]
pub(crate) struct KeyFolder {
    pub(crate) files: Mutex<BTreeMap<String, (Vec<u8>, bool)>>,
    pub(crate) broken: Option<&'static str>,
}

impl KeyFolder {
    pub(crate) fn names(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        self.files.lock().unwrap()[name].0.clone()
    }

    pub(crate) fn remove(&self, name: &str) {
        self.files.lock().unwrap().remove(name).unwrap();
    }

    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(&mut self.files.lock().unwrap().get_mut(name).unwrap().0);
    }

    fn check(&self, name: &str) -> Result<(), KeyFileError> {
        if self.broken != Some(name) {
            return Ok(());
        }
        Err(KeyFileError {
            path: format!("{}/{name}", self.describe()),
            reason: "permission denied".into(),
        })
    }
}

impl KeyFiles for KeyFolder {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        self.check(name)?;
        let files = self.files.lock().unwrap();
        Ok(files
            .get(name)
            .map(|(bytes, _)| SecretBytes::copy_of(bytes)))
    }

    fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError> {
        self.check(name)?;
        let mut files = self.files.lock().unwrap();
        files.insert(name.into(), (bytes.to_vec(), secret));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        self.check(name)?;
        self.files.lock().unwrap().remove(name);
        Ok(())
    }

    fn describe(&self) -> String {
        "the key folder".into()
    }
}

/// Key pairs that went through files, as those of a real end do.
pub(crate) fn stored_keys(suite: &Suite, seed: u64) -> EndKeys {
    let folder = KeyFolder::default();
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (made, _) = EndKeys::load_or_generate(&folder, suite, End::Client, &mut rng).unwrap();
    let read = EndKeys::load(&folder, suite, End::Client).unwrap().unwrap();
    assert_eq!(made.kem_public, read.kem_public);
    assert_eq!(made.sign_public, read.sign_public);
    read
}
