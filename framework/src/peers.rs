//! Whom a node talks to: `[peers]` of a profile, and the file of known peers.
//!
//! | mode | a peer is accepted |
//! | --- | --- |
//! | `pinned` | when the file knows its fingerprint, under the name it is reached by |
//! | `tofu` | so, or when the file knows nobody of that name: then it is remembered, and said |
//! | `allow-list` | when `peers.allow` has its fingerprint |
//! | `open` | always; warned about at every start |
//!
//! A name is where the peer is reached: the address that a client connects to. Peers that come by
//! themselves have none, and share the name `*`, which has room for many.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use thiserror::Error;

use crate::keys::Fingerprint;
use crate::system::{KeyFileError, KeyFiles};
use crate::world::Now;

/// How peers come to be trusted.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PeerMode {
    /// Those in the file alone.
    Pinned,
    /// Those in the file, and whoever comes first under a name.
    #[default]
    Tofu,
    /// Those in `peers.allow` alone.
    AllowList,
    /// Anybody.
    Open,
}

/// The name of peers that come by themselves.
pub const INCOMING: &str = "*";

/// The most peers that trust on first use remembers under [`INCOMING`].
pub const MOST_INCOMING: usize = 10_000;

/// The peers of one node, as one end of a connection sees them.
pub struct PeerList {
    mode: PeerMode,
    allow: Vec<Fingerprint>,
    file: String,
    files: std::sync::Arc<dyn KeyFiles>,
    known: Mutex<Vec<Known>>,
}

/// One peer that the file knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Where it is reached, or [`INCOMING`].
    pub name: String,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// When it was first seen, ISO 8601; empty when an operator wrote it.
    pub first_seen: String,
}

/// That a peer is accepted, and what is new about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// As before.
    Known,
    /// On first use: [`PeerList::remember`] puts it into the file.
    New,
    /// Because anybody is.
    Unchecked,
}

/// A peer that is not accepted, or a file of peers that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PeerError {
    /// The peer's fault, or the operator's, who has not listed it.
    #[error("{fingerprint} is not in {place}; if it is the right peer, add it there")]
    Unknown {
        /// Who it is.
        fingerprint: Fingerprint,
        /// Where it would have to be.
        place: String,
    },
    /// An attack, or a peer with a new key.
    #[error(
        "{name} has another key than before: {fingerprint}, known is {known}; somebody may be in \
         between. If the peer was given a new key, change its line in {place}"
    )]
    Changed {
        /// Where it was reached.
        name: String,
        /// Who it is now.
        fingerprint: Fingerprint,
        /// Who it was.
        known: Fingerprint,
        /// Where that is written.
        place: String,
    },
    /// Nobody's fault: trust on first use has remembered as many as it may.
    #[error("{0} peers are remembered, the limit; list further ones by hand")]
    Full(usize),
    /// The operator's fault: an entry of `peers.allow` that is no fingerprint.
    #[error(
        "peers.allow: `{0}` is no fingerprint; write `sha256:` and 64 lower-case hexadecimal digits"
    )]
    NotAFingerprint(String),
    /// The operator's fault: a file that cannot be read.
    #[error("{place}: {reason}")]
    File {
        /// The file.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The machine's fault: the file cannot be read or written.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
}

/// `[peers]` of a profile.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PeersTable {
    /// pinned, tofu, allow-list or open.
    pub mode: PeerMode,
    /// The file of known peers, in the key directory.
    pub file: String,
    /// Fingerprints: the peers of mode allow-list.
    pub allow: Vec<String>,
}

impl Default for PeersTable {
    fn default() -> Self {
        Self {
            mode: PeerMode::default(),
            file: "known_peers.toml".into(),
            allow: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    version: u32,
    #[serde(default)]
    peer: Vec<PeerText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerText {
    name: String,
    fingerprint: String,
    #[serde(default)]
    first_seen: String,
}

const VERSION: u32 = 1;

impl PeerList {
    /// Reads what is known.
    ///
    /// # Errors
    /// [`PeerError::NotAFingerprint`], [`PeerError::File`], [`PeerError::KeyFile`].
    pub fn load(
        table: &PeersTable,
        files: std::sync::Arc<dyn KeyFiles>,
    ) -> Result<Self, PeerError> {
        let fingerprint = |text: &String| {
            Fingerprint::parse(text).ok_or_else(|| PeerError::NotAFingerprint(text.clone()))
        };
        let mut list = Self {
            mode: table.mode,
            allow: table
                .allow
                .iter()
                .map(fingerprint)
                .collect::<Result<_, _>>()?,
            file: table.file.clone(),
            files,
            known: Mutex::default(),
        };
        if let Some(bytes) = list.files.read(&list.file)? {
            let known = parse(bytes.expose()).map_err(|reason| PeerError::File {
                place: list.place(),
                reason,
            })?;
            list.known = Mutex::new(known);
        }
        Ok(list)
    }

    /// Whom this list lets in.
    #[must_use]
    pub fn mode(&self) -> PeerMode {
        self.mode
    }

    /// Where the known peers are written.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}/{}", self.files.describe(), self.file)
    }

    /// The peers in the file.
    #[must_use]
    pub fn known(&self) -> Vec<Known> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    /// Decides on a peer that has proved to be `fingerprint`. Nothing is remembered.
    ///
    /// # Errors
    /// [`PeerError`].
    pub fn accept(&self, name: &str, fingerprint: &Fingerprint) -> Result<Accepted, PeerError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.decide(&known, name, fingerprint)
    }

    /// Decides again, and remembers a peer on first use; says whether it did.
    ///
    /// # Errors
    /// [`PeerError`]; then nothing is remembered.
    pub fn remember(
        &self,
        now: Now,
        name: &str,
        fingerprint: &Fingerprint,
    ) -> Result<bool, PeerError> {
        // Held while the file is written, so that two newcomers are not both the first.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if self.decide(&known, name, fingerprint)? != Accepted::New {
            return Ok(false);
        }
        let mut longer = known.clone();
        longer.push(Known {
            name: name.into(),
            fingerprint: fingerprint.clone(),
            first_seen: now.iso8601(),
        });
        self.files
            .write(&self.file, write(&longer).as_bytes(), false)?;
        *known = longer;
        Ok(true)
    }

    fn decide(
        &self,
        known: &[Known],
        name: &str,
        fingerprint: &Fingerprint,
    ) -> Result<Accepted, PeerError> {
        let unknown = |place: String| {
            Err(PeerError::Unknown {
                fingerprint: fingerprint.clone(),
                place,
            })
        };
        match self.mode {
            PeerMode::Open => return Ok(Accepted::Unchecked),
            PeerMode::AllowList if self.allow.contains(fingerprint) => return Ok(Accepted::Known),
            PeerMode::AllowList => return unknown("peers.allow".into()),
            PeerMode::Pinned | PeerMode::Tofu => {}
        }
        let mut of_that_name = known.iter().filter(|known| known.name == name);
        if of_that_name
            .clone()
            .any(|known| known.fingerprint == *fingerprint)
        {
            return Ok(Accepted::Known);
        }
        if name != INCOMING
            && let Some(other) = of_that_name.next()
        {
            return Err(PeerError::Changed {
                name: name.into(),
                fingerprint: fingerprint.clone(),
                known: other.fingerprint.clone(),
                place: self.place(),
            });
        }
        if self.mode == PeerMode::Pinned {
            return unknown(self.place());
        }
        if known.len() >= MOST_INCOMING {
            return Err(PeerError::Full(MOST_INCOMING));
        }
        Ok(Accepted::New)
    }
}

fn parse(bytes: &[u8]) -> Result<Vec<Known>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let file: FileText = toml_edit::de::from_str(text).map_err(|error| error.to_string())?;
    if file.version != VERSION {
        return Err(format!(
            "version {}, this program knows {VERSION}",
            file.version
        ));
    }
    let known = |peer: PeerText| match Fingerprint::parse(&peer.fingerprint) {
        Some(fingerprint) => Ok(Known {
            name: peer.name,
            fingerprint,
            first_seen: peer.first_seen,
        }),
        None => Err(format!("`{}` is no fingerprint", peer.fingerprint)),
    };
    file.peer.into_iter().map(known).collect()
}

fn write(known: &[Known]) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string().trim().to_owned();
    let mut text = format!("version = {VERSION}\n");
    for peer in known {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n[[peer]]\nname = {}\nfingerprint = {}\nfirst_seen = {}\n",
            quoted(&peer.name),
            quoted(peer.fingerprint.as_str()),
            quoted(&peer.first_seen)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::secret::SecretBytes;

    #[derive(Default)]
    struct Folder(Mutex<BTreeMap<String, Vec<u8>>>);

    impl KeyFiles for Folder {
        fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
            Ok(self
                .0
                .lock()
                .unwrap()
                .get(name)
                .map(|b| SecretBytes::copy_of(b)))
        }

        fn write(&self, name: &str, bytes: &[u8], _: bool) -> Result<(), KeyFileError> {
            if name == "full.toml" {
                return Err(KeyFileError {
                    path: name.into(),
                    reason: "no space left".into(),
                });
            }
            self.0.lock().unwrap().insert(name.into(), bytes.to_vec());
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<(), KeyFileError> {
            self.0.lock().unwrap().remove(name);
            Ok(())
        }

        fn describe(&self) -> String {
            "keys".into()
        }
    }

    const NOW: Now = Now {
        since_start: Duration::ZERO,
        unix_micros: 0,
    };

    fn fingerprint(byte: u8) -> Fingerprint {
        Fingerprint::parse(&format!("sha256:{}", format!("{byte:02x}").repeat(32))).unwrap()
    }

    fn list(mode: PeerMode, files: &Arc<Folder>) -> PeerList {
        let table = PeersTable {
            mode,
            allow: vec![fingerprint(1).to_string()],
            ..PeersTable::default()
        };
        PeerList::load(&table, files.clone()).unwrap()
    }

    #[test]
    fn the_first_is_remembered_across_restarts_and_another_is_refused() {
        let files = Arc::new(Folder::default());
        let name = "tcp://\"host\":1";
        let tofu = list(PeerMode::Tofu, &files);
        for _ in 0..2 {
            assert_eq!(tofu.accept(name, &fingerprint(7)), Ok(Accepted::New));
        }
        assert_eq!(tofu.remember(NOW, name, &fingerprint(7)), Ok(true));
        assert_eq!(tofu.accept(name, &fingerprint(7)), Ok(Accepted::Known));
        assert_eq!(tofu.remember(NOW, name, &fingerprint(7)), Ok(false));
        let late = tofu.remember(NOW, name, &fingerprint(8)).unwrap_err();
        assert!(matches!(late, PeerError::Changed { .. }), "{late}");
        for mode in [PeerMode::Tofu, PeerMode::Pinned] {
            let again = list(mode, &files);
            assert_eq!(again.accept(name, &fingerprint(7)), Ok(Accepted::Known));
            let changed = again.accept(name, &fingerprint(8)).unwrap_err();
            assert!(matches!(changed, PeerError::Changed { .. }), "{changed}");
        }
        let pinned = list(PeerMode::Pinned, &files);
        let unknown = pinned.accept("tcp://other:1", &fingerprint(7)).unwrap_err();
        assert!(matches!(unknown, PeerError::Unknown { .. }), "{unknown}");
    }

    #[test]
    fn many_may_come_by_themselves_but_not_too_many() {
        let files = Arc::new(Folder::default());
        let tofu = list(PeerMode::Tofu, &files);
        for byte in [1, 2, 3] {
            let remembered = tofu.remember(NOW, INCOMING, &fingerprint(byte));
            assert_eq!(remembered, Ok(true));
        }
        let one = tofu.known.lock().unwrap().first().cloned().unwrap();
        *tofu.known.lock().unwrap() = vec![one; MOST_INCOMING];
        let full = tofu.accept(INCOMING, &fingerprint(9));
        assert_eq!(full, Err(PeerError::Full(MOST_INCOMING)));
    }

    #[test]
    fn lists_and_open_doors() {
        let files = Arc::new(Folder::default());
        let listed = list(PeerMode::AllowList, &files);
        assert_eq!(listed.accept("a", &fingerprint(1)), Ok(Accepted::Known));
        assert!(listed.accept("a", &fingerprint(2)).is_err());
        let open = list(PeerMode::Open, &files);
        assert_eq!(open.accept("a", &fingerprint(2)), Ok(Accepted::Unchecked));
    }

    #[test]
    fn what_cannot_be_read_or_written_is_an_error() {
        let files = Arc::new(Folder::default());
        let load = |text: &str, table: &PeersTable| {
            files.write(&table.file, text.as_bytes(), false).unwrap();
            PeerList::load(table, files.clone()).map(|_| ())
        };
        let table = PeersTable::default();
        for bad in [
            "version = 2",
            "version = 1\n[[peer]]\nname = 'a'",
            "nonsense",
            "\u{0}",
        ] {
            let error = load(bad, &table).unwrap_err();
            assert!(matches!(error, PeerError::File { .. }), "{bad}: {error}");
        }
        let bad = "version = 1\n[[peer]]\nname = 'a'\nfingerprint = 'b'";
        assert!(
            load(bad, &table)
                .unwrap_err()
                .to_string()
                .contains("no fingerprint")
        );
        let table = PeersTable {
            allow: vec!["alice".into()],
            ..PeersTable::default()
        };
        let error = load("version = 1", &table).unwrap_err();
        assert_eq!(error, PeerError::NotAFingerprint("alice".into()));
        let table = PeersTable {
            file: "full.toml".into(),
            ..PeersTable::default()
        };
        let tofu = PeerList::load(&table, files.clone()).unwrap();
        let error = tofu.remember(NOW, "a", &fingerprint(1)).unwrap_err();
        assert!(matches!(error, PeerError::KeyFile(_)));
        assert_eq!(
            tofu.accept("a", &fingerprint(2)),
            Ok(Accepted::New),
            "nothing was remembered"
        );
    }
}
