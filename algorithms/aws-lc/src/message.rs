//! What the signatures of `aws-lc-rs` have in common: one slice for a message, and no context.

use std::borrow::Cow;

use pqfw_framework::signature::SignatureError;

/// One slice of many, without a copy where there is but one.
pub(crate) fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}

pub(crate) fn refuse_context(context: &[u8]) -> Result<(), SignatureError> {
    match context {
        [] => Ok(()),
        _ => Err(SignatureError::ContextUnsupported),
    }
}
