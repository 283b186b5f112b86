//! What stands in the `privateKey` of a PrivateKeyInfo: each family of algorithms has its own.

use pkcs8::ObjectIdentifier;
use pkcs8::der::asn1::{AnyRef, OctetStringRef};
use pkcs8::der::{Decode, Encode, Error, Reader, SliceReader, Tag};
use sec1::{EcParameters, EcPrivateKey};

use super::{KeyCodecError, PrivateKeyForm, PrivateKeyParts};
use crate::catalogue::{AlgorithmInfo, PrivateKeyEncoding};
use crate::secret::SecretBytes;

const KIND: &str = "PrivateKeyInfo";
/// The implicit tag `[0]` of the seed in the CHOICE of RFC 9935 and RFC 9881.
const SEED_TAG: u8 = 0x80;
const OCTET_STRING_TAG: u8 = 0x04;
const SEQUENCE_TAG: u8 = 0x30;

/// Writes the value in `form`, or else the seed where there is one.
pub(super) fn encode(
    info: &AlgorithmInfo,
    parts: &PrivateKeyParts,
    form: Option<PrivateKeyForm>,
) -> Result<SecretBytes, KeyCodecError> {
    if info.private_key_encoding == PrivateKeyEncoding::SeedOrExpanded {
        return choice(info, parts, form);
    }
    let key = only(info, parts, form)?;
    match info.private_key_encoding {
        PrivateKeyEncoding::SeedOrExpanded | PrivateKeyEncoding::Raw => {
            Ok(SecretBytes::copy_of(key.expose()))
        }
        PrivateKeyEncoding::CurvePrivateKey => octet_string(key),
        PrivateKeyEncoding::EcPrivateKey => {
            // The curve stands in the AlgorithmIdentifier, so RFC 5915 lets it be absent here.
            let key = EcPrivateKey {
                private_key: key.expose(),
                parameters: None,
                public_key: parts.public_key.as_deref(),
            };
            der(&key)
        }
    }
}

/// Reads the value. `curve` is the one that the AlgorithmIdentifier names.
pub(super) fn decode(
    info: &AlgorithmInfo,
    curve: Option<ObjectIdentifier>,
    value: &[u8],
) -> Result<PrivateKeyParts, KeyCodecError> {
    match info.private_key_encoding {
        PrivateKeyEncoding::Raw => Ok(PrivateKeyParts::of_raw(info, value)),
        PrivateKeyEncoding::CurvePrivateKey => Ok(PrivateKeyParts::of_expanded(octets(value)?)),
        PrivateKeyEncoding::EcPrivateKey => {
            let key = EcPrivateKey::from_der(value).map_err(not_der)?;
            let named = key.parameters.and_then(EcParameters::named_curve);
            if named.is_some() && named != curve {
                return Err(KeyCodecError::Der(
                    "key of the curve that its identifier names",
                ));
            }
            Ok(PrivateKeyParts {
                public_key: key.public_key.map(<[u8]>::to_vec),
                ..PrivateKeyParts::of_expanded(key.private_key)
            })
        }
        PrivateKeyEncoding::SeedOrExpanded => match value.first() {
            Some(&SEED_TAG) => {
                // Read as the OCTET STRING that the implicit tag stands for.
                let mut retagged = SecretBytes::copy_of(value);
                if let Some(tag) = retagged.expose_mut().first_mut() {
                    *tag = OCTET_STRING_TAG;
                }
                Ok(PrivateKeyParts::of_seed(octets(retagged.expose())?))
            }
            Some(&SEQUENCE_TAG) => {
                let mut reader = SliceReader::new(value).map_err(not_der)?;
                let octets = <&OctetStringRef>::decode;
                let both = reader.sequence(|both| Ok::<_, Error>((octets(both)?, octets(both)?)));
                let (seed, expanded) = both.map_err(not_der)?;
                reader.finish().map_err(not_der)?;
                Ok(PrivateKeyParts {
                    seed: Some(SecretBytes::copy_of(seed.as_bytes())),
                    ..PrivateKeyParts::of_expanded(expanded.as_bytes())
                })
            }
            _ => Ok(PrivateKeyParts::of_expanded(octets(value)?)),
        },
    }
}

/// `CHOICE { seed [0], expandedKey, both }`.
fn choice(
    info: &AlgorithmInfo,
    parts: &PrivateKeyParts,
    form: Option<PrivateKeyForm>,
) -> Result<SecretBytes, KeyCodecError> {
    let form = match (form, parts.form()) {
        (_, None) => return Err(KeyCodecError::Empty),
        (Some(form), _) => form,
        (None, Some(PrivateKeyForm::Expanded)) => PrivateKeyForm::Expanded,
        (None, Some(PrivateKeyForm::Seed | PrivateKeyForm::Both)) => PrivateKeyForm::Seed,
    };
    let seed = || {
        let reason = "an expanded key cannot be turned back into the seed it came from";
        parts.seed.as_ref().ok_or(unavailable(info, form, reason))
    };
    let expanded = || {
        let reason = "there is only the seed; import it with a provider that expands seeds";
        let expanded = parts.expanded.as_ref();
        expanded.ok_or(unavailable(info, form, reason))
    };
    match form {
        PrivateKeyForm::Seed => {
            let mut tagged = octet_string(seed()?)?;
            if let Some(tag) = tagged.expose_mut().first_mut() {
                *tag = SEED_TAG;
            }
            Ok(tagged)
        }
        PrivateKeyForm::Expanded => octet_string(expanded()?),
        PrivateKeyForm::Both => sequence(&[octet_string(seed()?)?, octet_string(expanded()?)?]),
    }
}

/// The key of an algorithm whose files have one form.
fn only<'a>(
    info: &AlgorithmInfo,
    parts: &'a PrivateKeyParts,
    form: Option<PrivateKeyForm>,
) -> Result<&'a SecretBytes, KeyCodecError> {
    let (key, own) = match (&parts.expanded, &parts.seed) {
        (Some(expanded), _) => (expanded, PrivateKeyForm::Expanded),
        (None, Some(seed)) => (seed, PrivateKeyForm::Seed),
        (None, None) => return Err(KeyCodecError::Empty),
    };
    match form {
        Some(form) if form != own => {
            let reason = "the algorithm's key files have one form, so no form need be named";
            Err(unavailable(info, form, reason))
        }
        _ => Ok(key),
    }
}

fn unavailable(info: &AlgorithmInfo, form: PrivateKeyForm, reason: &'static str) -> KeyCodecError {
    KeyCodecError::FormUnavailable {
        algorithm: info.id.clone(),
        form,
        reason,
    }
}

fn not_der<E>(_: E) -> KeyCodecError {
    KeyCodecError::Der(KIND)
}

fn der(value: &impl Encode) -> Result<SecretBytes, KeyCodecError> {
    value.to_der().map(SecretBytes::own).map_err(not_der)
}

fn octet_string(secret: &SecretBytes) -> Result<SecretBytes, KeyCodecError> {
    der(&OctetStringRef::new(secret.expose()).map_err(not_der)?)
}

fn octets(value: &[u8]) -> Result<&[u8], KeyCodecError> {
    let string = <&OctetStringRef>::from_der(value);
    string.map(OctetStringRef::as_bytes).map_err(not_der)
}

/// A SEQUENCE of values that are DER already.
fn sequence(values: &[SecretBytes]) -> Result<SecretBytes, KeyCodecError> {
    let length: usize = values.iter().map(SecretBytes::len).sum();
    let mut content = SecretBytes::zeroed(length);
    let mut rest = content.expose_mut();
    for value in values {
        let (place, behind) = rest.split_at_mut(value.len());
        place.copy_from_slice(value.expose());
        rest = behind;
    }
    der(&AnyRef::new(Tag::Sequence, content.expose()).map_err(not_der)?)
}
