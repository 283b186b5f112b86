//! NIST's ACVP: sets of vectors for ML-KEM, ML-DSA and SLH-DSA.
//!
//! A set has groups, a group has parameters and tests. `title` names the algorithm, what is tested
//! and the revision; later revisions of one standard (`FIPS203-tr1`) only add values.

mod ml_kem;
mod signature;

use std::sync::Arc;

use super::MAX_CASES;
use super::case::{Case, CaseKind, Expected, Format, Subject, VectorFile};
use super::error::VectorError;
use super::json::{Fields, Place};

/// Which half of a set of vectors a file is.
pub(super) enum Part {
    Whole,
    Prompt,
    Results,
}

/// What a test asks for and how it must end.
type Content = (CaseKind, Expected);

/// Reads one test of a group.
type Read = fn(group: &Fields<'_, '_>, test: &Fields<'_, '_>) -> Result<Content, VectorError>;

/// What is understood, for those who bring something else.
const KNOWN: &str = "ML-KEM keyGen and encapDecap (FIPS203), ML-DSA keyGen, sigGen and sigVer \
                     (FIPS204), SLH-DSA keyGen, sigGen and sigVer (FIPS205)";

/// A mode: its reader, and the values of which one is there when results are.
struct Mode {
    read: Read,
    results: &'static [&'static str],
}

/// `ML-KEM keyGen FIPS203`.
pub(super) fn title(set: &Fields<'_, '_>) -> Result<String, VectorError> {
    let parts = [
        Some(set.text("algorithm")?),
        set.optional_text("mode")?,
        set.optional_text("revision")?,
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    Ok(parts.join(" "))
}

fn mode(set: &Fields<'_, '_>) -> Result<Mode, VectorError> {
    let [algorithm, mode, revision] = ["algorithm", "mode", "revision"].map(|name| {
        let text = set.optional_text(name);
        text.map(Option::unwrap_or_default)
    });
    let (standard, read, results): (_, Read, &'static [_]) = match (algorithm?, mode?) {
        ("ML-KEM", "keyGen") => ("FIPS203", ml_kem::keygen, &["ek"]),
        ("ML-KEM", "encapDecap") => ("FIPS203", ml_kem::encap_decap, &["k", "testPassed"]),
        ("ML-DSA", "keyGen") => ("FIPS204", signature::ml_dsa_keygen, &["pk"]),
        ("ML-DSA", "sigGen") => ("FIPS204", signature::ml_dsa_sign, &["signature"]),
        ("ML-DSA", "sigVer") => ("FIPS204", signature::ml_dsa_verify, &["testPassed"]),
        ("SLH-DSA", "keyGen") => ("FIPS205", signature::slh_dsa_keygen, &["pk"]),
        ("SLH-DSA", "sigGen") => ("FIPS205", signature::slh_dsa_sign, &["signature"]),
        ("SLH-DSA", "sigVer") => ("FIPS205", signature::slh_dsa_verify, &["testPassed"]),
        _ => return Err(not_understood(set)?),
    };
    let rest = revision?.strip_prefix(standard);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
        Ok(Mode { read, results })
    } else {
        Err(not_understood(set)?)
    }
}

fn not_understood(set: &Fields<'_, '_>) -> Result<VectorError, VectorError> {
    Ok(VectorError::NotUnderstood {
        format: "ACVP",
        algorithm: title(set)?,
        known: KNOWN,
    })
}

/// Whether a set is whole: results have no parameters, and a prompt has no results.
pub(super) fn part(set: &Fields<'_, '_>) -> Result<Part, VectorError> {
    let mode = mode(set)?;
    let (mut parameters, mut results) = (false, false);
    for group in set.objects("testGroups")? {
        let group = Fields::new(group, Place::default());
        parameters |= group.has("parameterSet");
        for test in group.objects("tests")? {
            let test = Fields::new(test, Place::default());
            results |= mode.results.iter().any(|name| test.has(name));
        }
    }
    Ok(match (parameters, results) {
        (true, false) => Part::Prompt,
        (false, true) => Part::Results,
        _ => Part::Whole,
    })
}

/// Reads a whole set.
pub(super) fn read(set: &Fields<'_, '_>) -> Result<VectorFile, VectorError> {
    let mode = mode(set)?;
    let mut cases = Vec::new();
    for group in set.objects("testGroups")? {
        let number = Fields::new(group, Place::default()).number("tgId")?;
        let place = Place {
            group: Some(number),
            case: None,
        };
        let group = Fields::new(group, place);
        let subject = Subject::Named(group.text("parameterSet")?.into());
        group.skip(&["tgId", "tests"]);
        let parameters = Arc::new(group.plain());
        for test in group.objects("tests")? {
            if cases.len() == MAX_CASES {
                return Err(VectorError::TooManyCases(MAX_CASES));
            }
            let case = Fields::new(test, place).number("tcId")?;
            let test = Fields::new(
                test,
                Place {
                    case: Some(case),
                    ..place
                },
            );
            let (kind, expected) = content(mode.read, &group, &test)?;
            cases.push(Case {
                id: format!("tgId {number} tcId {case}"),
                subject: subject.clone(),
                comment: test.optional_text("reason")?.unwrap_or_default().into(),
                flags: Vec::new(),
                group: parameters.clone(),
                expected,
                kind,
            });
        }
    }
    Ok(VectorFile {
        format: Format::Acvp,
        title: title(set)?,
        cases,
    })
}

fn content(
    read: Read,
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
) -> Result<Content, VectorError> {
    test.skip(&["tcId", "deferred", "reason"]);
    let test_type = group.text("testType")?;
    if !matches!(test_type, "AFT" | "VAL") {
        return Ok(not_applicable(&format!("tests of the type {test_type}")));
    }
    let (kind, expected) = read(group, test)?;
    if matches!(kind, CaseKind::NotApplicable { .. }) {
        return Ok((kind, expected));
    }
    match test.unread().or_else(|| group.unread()) {
        None => Ok((kind, expected)),
        Some(name) => Ok(not_applicable(&format!(
            "the value `{name}` is not understood"
        ))),
    }
}

fn not_applicable(reason: &str) -> Content {
    let reason = reason.into();
    (CaseKind::NotApplicable { reason }, Expected::Valid)
}

/// `testPassed`, where it is there.
fn verdict(test: &Fields<'_, '_>) -> Result<Expected, VectorError> {
    Ok(match test.optional_flag("testPassed")? {
        Some(false) => Expected::Invalid,
        _ => Expected::Valid,
    })
}

/// A key that stands in the test, or in its group for all tests.
fn shared(
    group: &Fields<'_, '_>,
    test: &Fields<'_, '_>,
    name: &'static str,
) -> Result<Option<Vec<u8>>, VectorError> {
    let (own, common) = (test.optional_hex(name)?, group.optional_hex(name)?);
    Ok(own.or(common))
}
