//! What both components sign (draft-ietf-lamps-pq-composite-sigs-19, sections 2.2 and 3.2):
//! M′ = Prefix ‖ Label ‖ len(ctx) ‖ ctx ‖ PH(M).

use pqfw_framework::signature::SignatureError;
use sha2::Digest;

/// Keeps a component from being taken for a signature of anything else (section 9.4).
const PREFIX: &[u8; 32] = b"CompositeAlgorithmSignatures2025";

/// M′, with the message hashed part by part.
pub(crate) fn representative<H: Digest>(
    label: &str,
    message: &[&[u8]],
    context: &[u8],
) -> Result<Vec<u8>, SignatureError> {
    let length = u8::try_from(context.len());
    let length = length.map_err(|_| SignatureError::ContextTooLong(context.len()))?;
    let mut hash = H::new();
    message.iter().for_each(|part| hash.update(part));
    let hash = hash.finalize();
    Ok([PREFIX, label.as_bytes(), &[length], context, &hash].concat())
}

#[cfg(test)]
mod tests {
    use sha2::Sha512;

    use super::*;

    /// Appendix D: the message 00 to 09, without and with a context.
    const LABEL: &str = "COMPSIG-MLDSA65-ECDSA-P256-SHA512";
    const WITHOUT: &str = "436f6d706f73697465416c676f726974686d5369676e61747572657332303235\
        434f4d505349472d4d4c44534136352d45434453412d503235362d534841353132\
        000f89ee1fcb7b0a4f7809d1267a029719004c5a5e5ec323a7c3523a20974f9a3f2\
        02f56fadba4cd9e8d654ab9f2e96dc5c795ea176fa20ede8d854c342f903533";
    const WITH: &str = "436f6d706f73697465416c676f726974686d5369676e61747572657332303235\
        434f4d505349472d4d4c44534136352d45434453412d503235362d534841353132\
        0808130612051626230f89ee1fcb7b0a4f7809d1267a029719004c5a5e5ec323a7c\
        3523a20974f9a3f202f56fadba4cd9e8d654ab9f2e96dc5c795ea176fa20ede8d85\
        4c342f903533";

    fn hex(context: &[u8]) -> String {
        let message: [&[u8]; 2] = [&[0, 1, 2, 3], &[4, 5, 6, 7, 8, 9]];
        let made = representative::<Sha512>(LABEL, &message, context).unwrap();
        made.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn it_is_that_of_the_drafts_examples() {
        assert_eq!(hex(b""), WITHOUT);
        assert_eq!(hex(&[0x08, 0x13, 0x06, 0x12, 0x05, 0x16, 0x26, 0x23]), WITH);
    }

    #[test]
    fn a_context_may_have_255_bytes_and_not_256() {
        assert!(representative::<Sha512>(LABEL, &[], &[0; 255]).is_ok());
        let refused = representative::<Sha512>(LABEL, &[], &[0; 256]);
        assert_eq!(refused, Err(SignatureError::ContextTooLong(256)));
    }
}
