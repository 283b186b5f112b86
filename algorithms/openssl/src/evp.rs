//! The calls of OpenSSL's EVP interface that the crate `openssl` has not, and the one unsafe code
//! of this crate.
//!
//! Two of them it has in another way: its key from a seed and its raw private key pass through an
//! `OSSL_PARAM_BLD`, whose copy OpenSSL frees without wiping it. Here a parameter points at the
//! caller's bytes, and a secret is written into the caller's buffer. What OpenSSL copies into a
//! key or a context, it wipes.
//!
//! An error leaves nothing in OpenSSL's queue of errors: [`ErrorStack::get`] takes all of it out.

#![expect(unsafe_code, reason = "OpenSSL is written in C")]

use std::ffi::{CStr, c_int, c_uint};
use std::marker::PhantomData;
use std::ptr;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Private, Public};
use openssl::pkey_ctx::{PkeyCtx, PkeyCtxRef};
use openssl_sys as ffi;

/// `OSSL_PARAM_UNSIGNED_INTEGER`, `OSSL_PARAM_UTF8_STRING` and `OSSL_PARAM_OCTET_STRING` of
/// openssl/core.h.
const UNSIGNED_INTEGER: c_uint = 2;
const UTF8_STRING: c_uint = 4;
const OCTET_STRING: c_uint = 5;

/// Parameters for a call, which point at the caller's bytes and copy none.
pub(crate) struct Params<'a> {
    /// Ends with the entry without a key that OpenSSL looks for.
    list: Vec<ffi::OSSL_PARAM>,
    borrowed: PhantomData<&'a [u8]>,
}

impl<'a> Params<'a> {
    pub(crate) fn new() -> Self {
        Self {
            list: vec![param(ptr::null(), 0, &[])],
            borrowed: PhantomData,
        }
    }

    pub(crate) fn octets(self, key: &'static CStr, value: &'a [u8]) -> Self {
        self.with(key, OCTET_STRING, value)
    }

    pub(crate) fn text(self, key: &'static CStr, value: &'static CStr) -> Self {
        self.with(key, UTF8_STRING, value.to_bytes())
    }

    /// An unsigned integer in the byte order of this machine.
    pub(crate) fn integer(self, key: &'static CStr, value: &'a [u8]) -> Self {
        self.with(key, UNSIGNED_INTEGER, value)
    }

    fn with(mut self, key: &'static CStr, data_type: c_uint, value: &'a [u8]) -> Self {
        self.list.insert(0, param(key.as_ptr(), data_type, value));
        self
    }
}

fn param(key: *const std::ffi::c_char, data_type: c_uint, value: &[u8]) -> ffi::OSSL_PARAM {
    ffi::OSSL_PARAM {
        key,
        data_type,
        // OpenSSL reads a parameter that is given to it and writes only one that it is asked for.
        data: value.as_ptr().cast_mut().cast(),
        data_size: value.len(),
        return_size: usize::MAX,
    }
}

fn done(code: c_int) -> Result<(), ErrorStack> {
    if code == 1 {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}

/// A context for making keys of an algorithm, by its name.
fn key_maker(algorithm: &CStr) -> Result<PkeyCtx<Private>, ErrorStack> {
    ffi::init();
    let (library, properties) = (ptr::null_mut(), ptr::null());
    // SAFETY: the name is a C string that outlives the call; null stands for the default library
    // context and no property query.
    let context =
        unsafe { ffi::EVP_PKEY_CTX_new_from_name(library, algorithm.as_ptr(), properties) };
    if context.is_null() {
        return Err(ErrorStack::get());
    }
    // SAFETY: the context is fresh, not null, and nobody else frees it.
    Ok(unsafe { PkeyCtx::from_ptr(context) })
}

/// Takes over a key that OpenSSL made.
fn made<T>(code: c_int, key: *mut ffi::EVP_PKEY) -> Result<PKey<T>, ErrorStack> {
    done(code)?;
    if key.is_null() {
        return Err(ErrorStack::get());
    }
    // SAFETY: the key is fresh, not null, and nobody else frees it. It has the parts that `T`
    // stands for: see the callers.
    Ok(unsafe { PKey::from_ptr(key) })
}

fn import<T>(
    algorithm: &CStr,
    selection: c_int,
    mut params: Params<'_>,
) -> Result<PKey<T>, ErrorStack> {
    let context = key_maker(algorithm)?;
    // SAFETY: the context is alive, and no other operation has been begun with it.
    done(unsafe { ffi::EVP_PKEY_fromdata_init(context.as_ptr()) })?;
    let (mut key, list) = (ptr::null_mut(), params.list.as_mut_ptr());
    // SAFETY: the context was made ready by the line above; the list ends as it must, and all that
    // it points at outlives the call.
    let code = unsafe { ffi::EVP_PKEY_fromdata(context.as_ptr(), &mut key, selection, list) };
    made(code, key)
}

/// Makes a private key of its parts, with the checks that OpenSSL has for its algorithm.
pub(crate) fn private_key(
    algorithm: &CStr,
    params: Params<'_>,
) -> Result<PKey<Private>, ErrorStack> {
    import(algorithm, ffi::EVP_PKEY_KEYPAIR, params)
}

/// Makes a public key of its parts, with the checks that OpenSSL has for its algorithm.
pub(crate) fn public_key(algorithm: &CStr, params: Params<'_>) -> Result<PKey<Public>, ErrorStack> {
    import(algorithm, ffi::EVP_PKEY_PUBLIC_KEY, params)
}

/// Generates a private key from a seed, of which the specification of the algorithm makes all of
/// it: d ‖ z (FIPS 203), ξ (FIPS 204), SK.seed ‖ SK.prf ‖ PK.seed (FIPS 205).
pub(crate) fn from_seed(algorithm: &CStr, seed: &[u8]) -> Result<PKey<Private>, ErrorStack> {
    let mut context = key_maker(algorithm)?;
    // SAFETY: the context is alive, and no other operation has been begun with it.
    done(unsafe { ffi::EVP_PKEY_keygen_init(context.as_ptr()) })?;
    set(&mut context, Params::new().octets(c"seed", seed))?;
    let mut key = ptr::null_mut();
    // SAFETY: the context was made ready above; `key` is null, so that a key is made.
    let code = unsafe { ffi::EVP_PKEY_keygen(context.as_ptr(), &mut key) };
    made(code, key)
}

/// Gives parameters to an operation that has been begun.
pub(crate) fn set<T>(context: &mut PkeyCtxRef<T>, params: Params<'_>) -> Result<(), ErrorStack> {
    // SAFETY: the context is alive; the list ends as it must, all that it points at outlives the
    // call, and OpenSSL copies what it keeps.
    done(unsafe { ffi::EVP_PKEY_CTX_set_params(context.as_ptr(), params.list.as_ptr()) })
}

/// Computes the public key again and compares.
pub(crate) fn check_pair(key: &PKeyRef<Private>) -> Result<(), ErrorStack> {
    let context = PkeyCtx::new(key)?;
    // SAFETY: the context is alive and holds a key.
    done(unsafe { ffi::EVP_PKEY_check(context.as_ptr()) })
}

/// Fills `buffer` with a part of the key: `pub`, `priv` or `seed`. It fails when the key has no
/// such part, or one of another length.
pub(crate) fn octets<T>(
    key: &PKeyRef<T>,
    part: &CStr,
    buffer: &mut [u8],
) -> Result<(), ErrorStack> {
    let mut written = 0;
    // SAFETY: the key is alive, the name is a C string, and OpenSSL writes no more than it is told
    // that the buffer holds.
    done(unsafe {
        ffi::EVP_PKEY_get_octet_string_param(
            key.as_ptr(),
            part.as_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &mut written,
        )
    })?;
    full(written, buffer)
}

/// Encapsulates, with the random bytes that the algorithm calls for.
pub(crate) fn encapsulate(
    key: &PKeyRef<Public>,
    random: &[u8],
    ciphertext: &mut [u8],
    shared_secret: &mut [u8],
) -> Result<(), ErrorStack> {
    let context = PkeyCtx::new(key)?;
    let params = Params::new().octets(c"ikme", random);
    // SAFETY: the context is alive and holds a key; the list ends as it must, all that it points
    // at outlives the call, and OpenSSL copies what it keeps.
    done(unsafe { ffi::EVP_PKEY_encapsulate_init(context.as_ptr(), params.list.as_ptr()) })?;
    let (mut sent, mut secret) = (ciphertext.len(), shared_secret.len());
    // SAFETY: the context was made ready by the line above, and OpenSSL writes no more than it is
    // told that the buffers hold.
    done(unsafe {
        ffi::EVP_PKEY_encapsulate(
            context.as_ptr(),
            ciphertext.as_mut_ptr(),
            &mut sent,
            shared_secret.as_mut_ptr(),
            &mut secret,
        )
    })?;
    full(sent, ciphertext)?;
    full(secret, shared_secret)
}

/// Decapsulates.
pub(crate) fn decapsulate(
    key: &PKeyRef<Private>,
    ciphertext: &[u8],
    shared_secret: &mut [u8],
) -> Result<(), ErrorStack> {
    let context = PkeyCtx::new(key)?;
    // SAFETY: the context is alive and holds a key; null stands for no parameters.
    done(unsafe { ffi::EVP_PKEY_decapsulate_init(context.as_ptr(), ptr::null()) })?;
    let mut secret = shared_secret.len();
    // SAFETY: the context was made ready by the line above, and OpenSSL writes no more than it is
    // told that the buffer holds.
    done(unsafe {
        ffi::EVP_PKEY_decapsulate(
            context.as_ptr(),
            shared_secret.as_mut_ptr(),
            &mut secret,
            ciphertext.as_ptr(),
            ciphertext.len(),
        )
    })?;
    full(secret, shared_secret)
}

fn full(written: usize, buffer: &[u8]) -> Result<(), ErrorStack> {
    if written == buffer.len() {
        Ok(())
    } else {
        Err(ErrorStack::get())
    }
}
