//! What signatures have in common: one slice for a message, and contexts.

use std::borrow::Cow;

use pqfw_framework::signature::SignatureError;

/// One slice of many, without a copy where there is but one.
pub(crate) fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}

/// For signatures whose specification has no context.
pub(crate) fn refuse_context(context: &[u8]) -> Result<(), SignatureError> {
    match context {
        [] => Ok(()),
        _ => Err(SignatureError::ContextUnsupported),
    }
}
