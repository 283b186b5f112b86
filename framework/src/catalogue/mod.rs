//! The catalogue: what the algorithms *are*, as data, apart from any code that computes them.
//!
//! One [`AlgorithmInfo`] is one name on the wire. Providers attach code to a row; a provider whose
//! sizes differ from the row's is not admitted. Rows carry their known answers, so that every
//! provider, built in or not, is measured against the same values and none brings its own.

mod kat;
mod rows;
mod tls_groups;

use std::fmt;
use std::str::FromStr;

pub use kat::{Kat, KatCase, KatError};
pub use rows::builtin;
pub use tls_groups::{TLS_GROUPS, private_tls_group, private_tls_scheme, tls_group};
pub(crate) use tls_groups::{tls_curve, tls_hybrid};

/// What an algorithm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Key encapsulation.
    Kem,
    /// Digital signature.
    Signature,
    /// Authenticated encryption with associated data.
    Aead,
    /// Key derivation.
    Kdf,
    /// Hash or extendable-output function.
    Hash,
}

impl Kind {
    /// All kinds, in the order of listings.
    pub const ALL: [Self; 5] = [
        Self::Kem,
        Self::Signature,
        Self::Aead,
        Self::Kdf,
        Self::Hash,
    ];

    /// The word used on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kem => "kem",
            Self::Signature => "signature",
            Self::Aead => "aead",
            Self::Kdf => "kdf",
            Self::Hash => "hash",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("`{text}` is no kind: kem, signature, aead, kdf or hash"))
    }
}

/// How settled an algorithm is. Ordered from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Status {
    /// For trying out: no specification that others could implement.
    Experimental,
    /// Superseded; only for peers that have nothing else.
    Legacy,
    /// A draft that may still change its bytes.
    Draft,
    /// A published standard.
    Standard,
}

impl Status {
    /// All of them, best first.
    pub const ALL: [Self; 4] = [
        Self::Standard,
        Self::Draft,
        Self::Legacy,
        Self::Experimental,
    ];

    /// The word used on the command line and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Draft => "draft",
            Self::Legacy => "legacy",
            Self::Experimental => "experimental",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| {
                format!("`{text}` is no status: standard, draft, legacy or experimental")
            })
    }
}

/// The lengths of a KEM, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KemSizes {
    /// The seed of a private key, where the specification derives one from it.
    pub seed: Option<usize>,
    /// The public key.
    pub encapsulation_key: usize,
    /// The private key as its specification encodes it.
    pub decapsulation_key: usize,
    /// The ciphertext.
    pub ciphertext: usize,
    /// The shared secret.
    pub shared_secret: usize,
}

/// The lengths of a signature algorithm, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureSizes {
    /// The seed of a private key, where the specification derives one from it.
    pub seed: Option<usize>,
    /// The public key.
    pub verifying_key: usize,
    /// The private key as its specification encodes it.
    pub signing_key: usize,
    /// The signature; the longest, where the length varies.
    pub signature: usize,
    /// Whether signatures may be shorter (DER of ECDSA, Falcon's compression).
    pub variable_length: bool,
    /// Whether the specification defines a context string of up to 255 bytes.
    pub context: bool,
}

/// The lengths of an AEAD, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AeadSizes {
    /// The key.
    pub key: usize,
    /// The nonce.
    pub nonce: usize,
    /// The tag.
    pub tag: usize,
    /// How much one key may be used.
    pub limits: AeadLimits,
}

/// How much one key of an AEAD may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AeadLimits {
    /// Messages sealed under one key with random nonces.
    pub sealed_messages: u64,
    /// Failed openings after which a protocol must change the key.
    pub failed_opens: u64,
    /// Bytes of one message.
    pub message_bytes: u64,
    /// Where the numbers come from.
    pub source: &'static str,
}

/// The lengths of a KDF, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfSizes {
    /// The pseudo-random key between extract and expand.
    pub prk: usize,
    /// The most that one expansion gives.
    pub max_output: usize,
    /// The canonical name of the hash that it is made of: protocols hash their transcripts with it.
    pub hash: &'static str,
}

/// The lengths of a hash, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashSizes {
    /// The digest; for an extendable-output function its default, twice its strength.
    pub digest: usize,
    /// The input block, as HMAC needs it.
    pub block: usize,
    /// Whether output of any length can be had.
    pub extendable: bool,
}

/// The lengths of an algorithm, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sizes {
    /// See [`KemSizes`].
    Kem(KemSizes),
    /// See [`SignatureSizes`].
    Signature(SignatureSizes),
    /// See [`AeadSizes`].
    Aead(AeadSizes),
    /// See [`KdfSizes`].
    Kdf(KdfSizes),
    /// See [`HashSizes`].
    Hash(HashSizes),
}

impl Sizes {
    /// The kind of algorithm that has such lengths.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Kem(_) => Kind::Kem,
            Self::Signature(_) => Kind::Signature,
            Self::Aead(_) => Kind::Aead,
            Self::Kdf(_) => Kind::Kdf,
            Self::Hash(_) => Kind::Hash,
        }
    }

    /// Name and bytes of each length, in a fixed order, for listings.
    #[must_use]
    pub fn table(&self) -> Vec<(&'static str, usize)> {
        let mut table = Vec::new();
        match self {
            Self::Kem(s) => {
                table.extend(s.seed.map(|bytes| ("seed", bytes)));
                table.push(("encapsulation_key", s.encapsulation_key));
                table.push(("decapsulation_key", s.decapsulation_key));
                table.push(("ciphertext", s.ciphertext));
                table.push(("shared_secret", s.shared_secret));
            }
            Self::Signature(s) => {
                table.extend(s.seed.map(|bytes| ("seed", bytes)));
                table.push(("verifying_key", s.verifying_key));
                table.push(("signing_key", s.signing_key));
                table.push(("signature", s.signature));
            }
            Self::Aead(s) => {
                table.push(("key", s.key));
                table.push(("nonce", s.nonce));
                table.push(("tag", s.tag));
            }
            Self::Kdf(s) => {
                table.push(("prk", s.prk));
                table.push(("max_output", s.max_output));
            }
            Self::Hash(s) => {
                table.push(("digest", s.digest));
                table.push(("block", s.block));
            }
        }
        table
    }
}

/// How a private key sits in PKCS#8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrivateKeyEncoding {
    /// `CHOICE { seed [0], expandedKey, both }`: RFC 9935 section 6, RFC 9881 section 6.
    SeedOrExpanded,
    /// An OCTET STRING within the OCTET STRING: RFC 8410 section 7.
    CurvePrivateKey,
    /// `ECPrivateKey` of RFC 5915, for the identifier id-ecPublicKey of RFC 5480.
    EcPrivateKey,
    /// The bytes as they are: RFC 9909 section 5, and whatever has no registered form.
    Raw,
}

/// The parameters beside an object identifier, where its keys need some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OidParameters {
    /// The identifier of a named curve, dotted: RFC 5480 section 2.1.1.
    NamedCurve(String),
    /// A UTF8String with the algorithm's name: how this framework identifies hybrids.
    Name(String),
}

/// One algorithm: what goes over the wire under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmInfo {
    /// The canonical name.
    pub id: String,
    /// Other names for exactly the same bytes.
    pub aliases: Vec<String>,
    /// Algorithms that are taken for this one and are not, each with the difference.
    pub not_to_be_confused_with: Vec<(String, String)>,
    /// The document that defines it.
    pub specification: String,
    /// The object identifier of its keys, dotted.
    pub oid: Option<String>,
    /// What stands beside that identifier.
    pub oid_parameters: Option<OidParameters>,
    /// How its private keys sit in PKCS#8.
    pub private_key_encoding: PrivateKeyEncoding,
    /// The TLS named group or signature scheme that is exactly this algorithm.
    pub tls_code_point: Option<u16>,
    /// Lengths, which also say the kind.
    pub sizes: Sizes,
    /// NIST security category 1 to 5; 0 for no post-quantum claim.
    pub category: u8,
    /// See [`Status`].
    pub status: Status,
    /// Security notions that its specification claims.
    pub claims: Vec<String>,
    /// Provider names, best first; the others follow in alphabetical order.
    pub provider_order: Vec<String>,
    /// Known answers in the format of [`Kat`].
    pub known_answers: String,
    /// Whether a signature takes so long that a listing should say so.
    pub slow: bool,
}

impl AlgorithmInfo {
    /// Begins a row; everything but id, sizes and specification has a cautious default.
    #[must_use]
    pub fn new(id: &str, sizes: Sizes, specification: &str) -> Self {
        Self {
            id: id.into(),
            aliases: Vec::new(),
            not_to_be_confused_with: Vec::new(),
            specification: specification.into(),
            oid: None,
            oid_parameters: None,
            private_key_encoding: PrivateKeyEncoding::Raw,
            tls_code_point: None,
            sizes,
            category: 0,
            status: Status::Experimental,
            claims: Vec::new(),
            provider_order: Vec::new(),
            known_answers: String::new(),
            slow: false,
        }
    }

    /// The kind, from the sizes.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.sizes.kind()
    }

    /// Adds another name for the same bytes.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.into());
        self
    }

    /// Records an algorithm that this one is not.
    #[must_use]
    pub fn not(mut self, id: &str, difference: &str) -> Self {
        self.not_to_be_confused_with
            .push((id.into(), difference.into()));
        self
    }

    /// Sets the object identifier.
    #[must_use]
    pub fn oid(mut self, oid: &str) -> Self {
        self.oid = Some(oid.into());
        self
    }

    /// Says that keys are identified by id-ecPublicKey and this named curve, with private keys as
    /// RFC 5915 has them.
    #[must_use]
    pub fn named_curve(mut self, curve: &str) -> Self {
        self.oid = Some("1.2.840.10045.2.1".into());
        self.oid_parameters = Some(OidParameters::NamedCurve(curve.into()));
        self.private_key_encoding = PrivateKeyEncoding::EcPrivateKey;
        self
    }

    /// Sets how private keys sit in PKCS#8.
    #[must_use]
    pub fn private_key_encoding(mut self, encoding: PrivateKeyEncoding) -> Self {
        self.private_key_encoding = encoding;
        self
    }

    /// Sets the TLS code point.
    #[must_use]
    pub fn tls(mut self, code_point: u16) -> Self {
        self.tls_code_point = Some(code_point);
        self
    }

    /// Sets the NIST security category.
    #[must_use]
    pub fn category(mut self, category: u8) -> Self {
        self.category = category;
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Adds the security notions that the specification claims.
    #[must_use]
    pub fn claims(mut self, claims: &[&str]) -> Self {
        self.claims
            .extend(claims.iter().map(|claim| (*claim).into()));
        self
    }

    /// Sets the built-in order of providers.
    #[must_use]
    pub fn providers(mut self, order: &[&str]) -> Self {
        self.provider_order = order.iter().map(|name| (*name).into()).collect();
        self
    }

    /// Sets the known answers, in the format of [`Kat`].
    #[must_use]
    pub fn known_answers(mut self, text: &str) -> Self {
        self.known_answers = text.into();
        self
    }

    /// Marks a signature as slow.
    #[must_use]
    pub fn slow(mut self) -> Self {
        self.slow = true;
        self
    }
}
