//! Wiping values that do not wipe themselves.

use std::hint::black_box;

/// Puts `zeros` in the place of `secret`, in a way that the compiler must take for a use.
///
/// The types of the wrapping crates give no writable access to their bytes; another value of the
/// same type is the only thing that can be written over them.
pub(crate) fn overwrite<T, E>(secret: &mut T, zeros: Result<T, E>) {
    if let Ok(zeros) = zeros {
        *secret = zeros;
        black_box(secret);
    }
}

#[cfg(test)]
mod tests {
    use pqcrypto_sphincsplus::sphincssha2128fsimple::{SecretKey, secret_key_bytes};
    use pqcrypto_traits::sign::SecretKey as _;

    use super::*;

    #[test]
    fn an_overwritten_key_is_all_zeros() {
        const LENGTH: usize = secret_key_bytes();
        let mut key = SecretKey::from_bytes(&[7; LENGTH]).unwrap();
        overwrite(&mut key, SecretKey::from_bytes(&[0; LENGTH]));
        assert_eq!(key.as_bytes(), [0; LENGTH]);
    }
}
