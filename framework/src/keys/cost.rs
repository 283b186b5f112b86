//! How much work a passphrase's key derivation may ask for before a file is believed: the file
//! names its own cost, and a hostile one would name hours or all the memory there is.

use pkcs8::pkcs5::pbes2::{Kdf, Pbkdf2Params, Pbkdf2Prf, ScryptParams};

use super::KeyCodecError;

/// The most memory that each of scrypt's two tables gets, 128·r·N and 128·r·p: twice what OWASP
/// asks for at its highest setting.
pub const SCRYPT_MOST_MEMORY_BYTES: u64 = 1 << 28;

/// The most of N·r·p: four times OWASP's settings, a few seconds.
pub const SCRYPT_MOST_WORK: u64 = 1 << 22;

/// The most of PBKDF2's iterations: what RFC 8018 section 4.2 calls fit for especially critical
/// keys, some seconds.
pub const PBKDF2_MOST_ITERATIONS: u32 = 10_000_000;

/// Refuses a cost that is above the limits, or that is none.
pub(super) fn check(kdf: &Kdf) -> Result<(), KeyCodecError> {
    match kdf {
        Kdf::Scrypt(params) => check_scrypt(params),
        Kdf::Pbkdf2(params) => check_pbkdf2(params),
        other => Err(KeyCodecError::Encryption(other.oid().to_string())),
    }
}

fn check_scrypt(params: &ScryptParams) -> Result<(), KeyCodecError> {
    let (n, r, p) = (
        params.cost_parameter,
        u64::from(params.block_size),
        u64::from(params.parallelization),
    );
    // RFC 7914 section 6. The crate beneath takes the logarithm of N and panics at zero.
    if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
        let what = format!("scrypt N={n} r={r} p={p}, which RFC 7914 does not allow");
        return Err(KeyCodecError::Encryption(what));
    }
    let memory = n.max(p).saturating_mul(128 * r);
    let work = n.saturating_mul(r).saturating_mul(p);
    if memory <= SCRYPT_MOST_MEMORY_BYTES && work <= SCRYPT_MOST_WORK {
        return Ok(());
    }
    Err(KeyCodecError::PassphraseCost {
        asked: format!("scrypt N={n} r={r} p={p}"),
        limit: format!("{SCRYPT_MOST_MEMORY_BYTES} bytes and N·r·p = {SCRYPT_MOST_WORK}"),
    })
}

fn check_pbkdf2(params: &Pbkdf2Params) -> Result<(), KeyCodecError> {
    let asked = params.iteration_count;
    if params.prf == Pbkdf2Prf::HmacWithSha1 {
        return Err(KeyCodecError::Encryption("PBKDF2 with HMAC-SHA1".into()));
    }
    // RFC 8018 appendix A.2 counts from one.
    if asked == 0 {
        return Err(KeyCodecError::Encryption(
            "PBKDF2 without iterations".into(),
        ));
    }
    if asked <= PBKDF2_MOST_ITERATIONS {
        return Ok(());
    }
    Err(KeyCodecError::PassphraseCost {
        asked: format!("{asked} iterations of PBKDF2"),
        limit: format!("{PBKDF2_MOST_ITERATIONS}"),
    })
}
