//! The two messages of `demo-1`, as pickles: a server's greeting and a client's bundle.
//!
//! Every field is there, once, with the type and the length that the suite gives it, and nothing
//! else is there. What was read here has been checked for its shape and for nothing more.

use pqfw_framework::suite::Suite;
use thiserror::Error;

use crate::console;
use crate::pickle::{self, Limits, PickleError, Value};

/// The first frame, server to client: the server's KEM key, with or without a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// The key alone: whoever sits in between can put another in its place.
    Plain {
        /// The KEM key.
        kem: Vec<u8>,
    },
    /// The key with a signature over it. Not verified: [`crate::trust::Trust::judge`] does that.
    Signed {
        /// The KEM key.
        kem: Vec<u8>,
        /// The key that the signature should verify with.
        sign: Vec<u8>,
        /// Over the bytes of the KEM key, with an empty context.
        signature: Vec<u8>,
    },
}

/// Any later frame, client to server: one sealed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// An encapsulation to the server's key, fresh for every message.
    pub kem_ciphertext: Vec<u8>,
    /// The AEAD's nonce.
    pub nonce: Vec<u8>,
    /// The message with its tag at the end.
    pub ciphertext: Vec<u8>,
    /// What the tag also covers; empty from deployed clients.
    pub aad: Vec<u8>,
}

/// What is wrong with a message. The peer's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MessageError {
    /// It is no pickle of the closed subset.
    #[error(transparent)]
    Pickle(#[from] PickleError),
    /// A value of another type.
    #[error("{field} is a {got}, expected {expected}")]
    Type {
        /// The field.
        field: &'static str,
        /// The type given.
        got: &'static str,
        /// The type of the protocol.
        expected: &'static str,
    },
    /// A field that is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field that this message does not have; its name, escaped.
    #[error("there is no field `{0}` in this message")]
    Unknown(String),
    /// A field that has not the length of the suite's algorithm.
    #[error("{field} has {got} bytes, {algorithm} has {expected}; do both ends name one suite?")]
    Length {
        /// The field.
        field: &'static str,
        /// Bytes given.
        got: usize,
        /// Bytes of the algorithm; at least that many for what may be longer.
        expected: usize,
        /// The algorithm.
        algorithm: String,
    },
    /// A signature of another algorithm than the suite's; its name, escaped.
    #[error("the key is signed with `{got}`, and this suite has {expected}; name the same")]
    Algorithm {
        /// The algorithm given.
        got: String,
        /// The suite's.
        expected: String,
    },
}

impl Greeting {
    /// Reads the payload of the first frame.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn read(suite: &Suite, payload: &[u8], limits: &Limits) -> Result<Self, MessageError> {
        let of_kem = Exactly(suite.kem.sizes().encapsulation_key, &suite.kem.info().id);
        let items = match pickle::read(payload, limits)? {
            Value::Bytes(kem) => {
                let kem = of_kem.check(KEM_PUBKEY, kem)?;
                return Ok(Self::Plain { kem });
            }
            Value::Dict(items) => items,
            Value::Text(_) => {
                return Err(MessageError::Type {
                    field: "the server's first message",
                    got: "str",
                    expected: "bytes or dict",
                });
            }
        };
        let [kem, sign, algorithm, signature] =
            fields(items, [KEM_PUBKEY, SIG_PUBKEY, SIG_ALG, SIGNATURE])?;
        let Value::Text(got) = algorithm else {
            return Err(MessageError::Type {
                field: SIG_ALG,
                got: algorithm.type_name(),
                expected: "str",
            });
        };
        let expected = &suite.signature.info().id;
        if got != expected {
            return Err(MessageError::Algorithm {
                got: console::escape_short(got),
                expected: expected.clone(),
            });
        }
        let sizes = suite.signature.sizes();
        let sign =
            Exactly(sizes.verifying_key, expected).check(SIG_PUBKEY, bytes(SIG_PUBKEY, &sign)?)?;
        let signature = bytes(SIGNATURE, &signature)?;
        let fits = match signature.len() {
            0 => false,
            got if sizes.variable_length => got <= sizes.signature,
            got => got == sizes.signature,
        };
        if !fits {
            return Err(MessageError::Length {
                field: SIGNATURE,
                got: signature.len(),
                expected: sizes.signature,
                algorithm: expected.clone(),
            });
        }
        Ok(Self::Signed {
            kem: of_kem.check(KEM_PUBKEY, bytes(KEM_PUBKEY, &kem)?)?,
            sign,
            signature: signature.to_vec(),
        })
    }

    /// The payload of the first frame.
    #[must_use]
    pub fn payload(&self, suite: &Suite) -> Vec<u8> {
        pickle::write(&match self {
            Self::Plain { kem } => Value::Bytes(kem),
            Self::Signed {
                kem,
                sign,
                signature,
            } => Value::Dict(vec![
                (KEM_PUBKEY, Value::Bytes(kem)),
                (SIG_PUBKEY, Value::Bytes(sign)),
                (SIG_ALG, Value::Text(&suite.signature.info().id)),
                (SIGNATURE, Value::Bytes(signature)),
            ]),
        })
    }
}

impl Bundle {
    /// Reads the payload of a later frame.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn read(suite: &Suite, payload: &[u8], limits: &Limits) -> Result<Self, MessageError> {
        let items = match pickle::read(payload, limits)? {
            Value::Dict(items) => items,
            other => {
                return Err(MessageError::Type {
                    field: "a message",
                    got: other.type_name(),
                    expected: "dict",
                });
            }
        };
        let [kem_ciphertext, nonce, ciphertext, aad] =
            fields(items, [KEM_CIPHERTEXT, NONCE, CIPHERTEXT, AAD])?;
        let kem = Exactly(suite.kem.sizes().ciphertext, &suite.kem.info().id);
        let aead = &suite.aead.info().id;
        let sizes = suite.aead.sizes();
        let ciphertext = bytes(CIPHERTEXT, &ciphertext)?;
        if ciphertext.len() < sizes.tag {
            return Err(MessageError::Length {
                field: CIPHERTEXT,
                got: ciphertext.len(),
                expected: sizes.tag,
                algorithm: aead.clone(),
            });
        }
        Ok(Self {
            kem_ciphertext: kem.check(KEM_CIPHERTEXT, bytes(KEM_CIPHERTEXT, &kem_ciphertext)?)?,
            nonce: Exactly(sizes.nonce, aead).check(NONCE, bytes(NONCE, &nonce)?)?,
            ciphertext: ciphertext.to_vec(),
            aad: bytes(AAD, &aad)?.to_vec(),
        })
    }

    /// The payload of its frame.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        pickle::write(&Value::Dict(vec![
            (KEM_CIPHERTEXT, Value::Bytes(&self.kem_ciphertext)),
            (NONCE, Value::Bytes(&self.nonce)),
            (CIPHERTEXT, Value::Bytes(&self.ciphertext)),
            (AAD, Value::Bytes(&self.aad)),
        ]))
    }
}

const KEM_PUBKEY: &str = "kem_pubkey";
const SIG_PUBKEY: &str = "sig_pubkey";
const SIG_ALG: &str = "sig_alg";
const SIGNATURE: &str = "signature";
const KEM_CIPHERTEXT: &str = "kem_ciphertext";
const NONCE: &str = "nonce";
const CIPHERTEXT: &str = "ciphertext";
const AAD: &str = "aad";

/// Takes exactly these fields from a dict, in whatever order they come.
fn fields<'a, const N: usize>(
    items: Vec<(&'a str, Value<'a>)>,
    names: [&'static str; N],
) -> Result<[Value<'a>; N], MessageError> {
    let mut found = [const { None }; N];
    for (key, value) in items {
        let place = names.iter().position(|name| *name == key);
        let slot = place.and_then(|place| found.get_mut(place));
        *slot.ok_or_else(|| MessageError::Unknown(console::escape_short(key)))? = Some(value);
    }
    let missing = names.iter().zip(&found).find(|(_, value)| value.is_none());
    if let Some((name, _)) = missing {
        return Err(MessageError::Missing(name));
    }
    // An empty value stands for nothing: every place is filled.
    Ok(found.map(|value| value.unwrap_or(Value::Bytes(&[]))))
}

fn bytes<'a>(field: &'static str, value: &Value<'a>) -> Result<&'a [u8], MessageError> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        other => Err(MessageError::Type {
            field,
            got: other.type_name(),
            expected: "bytes",
        }),
    }
}

/// The one length of an algorithm's field, and the algorithm.
struct Exactly<'a>(usize, &'a str);

impl Exactly<'_> {
    fn check(&self, field: &'static str, bytes: &[u8]) -> Result<Vec<u8>, MessageError> {
        if bytes.len() == self.0 {
            return Ok(bytes.to_vec());
        }
        Err(MessageError::Length {
            field,
            got: bytes.len(),
            expected: self.0,
            algorithm: self.1.to_owned(),
        })
    }
}
