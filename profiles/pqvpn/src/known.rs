//! The file of known peers: TOML, written atomically.
//!
//! ```toml
//! version = 1
//! [[peer]]
//! name        = "hub.example:9000"   # where this node calls it; "*" for one that comes by itself
//! fingerprint = "sha256:…"
//! first_seen  = "2026-…"             # known by first use alone; an operator who pins it removes this
//! [[retired]]
//! fingerprint = "sha256:…"           # has given its identity up for another
//! ```
//!
//! A running node writes the whole file when it has met somebody: edit it and send SIGHUP, which
//! has it read again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::peers::INCOMING;
use pqfw_framework::system::{KeyFileError, KeyFiles};
use pqfw_framework::world::Now;
use serde::Deserialize;
use thiserror::Error;

use crate::limits::MOST_REMEMBERED;
use crate::peer_id::PeerId;
use crate::trust::{KnownPeer, Memory, Question, Trust, TrustList, TrustMode, Verdict};

/// A file of known peers that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KnownError {
    /// The operator's fault: it is not such a file.
    #[error("{place}: {reason}")]
    Text {
        /// The file.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The machine's fault.
    #[error(transparent)]
    File(#[from] KeyFileError),
}

/// Whom a profile has a node trust, and where it is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustTerms {
    /// The mode.
    pub mode: TrustMode,
    /// The file of known peers.
    pub file: String,
    /// The peers of mode allow-list.
    pub allow: Vec<PeerId>,
}

/// A list of peers with its file.
pub struct KnownPeers {
    list: TrustList,
    files: Arc<dyn KeyFiles>,
    state: Mutex<State>,
}

struct State {
    terms: TrustTerms,
    written: Memory,
    /// Since when who is known by first use is known.
    seen: BTreeMap<PeerId, String>,
}

impl KnownPeers {
    /// Reads whom a node trusts.
    ///
    /// # Errors
    /// [`KnownError`].
    pub fn load(terms: TrustTerms, files: Arc<dyn KeyFiles>) -> Result<Self, KnownError> {
        let (written, seen) = read(&terms.file, &*files)?;
        Ok(Self {
            list: TrustList::restored(terms.mode, terms.over(&written)),
            files,
            state: Mutex::new(State {
                terms,
                written,
                seen,
            }),
        })
    }

    /// Reads it again, on other terms; says how many are known.
    ///
    /// # Errors
    /// [`KnownError`]; then nothing has changed.
    pub fn reload(&self, terms: TrustTerms) -> Result<usize, KnownError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (written, seen) = read(&terms.file, &*self.files)?;
        let memory = terms.over(&written);
        let known = memory.known.len();
        self.list.replace(terms.mode, memory);
        *state = State {
            terms,
            written,
            seen,
        };
        Ok(known)
    }

    /// Writes down what is new; says whether anything was.
    ///
    /// # Errors
    /// [`KnownError::File`]; the next call tries again.
    pub fn keep(&self, now: Now) -> Result<bool, KnownError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = self.list.memory();
        if state.terms.mode == TrustMode::AllowList {
            // Its peers stand in the profile alone.
            memory.known = state.written.known.clone();
        }
        if memory == state.written {
            return Ok(false);
        }
        for (id, _) in memory.known.iter().filter(|(_, known)| known.first_use) {
            state.seen.entry(*id).or_insert_with(|| now.iso8601());
        }
        let text = write(&memory, &state.seen);
        self.files
            .write(&state.terms.file, text.as_bytes(), false)?;
        state.written = memory;
        Ok(true)
    }

    /// Everybody who is known.
    #[must_use]
    pub fn known(&self) -> BTreeMap<PeerId, KnownPeer> {
        self.list.known()
    }
}

impl Trust for KnownPeers {
    fn judge(&self, question: &Question<'_>) -> Verdict {
        self.list.judge(question)
    }
}

impl TrustTerms {
    /// What is known on these terms, when that is what the file says.
    fn over(&self, written: &Memory) -> Memory {
        let mut memory = written.clone();
        if self.mode == TrustMode::AllowList {
            let allowed = KnownPeer {
                name: None,
                first_use: false,
            };
            let allowed = self.allow.iter().map(|id| (*id, allowed.clone()));
            memory.known = allowed.collect();
        }
        memory
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    version: u32,
    #[serde(default)]
    peer: Vec<PeerText>,
    #[serde(default)]
    retired: Vec<RetiredText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerText {
    fingerprint: String,
    name: String,
    #[serde(default)]
    first_seen: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetiredText {
    fingerprint: String,
}

const VERSION: u32 = 1;

/// What a file says, and since when who is known by first use is known.
type Read = (Memory, BTreeMap<PeerId, String>);

fn read(name: &str, files: &dyn KeyFiles) -> Result<Read, KnownError> {
    let Some(bytes) = files.read(name)? else {
        return Ok(Read::default());
    };
    parse(bytes.expose()).map_err(|reason| KnownError::Text {
        place: format!("{}/{name}", files.describe()),
        reason,
    })
}

fn parse(bytes: &[u8]) -> Result<Read, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let file: FileText = toml_edit::de::from_str(text).map_err(|error| error.to_string())?;
    if file.version != VERSION {
        let version = file.version;
        return Err(format!("version {version}, this program knows {VERSION}"));
    }
    if file.peer.len() > MOST_REMEMBERED || file.retired.len() > MOST_REMEMBERED {
        return Err(format!("more than {MOST_REMEMBERED} peers, the limit"));
    }
    let id = |text: &str| {
        let shown = text.escape_debug();
        PeerId::parse(text).ok_or_else(|| format!("`{shown}` is no peer id"))
    };
    let (mut memory, mut seen) = Read::default();
    for peer in file.peer {
        let known = KnownPeer {
            name: (peer.name != INCOMING).then_some(peer.name),
            first_use: !peer.first_seen.is_empty(),
        };
        let name = known.name.clone();
        let same = |other: &KnownPeer| name.is_some() && other.name == name;
        if memory.known.values().any(same) {
            let name = name.unwrap_or_default();
            return Err(format!("two peers have the name `{}`", name.escape_debug()));
        }
        let id = id(&peer.fingerprint)?;
        if known.first_use {
            seen.insert(id, peer.first_seen);
        }
        memory.known.insert(id, known);
    }
    for retired in file.retired {
        memory.retired.insert(id(&retired.fingerprint)?);
    }
    Ok((memory, seen))
}

fn write(memory: &Memory, seen: &BTreeMap<PeerId, String>) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string().trim().to_owned();
    let mut text = format!("version = {VERSION}\n");
    // Writing to a string cannot fail.
    for (id, known) in &memory.known {
        let name = quoted(known.name.as_deref().unwrap_or(INCOMING));
        let _ = write!(text, "\n[[peer]]\nname = {name}\nfingerprint = \"{id}\"\n");
        if let Some(since) = seen.get(id).filter(|_| known.first_use) {
            let _ = writeln!(text, "first_seen = {}", quoted(since));
        }
    }
    for id in &memory.retired {
        let _ = write!(text, "\n[[retired]]\nfingerprint = \"{id}\"\n");
    }
    text
}
