//! What the tests of key files share: rows, key files of others, and DER made by hand.

use std::path::Path;

use pqfw_framework::catalogue::{AlgorithmInfo, builtin};
use pqfw_framework::registry::Registry;

pub(crate) fn row(id: &str) -> AlgorithmInfo {
    builtin().into_iter().find(|row| row.id == id).unwrap()
}

pub(crate) fn registry() -> Registry {
    pqfw::registry().build().unwrap()
}

/// A key file that somebody else made: `tests/vectors/key-files/ORIGIN.md`.
pub(crate) fn foreign(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/key-files");
    std::fs::read(folder.join(name)).unwrap()
}

/// DER: a tag, a length and what they hold.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match u16::try_from(content.len()).unwrap() {
        short @ 0..=127 => vec![short as u8],
        medium @ 128..=255 => vec![0x81, medium as u8],
        long => [&[0x82][..], &long.to_be_bytes()].concat(),
    };
    [&[tag][..], &length, &content].concat()
}

pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: &[u8] = &[0x05, 0x00];

/// The OBJECT IDENTIFIERs of the test keys.
pub(crate) const ML_KEM_512: &[u8] = &[
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x01,
];
pub(crate) const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];
pub(crate) const EC_PUBLIC_KEY: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(crate) const P_256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
pub(crate) const P_384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

/// A PrivateKeyInfo of version 0 around `value`.
pub(crate) fn private_key_info(algorithm: &[&[u8]], value: &[u8]) -> Vec<u8> {
    let version = tlv(INTEGER, &[&[0]]);
    let identifier = tlv(SEQUENCE, algorithm);
    let key = tlv(OCTET_STRING, &[value]);
    tlv(SEQUENCE, &[&version, &identifier, &key])
}

/// A SubjectPublicKeyInfo around `key`, whose last byte has `unused` unused bits.
pub(crate) fn subject_public_key_info(algorithm: &[&[u8]], unused: u8, key: &[u8]) -> Vec<u8> {
    let identifier = tlv(SEQUENCE, algorithm);
    tlv(
        SEQUENCE,
        &[&identifier, &tlv(BIT_STRING, &[&[unused], key])],
    )
}
