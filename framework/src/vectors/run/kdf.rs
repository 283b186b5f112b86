//! Key derivation.

use super::{Outcome, judge, same};
use crate::kdf::{AdmittedKdf, KdfError};
use crate::vectors::case::{Case, CaseKind};
use crate::vectors::tally::Check;

/// The checks of a case, or `None` for a case of another kind.
pub(super) fn checks(kdf: &AdmittedKdf, case: &Case) -> Option<Vec<Check>> {
    let CaseKind::Kdf {
        ikm,
        salt,
        info,
        length,
        okm,
    } = &case.kind
    else {
        return None;
    };
    let derived = match kdf.derive(salt, ikm, &[info], *length) {
        Ok(output) => Outcome::Output(output),
        Err(KdfError::ProviderFailed) => Outcome::Broke(KdfError::ProviderFailed.to_string()),
        Err(error) => Outcome::Refused(error.to_string()),
    };
    Some(vec![judge(
        case.expected,
        "derivation",
        derived,
        |derived| same("the output", derived.expose() == okm),
    )])
}
