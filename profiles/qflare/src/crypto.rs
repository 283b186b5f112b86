//! HMAC with SHA-256 (RFC 2104), over whichever hash function is admitted as such.

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroizing;

/// SHA-256's block, in bytes (FIPS 180-4 section 5.2.1).
const BLOCK: usize = 64;

/// HMAC-SHA256 over parts in a row.
pub(crate) fn hmac(sha256: &AdmittedHash, key: &[u8], parts: &[&[u8]]) -> SecretBytes {
    let mut block = Zeroizing::new([0u8; BLOCK]);
    let hashed;
    let key = if key.len() > BLOCK {
        hashed = Zeroizing::new(sha256.digest(&[key]));
        &hashed[..]
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let pad = |mask: u8| Zeroizing::new(block.map(|byte| byte ^ mask));
    let (inner, outer) = (pad(0x36), pad(0x5c));
    let mut all: Vec<&[u8]> = vec![&inner[..]];
    all.extend(parts);
    let digest = Zeroizing::new(sha256.digest(&all));
    SecretBytes::own(sha256.digest(&[&outer[..], &digest]))
}

#[cfg(test)]
mod tests {
    use pqfw_framework::registry::{Registry, Resolver};
    use pqfw_framework::world::World;
    use pqfw_memory::SeededWorld;

    use super::*;

    /// RFC 4231 sections 4.2, 4.3 and 4.7.
    #[test]
    fn it_is_the_hmac_of_rfc_4231() {
        let registry = Registry::builder().with(pqfw_hash::plugin());
        let registry = registry.build().unwrap();
        let mut rng = SeededWorld::new(0).rng();
        let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
        let sha256 = resolver.hash("SHA-256").unwrap();
        let cases: [(&[u8], &[u8], &str); 3] = [
            (
                &[0x0b; 20],
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            let (first, rest) = message.split_at(3);
            let mac = hmac(&sha256, key, &[first, rest]);
            let mac: String = mac.expose().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(mac, expected);
        }
    }
}
