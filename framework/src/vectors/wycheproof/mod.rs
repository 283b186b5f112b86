//! C2SP's Wycheproof: edge cases and known attacks, one file an algorithm.
//!
//! A group has a type, which says how its tests are to be read, and the values that all of them
//! share.

mod curve;
mod ml_dsa;
mod ml_kem;
mod symmetric;

use std::sync::Arc;

use super::MAX_CASES;
use super::case::{Case, CaseKind, Expected, Format, Subject, VectorFile};
use super::error::VectorError;
use super::json::{Fields, Place};

/// What is understood, for those who bring something else.
const KNOWN: &str = "ML-KEM, ML-DSA, AES-GCM, AES-GCM-SIV, CHACHA20-POLY1305, ASCON-AEAD128, \
                     HKDF, EDDSA, ECDSA, ECDH and XDH";

/// The algorithm that a group is for, and what one of its tests asks.
type Content = (Subject, CaseKind);

/// Reads one test of a group.
type Read =
    fn(file: &str, group: &Fields<'_, '_>, test: &Fields<'_, '_>) -> Result<Content, VectorError>;

fn reader(algorithm: &str) -> Option<Read> {
    Some(match algorithm {
        "ML-KEM" => ml_kem::read,
        "ML-DSA-44" | "ML-DSA-65" | "ML-DSA-87" => ml_dsa::read,
        "AES-GCM" | "AES-GCM-SIV" | "CHACHA20-POLY1305" | "ASCON-AEAD128" => symmetric::aead,
        "HKDF-SHA-1" | "HKDF-SHA-256" | "HKDF-SHA-384" | "HKDF-SHA-512" => symmetric::hkdf,
        "EDDSA" => curve::eddsa,
        "ECDSA" => curve::ecdsa,
        "ECDH" => curve::ecdh,
        "XDH" => curve::xdh,
        _ => return None,
    })
}

/// Reads a file.
pub(super) fn read(file: &Fields<'_, '_>) -> Result<VectorFile, VectorError> {
    let algorithm = file.text("algorithm")?;
    let read = reader(algorithm).ok_or_else(|| VectorError::NotUnderstood {
        format: "Wycheproof",
        algorithm: algorithm.into(),
        known: KNOWN,
    })?;
    let mut cases = Vec::new();
    for (index, group) in (1..).zip(file.objects("testGroups")?) {
        let place = Place {
            group: Some(index),
            case: None,
        };
        let group = Fields::new(group, place);
        group.text("type")?;
        group.skip(&["source", "tests"]);
        let parameters = Arc::new(group.plain());
        for test in group.objects("tests")? {
            if cases.len() == MAX_CASES {
                return Err(VectorError::TooManyCases(MAX_CASES));
            }
            let number = Fields::new(test, place).number("tcId")?;
            let test = Fields::new(
                test,
                Place {
                    case: Some(number),
                    ..place
                },
            );
            test.skip(&["tcId"]);
            let comment = test.optional_text("comment")?.unwrap_or_default();
            let flags = test.texts("flags")?;
            let expected = match test.text("result")? {
                "valid" => Expected::Valid,
                "invalid" => Expected::Invalid,
                "acceptable" => Expected::Acceptable,
                _ => return Err(test.error("result", "is none of valid, invalid, acceptable")),
            };
            let (subject, mut kind) = read(algorithm, &group, &test)?;
            if !matches!(kind, CaseKind::NotApplicable { .. })
                && let Some(name) = test.unread().or_else(|| group.unread())
            {
                kind = not_applicable(&format!("the value `{name}` is not understood"));
            }
            cases.push(Case {
                id: format!("tcId {number}"),
                subject,
                comment: comment.into(),
                flags,
                group: parameters.clone(),
                expected,
                kind,
            });
        }
    }
    let found = u64::try_from(cases.len()).unwrap_or(u64::MAX);
    match file.optional_number("numberOfTests")? {
        Some(declared) if declared != found => Err(VectorError::Count { declared, found }),
        _ => Ok(VectorFile {
            format: Format::Wycheproof,
            title: algorithm.into(),
            cases,
        }),
    }
}

fn named(name: &str) -> Subject {
    Subject::Named(name.into())
}

fn not_applicable(reason: &str) -> CaseKind {
    let reason = reason.into();
    CaseKind::NotApplicable { reason }
}

/// For a group of a type that there was not when this was written.
fn other_type(group: &Fields<'_, '_>) -> Result<CaseKind, VectorError> {
    let kind = group.text("type")?;
    Ok(not_applicable(&format!("groups of the type {kind}")))
}
