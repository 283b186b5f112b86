//! DHKEM (RFC 9180 section 4.1) over X25519, P-256, P-384 and brainpoolP512r1.
//!
//! RFC 9180 section 7.1 registers the first three. The last is ours: its identifier is private,
//! its hash SHA-512. A private key is exported as it was imported, X25519's too: RFC 9180 section
//! 7.1.2 clamps that one on the way out, RFC 7748 on use, and both give the same function.

use openssl::derive::Deriver;
use openssl::error::ErrorStack;
use openssl::md::{Md, MdRef};
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use crate::curve::{BRAINPOOL_P512R1, Curve, KeyPair, P256, P384};
use crate::evp::{self, Params};
use crate::{hkdf, provider};

/// Bytes of a scalar and of a coordinate of X25519.
const X25519: usize = 32;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let kem = |id, group, hash| DhKem { id, group, hash };
    let x25519 = kem([0x00, 0x20], Group::X25519, Md::sha256);
    let p256 = kem([0x00, 0x10], Group::Curve(P256), Md::sha256);
    let p384 = kem([0x00, 0x11], Group::Curve(P384), Md::sha384);
    let brainpool = kem([0xfe, 0x12], Group::Curve(BRAINPOOL_P512R1), Md::sha512);
    plugin
        .kem("X25519", provider(), x25519)
        .kem("P-256", provider(), p256)
        .kem("P-384", provider(), p384)
        .kem("brainpoolP512r1", provider(), brainpool)
}

/// A KEM: the identifier that it binds into its secret, a group and a hash.
#[derive(Clone, Copy)]
struct DhKem {
    id: [u8; 2],
    group: Group,
    hash: fn() -> &'static MdRef,
}

#[derive(Clone, Copy)]
enum Group {
    X25519,
    Curve(Curve),
}

impl Group {
    /// Bytes of a Diffie-Hellman output.
    fn length(&self) -> usize {
        match self {
            Self::X25519 => X25519,
            Self::Curve(curve) => curve.length(),
        }
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Option<KeyPair> {
        match self {
            Self::X25519 => {
                let mut scalar = SecretBytes::zeroed(X25519);
                rng.fill_bytes(scalar.expose_mut());
                self.read_private(scalar.expose())
            }
            Self::Curve(curve) => curve.generate(rng),
        }
    }

    fn read_private(&self, scalar: &[u8]) -> Option<KeyPair> {
        match self {
            Self::X25519 => {
                let key =
                    evp::private_key(c"X25519", Params::new().octets(c"priv", scalar)).ok()?;
                let mut public = vec![0; X25519];
                evp::octets(&key, c"pub", &mut public).ok()?;
                let secret = SecretBytes::copy_of(scalar);
                Some(KeyPair {
                    key,
                    secret,
                    public,
                })
            }
            Self::Curve(curve) => curve.read_private(scalar),
        }
    }

    fn read_public(&self, bytes: &[u8]) -> Option<PKey<Public>> {
        match self {
            // RFC 7748 section 5 takes any 32 bytes; a point of small order shows in `agree`.
            Self::X25519 => evp::public_key(c"X25519", Params::new().octets(c"pub", bytes)).ok(),
            Self::Curve(curve) => curve.read_public(bytes),
        }
    }
}

/// Diffie-Hellman. RFC 9180 section 7.1.4: OpenSSL fails on the all-zero output that a point of
/// small order has with every private key, so that a failure tells nothing of ours.
fn agree(
    private: &PKeyRef<Private>,
    public: &PKeyRef<Public>,
    length: usize,
) -> Result<SecretBytes, ErrorStack> {
    let mut output = SecretBytes::zeroed(length);
    let mut deriver = Deriver::new(private)?;
    deriver.set_peer(public)?;
    deriver.derive(output.expose_mut())?;
    Ok(output)
}

impl DhKem {
    /// ExtractAndExpand of RFC 9180 section 4.1, with kem_context = enc ‖ pkR.
    fn extract_and_expand(
        &self,
        dh: &[u8],
        enc: &[u8],
        recipient: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let failed = |_| KemError::ProviderFailed;
        let hash = (self.hash)();
        let length = u16::try_from(shared_secret.len()).map_err(|_| KemError::ProviderFailed)?;
        // LabeledExtract("", "eae_prk", dh)
        let labeled_ikm = [b"HPKE-v1", &b"KEM"[..], &self.id, b"eae_prk", dh].concat();
        let labeled_ikm = SecretBytes::own(labeled_ikm);
        let mut eae_prk = SecretBytes::zeroed(hash.size());
        hkdf::extract(hash, labeled_ikm.expose(), eae_prk.expose_mut()).map_err(failed)?;
        // LabeledExpand(eae_prk, "shared_secret", kem_context, Nsecret)
        let info: [&[u8]; 7] = [
            &length.to_be_bytes(),
            b"HPKE-v1",
            b"KEM",
            &self.id,
            b"shared_secret",
            enc,
            recipient,
        ];
        hkdf::expand(hash, eae_prk.expose(), &info.concat(), shared_secret).map_err(failed)
    }
}

impl Kem for DhKem {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let pair = self.group.generate(rng).ok_or(KemError::ProviderFailed)?;
        Ok(Box::new(Recipient { kem: *self, pair }))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = self.group.read_public(bytes);
        Ok(Box::new(RecipientPublic {
            kem: *self,
            key: key.ok_or(KemError::EncapsulationKeyInvalid)?,
            bytes: bytes.to_vec(),
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(scalar) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let pair = self.group.read_private(scalar);
        let pair = pair.ok_or(KemError::DecapsulationKeyInvalid)?;
        Ok(Box::new(Recipient { kem: *self, pair }))
    }
}

struct RecipientPublic {
    kem: DhKem,
    key: PKey<Public>,
    bytes: Vec<u8>,
}

impl Encapsulate for RecipientPublic {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let group = self.kem.group;
        let ephemeral = group.generate(rng).ok_or(KemError::ProviderFailed)?;
        let dh = agree(&ephemeral.key, &self.key, group.length());
        let dh = dh.map_err(|_| KemError::EncapsulationKeyInvalid)?;
        ciphertext.copy_from_slice(&ephemeral.public);
        self.kem
            .extract_and_expand(dh.expose(), ciphertext, &self.bytes, shared_secret)
    }
}

struct Recipient {
    kem: DhKem,
    pair: KeyPair,
}

impl Decapsulate for Recipient {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.pair.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.pair.secret.expose())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let group = self.kem.group;
        let enc = group.read_public(ciphertext);
        let enc = enc.ok_or(KemError::CiphertextInvalid)?;
        let dh = agree(&self.pair.key, &enc, group.length());
        let dh = dh.map_err(|_| KemError::CiphertextInvalid)?;
        self.kem
            .extract_and_expand(dh.expose(), ciphertext, &self.pair.public, shared_secret)
    }
}
