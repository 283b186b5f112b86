//! HKDF (RFC 5869) of OpenSSL, for DHKEM.

use openssl::error::ErrorStack;
use openssl::md::MdRef;
use openssl::pkey::Id;
use openssl::pkey_ctx::{HkdfMode, PkeyCtx};

/// HKDF-Extract with an empty salt (RFC 5869 section 2.2).
pub(crate) fn extract(hash: &MdRef, ikm: &[u8], prk: &mut [u8]) -> Result<(), ErrorStack> {
    let mut context = begin(hash, HkdfMode::EXTRACT_ONLY, ikm)?;
    context.derive(Some(prk)).map(drop)
}

/// HKDF-Expand (RFC 5869 section 2.3).
pub(crate) fn expand(
    hash: &MdRef,
    prk: &[u8],
    info: &[u8],
    okm: &mut [u8],
) -> Result<(), ErrorStack> {
    let mut context = begin(hash, HkdfMode::EXPAND_ONLY, prk)?;
    context.add_hkdf_info(info)?;
    context.derive(Some(okm)).map(drop)
}

/// OpenSSL wipes its copy of `key` with the context.
fn begin(hash: &MdRef, mode: HkdfMode, key: &[u8]) -> Result<PkeyCtx<()>, ErrorStack> {
    let mut context = PkeyCtx::new_id(Id::HKDF)?;
    context.derive_init()?;
    context.set_hkdf_mode(mode)?;
    context.set_hkdf_md(hash)?;
    context.set_hkdf_key(key)?;
    Ok(context)
}
