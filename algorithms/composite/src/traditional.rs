//! What the component that is not ML-DSA must offer, in the encodings of the draft's section 4.

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;

/// A traditional signature algorithm. Every function of bytes takes whatever comes.
pub(crate) trait Traditional: Send + Sync + 'static {
    /// The package that holds the code and its version.
    const PACKAGE: &'static str;
    /// A private key, wiped when it is dropped.
    type SigningKey: Send + Sync;
    /// A public key.
    type VerifyingKey: Send + Sync;

    fn generate(rng: &mut dyn CryptoRng) -> Self::SigningKey;

    fn read_private(bytes: &[u8]) -> Option<Self::SigningKey>;

    fn write_private(key: &Self::SigningKey) -> SecretBytes;

    fn public(key: &Self::SigningKey) -> Self::VerifyingKey;

    fn read_public(bytes: &[u8]) -> Option<Self::VerifyingKey>;

    fn write_public(key: &Self::VerifyingKey) -> Vec<u8>;

    /// A signature over `message`; `None` when the code fails.
    fn sign(key: &Self::SigningKey, rng: &mut dyn CryptoRng, message: &[u8]) -> Option<Vec<u8>>;

    fn verifies(key: &Self::VerifyingKey, message: &[u8], signature: &[u8]) -> bool;
}
