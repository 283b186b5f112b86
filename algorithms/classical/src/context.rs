//! The context of a signature, which no algorithm here has.

use pqfw_framework::signature::SignatureError;

/// Refuses every context but the empty one.
pub(crate) fn refuse_context(context: &[u8]) -> Result<(), SignatureError> {
    match context {
        [] => Ok(()),
        _ => Err(SignatureError::ContextUnsupported),
    }
}
