//! Records: how messages, alerts and data travel on a stream, and the keys of one direction
//! (`docs/protocols/channel.md` section 4).

use std::sync::Arc;

use pqfw_framework::aead::{AeadError, AeadKey};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;

use crate::alert::Alert;
use crate::config::MOST_NONCE;
use crate::error::{ChannelError, refused};
use crate::keylog::Log;
use crate::message::MOST_MESSAGE;
use crate::schedule::{expand_label, updated};

pub(crate) const ALERT: u8 = 21;
pub(crate) const HANDSHAKE: u8 = 22;
pub(crate) const PROTECTED: u8 = 23;
/// Application data, within a protected record.
pub(crate) const DATA: u8 = 23;

/// Kind and length before a body.
pub(crate) const HEAD: usize = 5;

/// The most content of a record of data or of an alert, padding included.
pub(crate) const MOST_CONTENT: usize = 16_384;

type Result<T> = std::result::Result<T, ChannelError>;

/// The head of a record.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) kind: u8,
    pub(crate) length: usize,
}

impl Head {
    pub(crate) fn bytes(self) -> [u8; HEAD] {
        // Every length that is written was limited before.
        let length = u32::try_from(self.length).unwrap_or(u32::MAX);
        let [a, b, c, d] = length.to_be_bytes();
        [self.kind, a, b, c, d]
    }

    /// Reads a head and refuses what is above any limit, before it is buffered. `tag` is that of
    /// the AEAD, or 0 before there is one.
    pub(crate) fn read(bytes: [u8; HEAD], tag: usize) -> Result<Self> {
        let [kind, a, b, c, d] = bytes;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if !(ALERT..=PROTECTED).contains(&kind) {
            return refused(Alert::UnexpectedMessage, "a record of an unknown kind");
        }
        let limit = if kind == PROTECTED {
            MOST_MESSAGE + 1 + tag
        } else {
            MOST_MESSAGE
        };
        if length > limit {
            return refused(Alert::RecordOverflow, "a record above its limit");
        }
        Ok(Self { kind, length })
    }

    /// The head at the beginning of `bytes`, once it is there.
    pub(crate) fn first(bytes: &[u8], tag: usize) -> Result<Option<Self>> {
        bytes
            .first_chunk()
            .map(|head| Self::read(*head, tag))
            .transpose()
    }
}

/// A record in the clear.
pub(crate) fn plain(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut record = Vec::with_capacity(HEAD + length);
    record.extend_from_slice(&Head { kind, length }.bytes());
    record.extend_from_slice(body);
    record
}

/// The records of a flight, one after another.
pub(crate) struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Records<'a> {
    pub(crate) fn of(flight: &'a [u8]) -> Self {
        Self { rest: flight }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        // A whole flight is within a limit of its own.
        let head = Head::first(self.rest, usize::from(u8::MAX));
        let split = match head {
            Err(error) => Err(error),
            Ok(None) => refused(Alert::DecodeError, "a record that is cut off"),
            Ok(Some(head)) => self.rest.split_at_checked(HEAD + head.length).map_or_else(
                || refused(Alert::DecodeError, "a record that is cut off"),
                Ok,
            ),
        };
        let (record, rest) = match split {
            Ok(split) => split,
            Err(error) => {
                self.rest = &[];
                return Some(Err(error));
            }
        };
        self.rest = rest;
        Some(Ok(record))
    }
}

/// Kind and body of a whole record.
pub(crate) fn parts(record: &[u8], tag: usize) -> Result<(Head, &[u8])> {
    let Some(head) = Head::first(record, tag)? else {
        return refused(Alert::DecodeError, "a record that is cut off");
    };
    match record.get(HEAD..) {
        Some(body) if body.len() == head.length => Ok((head, body)),
        _ => refused(
            Alert::DecodeError,
            "a record of another length than it says",
        ),
    }
}

/// What an alert record in the clear says; `None` for anything else.
pub(crate) fn plain_alert(record: &[u8]) -> Option<u8> {
    match record {
        [ALERT, 0, 0, 0, 1, code] => Some(*code),
        _ => None,
    }
}

/// A key and what its nonces are made of.
pub(crate) struct TrafficKey {
    key: AeadKey,
    iv: SecretBytes,
}

impl TrafficKey {
    pub(crate) fn new(suite: &Suite, secret: &SecretBytes) -> Result<Self> {
        let sizes = suite.aead.sizes();
        let key = expand_label(suite, secret, b"key", &[], sizes.key)?;
        Ok(Self {
            key: suite.aead.key(key.expose())?,
            iv: expand_label(suite, secret, b"iv", &[], sizes.nonce)?,
        })
    }

    pub(crate) fn tag(&self) -> usize {
        self.key.sizes().tag
    }

    pub(crate) fn failed_opens(&self) -> u64 {
        self.key.limits().failed_opens
    }

    /// Appends content ‖ inner, sealed, and the tag to `out`. `extra` is the associated data; when
    /// there is none, the `HEAD` bytes that stand at the end of `out` are.
    pub(crate) fn seal(
        &self,
        number: u64,
        extra: Option<&[u8]>,
        out: &mut Vec<u8>,
        content: &[u8],
        inner: u8,
    ) -> Result<()> {
        let before = out.len();
        // At once, so that no growing buffer leaves a copy of the content behind.
        out.reserve(content.len() + 1 + self.tag());
        out.extend_from_slice(content);
        out.push(inner);
        let text_end = out.len();
        out.resize(text_end + self.tag(), 0);
        let (nonce, length) = self.nonce(number);
        let sealed = split_record(out, before, text_end).map_or(
            Err(AeadError::ProviderFailed),
            |(head, text, tag)| {
                let nonce = nonce.get(..length).unwrap_or_default();
                self.key
                    .seal_in_place(nonce, extra.unwrap_or(head), text, tag)
            },
        );
        sealed.map_err(|error| {
            // No plaintext is left where ciphertext is sent from.
            if let Some(text) = out.get_mut(before..) {
                text.fill(0);
            }
            out.truncate(before);
            error.into()
        })
    }

    /// Opens in place: the inner kind, and how much content there is at the beginning of `body`.
    pub(crate) fn open(&self, number: u64, extra: &[u8], body: &mut [u8]) -> Result<(u8, usize)> {
        let cut = || refused(Alert::BadRecordMac, "a record that does not open");
        let Some(text_end) = body.len().checked_sub(self.tag()) else {
            return cut();
        };
        let (text, tag) = body.split_at_mut(text_end);
        let (nonce, length) = self.nonce(number);
        let nonce = nonce.get(..length).unwrap_or_default();
        match self.key.open_in_place(nonce, extra, text, tag) {
            Ok(()) => {}
            Err(AeadError::Rejected) => return cut(),
            Err(error) => return Err(error.into()),
        }
        match text.iter().rposition(|byte| *byte != 0) {
            Some(end) => Ok((text.get(end).copied().unwrap_or_default(), end)),
            None => refused(Alert::UnexpectedMessage, "a record of zeros alone"),
        }
    }

    fn nonce(&self, number: u64) -> ([u8; MOST_NONCE], usize) {
        let mut nonce = [0; MOST_NONCE];
        let iv = self.iv.expose();
        for (to, from) in nonce.iter_mut().zip(iv) {
            *to = *from;
        }
        let last = nonce.iter_mut().take(iv.len()).rev();
        for (to, from) in last.zip(number.to_be_bytes().iter().rev()) {
            *to ^= from;
        }
        (nonce, iv.len())
    }
}

type RecordParts<'a> = (&'a [u8], &'a mut [u8], &'a mut [u8]);

fn split_record(out: &mut [u8], before: usize, text_end: usize) -> Option<RecordParts<'_>> {
    let (written, tag) = out.split_at_mut_checked(text_end)?;
    let (earlier, text) = written.split_at_mut_checked(before)?;
    let head = earlier.last_chunk::<HEAD>().map_or(&[][..], |head| head);
    Some((head, text, tag))
}

/// The keys of one direction of a stream, each record under the next number.
pub(crate) struct Traffic {
    suite: Arc<Suite>,
    secret: SecretBytes,
    key: TrafficKey,
    number: u64,
    /// How often the key was changed, for the key log.
    generation: u64,
    label: &'static str,
    log: Log,
}

impl Traffic {
    /// `label` is that of the key log.
    pub(crate) fn new(
        suite: &Arc<Suite>,
        secret: SecretBytes,
        label: &'static str,
        log: Log,
    ) -> Result<Self> {
        let traffic = Self {
            suite: suite.clone(),
            key: TrafficKey::new(suite, &secret)?,
            secret,
            number: 0,
            generation: 0,
            label,
            log,
        };
        traffic.note();
        Ok(traffic)
    }

    pub(crate) fn tag(&self) -> usize {
        self.key.tag()
    }

    /// How many records went under the present key.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// How many records may go under one key: half of what the AEAD allows.
    pub(crate) fn most_records(&self) -> u64 {
        MOST_RECORDS.min(self.key.key.limits().sealed_messages / 2)
    }

    pub(crate) fn secret(&self) -> &SecretBytes {
        &self.secret
    }

    /// The traffic secret, for keys by counter.
    pub(crate) fn into_secret(self) -> SecretBytes {
        self.secret
    }

    /// Appends a protected record to `out`.
    pub(crate) fn seal(&mut self, out: &mut Vec<u8>, inner: u8, content: &[u8]) -> Result<()> {
        let length = content.len() + 1 + self.tag();
        let before = out.len();
        let head = Head {
            kind: PROTECTED,
            length,
        };
        out.extend_from_slice(&head.bytes());
        let sealed = self.key.seal(self.number, None, out, content, inner);
        if sealed.is_err() {
            out.truncate(before);
        } else {
            self.number += 1;
        }
        sealed
    }

    /// Opens the body of a record in place: inner kind, and how much content there is at its
    /// beginning. A record that does not open takes no number.
    pub(crate) fn open(&mut self, head: Head, body: &mut [u8]) -> Result<(u8, usize)> {
        if head.kind != PROTECTED {
            return refused(Alert::UnexpectedMessage, "a record in the clear");
        }
        let text = body.len().saturating_sub(self.tag());
        let (inner, length) = self.key.open(self.number, &head.bytes(), body)?;
        self.number += 1;
        if inner != HANDSHAKE && text > MOST_CONTENT + 1 {
            return refused(Alert::RecordOverflow, "a record above its limit");
        }
        Ok((inner, length))
    }

    /// Goes on to the next key.
    pub(crate) fn update(&mut self) -> Result<()> {
        let next = updated(&self.suite, &self.secret)?;
        self.replace(next)
    }

    /// Goes on to a key from elsewhere.
    pub(crate) fn replace(&mut self, secret: SecretBytes) -> Result<()> {
        self.key = TrafficKey::new(&self.suite, &secret)?;
        self.secret = secret;
        self.number = 0;
        self.generation += 1;
        self.note();
        Ok(())
    }

    fn note(&self) {
        if self.label.ends_with("_AP") {
            let label = format!("{}_{}", self.label, self.generation);
            self.log.secret(&label, &self.secret);
        } else {
            self.log.secret(self.label, &self.secret);
        }
    }
}

/// A sender changes its key after so many records, whatever the AEAD allows.
const MOST_RECORDS: u64 = 1 << 22;
