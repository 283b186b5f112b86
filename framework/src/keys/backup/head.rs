//! The head of a backup, which anyone can read: how it is sealed and to whom.
//!
//! magic · need (1 any, 2 all) · be16 KDF · be16 AEAD · be16 number of recipients, then for each
//! be16 KEM · be16 fingerprint · be32 ciphertext.

use std::collections::BTreeSet;

use super::{BackupError, Fingerprint, MAGIC, MOST_RECIPIENTS, Need, RecipientInfo};
use crate::wire::{Reader, Writer};

/// The longest name of an algorithm: hybrids of three parts fit.
const LONGEST_ALGORITHM_BYTES: usize = 128;
/// The longest ciphertext of any KEM: FrodoKEM's take a third of it.
const LONGEST_CIPHERTEXT_BYTES: usize = 1 << 16;

/// How a backup is sealed and to whom.
pub(super) struct Head {
    pub(super) need: Need,
    pub(super) kdf: String,
    pub(super) aead: String,
    pub(super) recipients: Vec<RecipientInfo>,
    pub(super) ciphertexts: Vec<Vec<u8>>,
}

impl Head {
    pub(super) fn encode(&self) -> Result<Vec<u8>, BackupError> {
        self.check()?;
        let mut writer = Writer::new();
        writer.bytes(MAGIC);
        writer.u8(match self.need {
            Need::Any => 1,
            Need::All => 2,
        });
        writer.vector16("KDF", self.kdf.as_bytes())?;
        writer.vector16("AEAD", self.aead.as_bytes())?;
        // `check` keeps the number within the field.
        writer.u16(self.recipients.len() as u16);
        for (recipient, ciphertext) in self.recipients.iter().zip(&self.ciphertexts) {
            writer.vector16("KEM", recipient.kem.as_bytes())?;
            writer.vector16("fingerprint", recipient.fingerprint.as_str().as_bytes())?;
            writer.vector32("ciphertext", ciphertext)?;
        }
        Ok(writer.finish())
    }

    /// Reads a head and leaves the reader behind it.
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, BackupError> {
        if !reader.bytes("magic", MAGIC.len()).is_ok_and(|m| m == MAGIC) {
            return Err(BackupError::NotABackup);
        }
        let need = match reader.u8("need")? {
            1 => Need::Any,
            2 => Need::All,
            other => return Err(BackupError::Need(other)),
        };
        let (kdf, aead) = (algorithm(reader, "KDF")?, algorithm(reader, "AEAD")?);
        let count = usize::from(reader.u16("number of recipients")?);
        check_count(count)?;
        let (mut recipients, mut ciphertexts) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let kem = algorithm(reader, "KEM")?;
            let text = reader.vector16("fingerprint", Fingerprint::LENGTH)?;
            let text = String::from_utf8_lossy(text);
            let fingerprint = Fingerprint::parse(&text)
                .ok_or_else(|| BackupError::Fingerprint(text.into_owned()))?;
            recipients.push(RecipientInfo { kem, fingerprint });
            let ciphertext = reader.vector32("ciphertext", LONGEST_CIPHERTEXT_BYTES)?;
            ciphertexts.push(ciphertext.to_vec());
        }
        let head = Self {
            need,
            kdf,
            aead,
            recipients,
            ciphertexts,
        };
        head.check()?;
        Ok(head)
    }

    fn check(&self) -> Result<(), BackupError> {
        check_count(self.recipients.len())?;
        let mut seen = BTreeSet::new();
        for RecipientInfo { fingerprint, .. } in &self.recipients {
            if !seen.insert(fingerprint) {
                return Err(BackupError::DuplicateRecipient(fingerprint.to_string()));
            }
        }
        Ok(())
    }
}

fn check_count(got: usize) -> Result<(), BackupError> {
    if (1..=MOST_RECIPIENTS).contains(&got) {
        return Ok(());
    }
    Err(BackupError::Count {
        what: "recipients",
        got,
        limit: MOST_RECIPIENTS,
    })
}

/// A canonical name; `@` would let a file choose a provider.
fn algorithm(reader: &mut Reader<'_>, field: &'static str) -> Result<String, BackupError> {
    let bytes = reader.vector16(field, LONGEST_ALGORITHM_BYTES)?;
    let name = String::from_utf8_lossy(bytes).into_owned();
    let graphic = |byte: &u8| byte.is_ascii_graphic() && *byte != b'@';
    if bytes.is_empty() || !bytes.iter().all(graphic) {
        return Err(BackupError::AlgorithmName(name));
    }
    Ok(name)
}
