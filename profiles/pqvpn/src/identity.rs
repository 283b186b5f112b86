//! A node's own keys, and what others hold of them: records and rotation statements.

use std::sync::Arc;

use pqfw_framework::kem::DecapsulationKey;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::SigningKey;
use pqfw_framework::suite::Suite;
use pqfw_framework::wire::{Reader, WireError, Writer};
use pqfw_framework::world::Now;
use thiserror::Error;

use crate::limits::MOST_MESSAGE;
use crate::peer_id::{PeerId, kem_hash};
use crate::schedule::{Failed, failed};
use crate::suites::Suites;

/// What a record's signature begins with.
const RECORD: &[u8] = b"pqfw/1 pqvpn/2 record";
/// What a rotation statement's signature begins with.
const ROTATION: &[u8] = b"pqfw/1 pqvpn/2 rotation";
const FLAG_RELAY: u8 = 1;

/// The two public keys of a node, in the encodings of their algorithms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKeys {
    /// The signature's key.
    pub verifying: Vec<u8>,
    /// The KEM's key.
    pub encapsulation: Vec<u8>,
}

/// Keys that make no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The operator's fault: a key of another algorithm than the suites'.
    #[error("a key of {got}, the suites have {expected}")]
    Algorithm {
        /// What the suites have.
        expected: String,
        /// What the key is.
        got: String,
    },
    /// The algorithm's fault, which has no identifier to name keys by, or its provider's.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// The caller's fault: the statement is about another identity.
    #[error("the rotation statement is not this identity's")]
    Rotation,
}

/// A node's own keys.
pub struct Identity {
    pub(crate) signing: SigningKey,
    pub(crate) decapsulation: DecapsulationKey,
    pub(crate) public: PublicKeys,
    pub(crate) id: PeerId,
    pub(crate) rotation: Option<Rotation>,
}

impl Identity {
    /// Makes an identity of keys that the suites' algorithms have.
    ///
    /// # Errors
    /// [`IdentityError::Algorithm`], [`IdentityError::Failed`].
    pub fn new(
        suites: &Suites,
        signing: SigningKey,
        decapsulation: DecapsulationKey,
    ) -> Result<Self, IdentityError> {
        let suite = &suites.first().suite;
        for (expected, got) in [
            (suite.signature.info(), signing.info()),
            (suite.kem.info(), decapsulation.info()),
        ] {
            if expected.id != got.id {
                let (expected, got) = (expected.id.clone(), got.id.clone());
                return Err(IdentityError::Algorithm { expected, got });
            }
        }
        let public = PublicKeys {
            verifying: signing.verifying_key(),
            encapsulation: decapsulation.encapsulation_key(),
        };
        let id = PeerId::of(suite, &public.verifying, &public.encapsulation);
        let id = id.map_err(failed)?;
        Ok(Self {
            signing,
            decapsulation,
            public,
            id,
            rotation: None,
        })
    }

    /// Who this is.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.id
    }

    /// Shows a statement that this identity follows a former one, in handshakes and records.
    ///
    /// # Errors
    /// [`IdentityError::Rotation`].
    pub fn following(mut self, rotation: Rotation) -> Result<Self, IdentityError> {
        if rotation.to != self.id {
            return Err(IdentityError::Rotation);
        }
        self.rotation = Some(rotation);
        Ok(self)
    }

    /// States, with the keys of this identity, that another follows it.
    ///
    /// # Errors
    /// [`IdentityError::Failed`].
    pub fn rotate_to(
        &self,
        suite: &Suite,
        to: PeerId,
        rng: &mut dyn CryptoRng,
    ) -> Result<Rotation, IdentityError> {
        let message: [&[u8]; 4] = [ROTATION, &[0], &self.id.0, &to.0];
        let signature = self.signing.sign(rng, &message).map_err(failed)?;
        let kem = kem_hash(suite, &self.public.encapsulation);
        Ok(Rotation {
            former_verifying: self.public.verifying.clone(),
            former_kem: kem.map_err(failed)?,
            to,
            signature,
        })
    }

    /// Signs a record of this identity.
    ///
    /// # Errors
    /// [`IdentityError::Failed`].
    pub fn record(
        &self,
        terms: RecordTerms,
        rng: &mut dyn CryptoRng,
    ) -> Result<SignedRecord, IdentityError> {
        let names = (
            self.decapsulation.info().id.clone(),
            self.signing.info().id.clone(),
        );
        let rotation = self.rotation.as_ref().map(Rotation::bytes);
        let mut writer = Writer::new();
        let rotation = rotation.as_deref();
        write_record(&mut writer, &names, &self.public, &terms, rotation).map_err(failed)?;
        let mut bytes = writer.finish();
        let signed: [&[u8]; 3] = [RECORD, &[0], &bytes];
        let signature = self.signing.sign(rng, &signed).map_err(failed)?;
        bytes.extend_from_slice(&signature);
        Ok(SignedRecord(bytes.into()))
    }
}

/// What a record says beside the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordTerms {
    /// The key for circuits through this node; empty when it is no relay.
    pub onion: Vec<u8>,
    /// Whether it is a relay.
    pub relay: bool,
    /// Seconds since 1970 from which the record is no good.
    pub expires_unix_secs: u64,
}

/// A record's bytes, signed by its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRecord(pub(crate) Arc<[u8]>);

impl SignedRecord {
    /// The bytes, for a file or the network.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A record whose signature was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub id: PeerId,
    /// Its keys.
    pub keys: PublicKeys,
    /// What else it says.
    pub terms: RecordTerms,
    /// Whom it follows, as that one has signed.
    pub former: Option<PeerId>,
}

/// A record that is not accepted: its sender's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordError {
    /// It cannot be read.
    #[error("the record: {0}")]
    Wire(#[from] WireError),
    /// Of another version, or of another KEM or signature than the suites'.
    #[error("the record is of {0}, which the suites do not have")]
    Algorithm(String),
    /// A key that its specification rejects, or that has no identifier.
    #[error("a key of the record is not valid")]
    Key,
    /// Its signature, or a rotation statement in it, does not verify.
    #[error("a signature of the record does not verify")]
    Signature,
    /// Its time is over.
    #[error("the record has expired")]
    Expired,
}

impl Record {
    /// Reads and verifies a record.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn read(bytes: &[u8], suites: &Suites, now: Now) -> Result<Self, RecordError> {
        let suite = &suites.first().suite;
        let mut reader = Reader::new(bytes);
        let version = reader.u8("version")?;
        if version != RECORD_VERSION {
            return Err(RecordError::Algorithm(format!("version {version}")));
        }
        for info in [suite.kem.info(), suite.signature.info()] {
            let name = reader.vector16("algorithm", MOST_NAME)?;
            if name != info.id.as_bytes() {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(RecordError::Algorithm(name));
            }
        }
        let keys = PublicKeys {
            verifying: reader.vector32("signature key", MOST_MESSAGE)?.to_vec(),
            encapsulation: reader.vector32("KEM key", MOST_MESSAGE)?.to_vec(),
        };
        let onion = reader.vector32("onion key", MOST_MESSAGE)?.to_vec();
        let flags = reader.u8("flags")?;
        let expires_unix_secs = reader.u64("expiry")?;
        let rotation = reader.vector16("rotation", MOST_MESSAGE)?;
        let signed = bytes.len() - reader.remaining();
        let (signed, signature) = bytes.split_at_checked(signed).unwrap_or_default();
        let id = PeerId::of(suite, &keys.verifying, &keys.encapsulation);
        let id = id.map_err(|_| RecordError::Key)?;
        let key = suite.signature.import_verifying_key(&keys.verifying);
        let key = key.map_err(|_| RecordError::Key)?;
        let wrong = |_| RecordError::Signature;
        key.verify(&[RECORD, &[0], signed], &[], signature)
            .map_err(wrong)?;
        let encapsulation = suite.kem.import_encapsulation_key(&keys.encapsulation);
        encapsulation.map_err(|_| RecordError::Key)?;
        let former = match rotation {
            [] => None,
            bytes => {
                let rotation = Rotation::read(bytes, suite)?;
                Some(rotation.verify(suite, id).ok_or(RecordError::Signature)?)
            }
        };
        if now.unix_micros / 1_000_000 >= expires_unix_secs {
            return Err(RecordError::Expired);
        }
        let terms = RecordTerms {
            onion,
            relay: flags & FLAG_RELAY != 0,
            expires_unix_secs,
        };
        Ok(Self {
            id,
            keys,
            terms,
            former,
        })
    }
}

const RECORD_VERSION: u8 = 2;
/// The longest name of an algorithm.
const MOST_NAME: usize = 255;

fn write_record(
    writer: &mut Writer,
    (kem, signature): &(String, String),
    keys: &PublicKeys,
    terms: &RecordTerms,
    rotation: Option<&[u8]>,
) -> Result<(), WireError> {
    writer.u8(RECORD_VERSION);
    writer.vector16("algorithm", kem.as_bytes())?;
    writer.vector16("algorithm", signature.as_bytes())?;
    writer.vector32("signature key", &keys.verifying)?;
    writer.vector32("KEM key", &keys.encapsulation)?;
    writer.vector32("onion key", &terms.onion)?;
    writer.u8(if terms.relay { FLAG_RELAY } else { 0 });
    writer.u64(terms.expires_unix_secs);
    writer.vector16("rotation", rotation.unwrap_or_default())?;
    Ok(())
}

/// The statement of a former identity that another follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    former_verifying: Vec<u8>,
    former_kem: [u8; 32],
    to: PeerId,
    signature: Vec<u8>,
}

impl Rotation {
    /// Its bytes: signature key, hash of the KEM key, signature. Whom it names is known.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [
            &self.former_verifying,
            &self.former_kem[..],
            &self.signature,
        ]
        .concat()
    }

    /// Reads a statement that names `to` from a file, and verifies it; `None` when it is not one.
    pub(crate) fn of_file(bytes: &[u8], suite: &Suite, to: PeerId) -> Option<Self> {
        let mut statement = Self::read(bytes, suite).ok()?;
        statement.verify(suite, to)?;
        statement.to = to;
        Some(statement)
    }

    /// Reads a statement; whom it names is not in it.
    pub(crate) fn read(bytes: &[u8], suite: &Suite) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        let length = suite.signature.sizes().verifying_key;
        Ok(Self {
            former_verifying: reader.bytes("former key", length)?.to_vec(),
            former_kem: reader.array("former KEM key")?,
            to: PeerId([0; 32]),
            signature: reader.bytes("signature", reader.remaining())?.to_vec(),
        })
    }

    /// Who has signed that `to` follows; `None` when nobody has.
    pub(crate) fn verify(&self, suite: &Suite, to: PeerId) -> Option<PeerId> {
        let key = suite.signature.import_verifying_key(&self.former_verifying);
        let former = PeerId::of_hash(suite, &self.former_verifying, &self.former_kem).ok()?;
        let message: [&[u8]; 4] = [ROTATION, &[0], &former.0, &to.0];
        key.ok()?.verify(&message, &[], &self.signature).ok()?;
        Some(former)
    }

    /// Who has made the statement, whether or not it is true.
    pub(crate) fn former(&self, suite: &Suite) -> Option<PeerId> {
        PeerId::of_hash(suite, &self.former_verifying, &self.former_kem).ok()
    }
}
