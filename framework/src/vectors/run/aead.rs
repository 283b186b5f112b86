//! Authenticated encryption.

use super::{Outcome, failed, judge, not_applicable, same};
use crate::aead::{AdmittedAead, AeadError};
use crate::vectors::case::{Case, CaseKind, Expected};
use crate::vectors::tally::Check;

/// The checks of a case, or `None` for a case of another kind.
pub(super) fn checks(aead: &AdmittedAead, case: &Case) -> Option<Vec<Check>> {
    let CaseKind::Aead {
        key,
        nonce,
        aad,
        plaintext,
        ciphertext,
        tag,
    } = &case.kind
    else {
        return None;
    };
    let sizes = aead.sizes();
    // The catalogue's algorithm has one length for each; AES-GCM as a family has more.
    let foreign = nonce.len() != sizes.nonce || tag.len() != sizes.tag;
    if case.expected != Expected::Invalid && foreign {
        return Some(vec![not_applicable(
            "nonces or tags of another length than the catalogue's",
        )]);
    }
    let opened = aead.key(key).and_then(|key| {
        let opened = key.open(nonce, aad, &[ciphertext.as_slice(), tag].concat())?;
        Ok((key, opened))
    });
    let opened = match opened {
        Ok(output) => Outcome::Output(output),
        Err(AeadError::ProviderFailed) => Outcome::Broke(AeadError::ProviderFailed.to_string()),
        Err(error) => Outcome::Refused(error.to_string()),
    };
    Some(vec![judge(
        case.expected,
        "opening",
        opened,
        |(key, opened)| {
            if opened != *plaintext {
                return failed("the opened plaintext: differs".into());
            }
            match key.seal(nonce, aad, plaintext) {
                Ok(sealed) => same(
                    "the sealed message",
                    sealed == [ciphertext.as_slice(), tag].concat(),
                ),
                Err(error) => failed(format!("sealing: {error}")),
            }
        },
    )])
}
