//! Names and numbers of TLS 1.3: key-exchange groups and signature schemes.
//!
//! The hybrid groups are bare concatenations of secrets, safe only inside TLS's key schedule. They
//! are no KEMs of the catalogue: outside TLS nothing binds their ciphertexts to their secrets.
//! What IANA has no number for gets one of those for private use; `docs/protocols/tls.md` has the
//! table.

/// Name, code point in the IANA registry of TLS supported groups, and what a suite names instead.
pub const TLS_GROUPS: [(&str, u16, &str); 3] = [
    ("X25519MLKEM768", 0x11EC, "`X25519+ML-KEM-768` or `X-Wing`"),
    ("SecP256r1MLKEM768", 0x11EB, "`P-256+ML-KEM-768`"),
    ("SecP384r1MLKEM1024", 0x11ED, "`P-384+ML-KEM-1024`"),
];

/// The parts of [`TLS_GROUPS`], in the order of their bytes in shares and in the shared secret:
/// draft-ietf-tls-ecdhe-mlkem section 4.
const PARTS: [(&str, [&str; 2]); 3] = [
    ("X25519MLKEM768", ["ML-KEM-768", "X25519"]),
    ("SecP256r1MLKEM768", ["P-256", "ML-KEM-768"]),
    ("SecP384r1MLKEM1024", ["P-384", "ML-KEM-1024"]),
];

/// The groups that are one curve each, by the KEM over the same curve: RFC 8446 section 4.2.7,
/// RFC 8734 section 2. Their secret is the bare Diffie-Hellman value, which is not the KEM's.
const CURVES: [(&str, u16); 4] = [
    ("X25519", 0x001D),
    ("P-256", 0x0017),
    ("P-384", 0x0018),
    ("brainpoolP512r1", 0x0021),
];

/// KEMs without a number of IANA's, in the order of their numbers for private use. Names are only
/// ever added at the end.
const PRIVATE_GROUPS: [&str; 16] = [
    "Kyber-512",
    "Kyber-768",
    "Kyber-1024",
    "X-Wing",
    "FrodoKEM-640-AES",
    "FrodoKEM-640-SHAKE",
    "FrodoKEM-976-AES",
    "FrodoKEM-976-SHAKE",
    "FrodoKEM-1344-AES",
    "FrodoKEM-1344-SHAKE",
    "eFrodoKEM-640-AES",
    "eFrodoKEM-640-SHAKE",
    "eFrodoKEM-976-AES",
    "eFrodoKEM-976-SHAKE",
    "eFrodoKEM-1344-AES",
    "eFrodoKEM-1344-SHAKE",
];

/// RFC 8446 section 4.2.7: 0xFE00 to 0xFEFF are for private use. The first 64 are for the table
/// above, the others for names that are not in it.
const FIRST_PRIVATE_GROUP: u16 = 0xFE00;
const FIRST_HASHED_GROUP: u16 = 0xFE40;
const HASHED_GROUPS: u32 = 0xC0;

/// Signatures without a number of IANA's, in the order of their numbers for private use. Names are
/// only ever added at the end.
const PRIVATE_SCHEMES: [&str; 37] = [
    "Dilithium2",
    "Dilithium3",
    "Dilithium5",
    "SLH-DSA-SHA2-128s",
    "SLH-DSA-SHA2-128f",
    "SLH-DSA-SHA2-192s",
    "SLH-DSA-SHA2-192f",
    "SLH-DSA-SHA2-256s",
    "SLH-DSA-SHA2-256f",
    "SLH-DSA-SHAKE-128s",
    "SLH-DSA-SHAKE-128f",
    "SLH-DSA-SHAKE-192s",
    "SLH-DSA-SHAKE-192f",
    "SLH-DSA-SHAKE-256s",
    "SLH-DSA-SHAKE-256f",
    "SPHINCS+-SHA2-128s-simple",
    "SPHINCS+-SHA2-128f-simple",
    "SPHINCS+-SHA2-192s-simple",
    "SPHINCS+-SHA2-192f-simple",
    "SPHINCS+-SHA2-256s-simple",
    "SPHINCS+-SHA2-256f-simple",
    "SPHINCS+-SHAKE-128s-simple",
    "SPHINCS+-SHAKE-128f-simple",
    "SPHINCS+-SHAKE-192s-simple",
    "SPHINCS+-SHAKE-192f-simple",
    "SPHINCS+-SHAKE-256s-simple",
    "SPHINCS+-SHAKE-256f-simple",
    "FN-DSA-512",
    "FN-DSA-1024",
    "Falcon-512",
    "Falcon-1024",
    "MLDSA44-Ed25519-SHA512",
    "MLDSA44-ECDSA-P256-SHA256",
    "MLDSA65-ECDSA-P256-SHA512",
    "MLDSA65-ECDSA-P384-SHA512",
    "MLDSA65-Ed25519-SHA512",
    "MLDSA87-ECDSA-P384-SHA512",
];

/// RFC 8446 section 4.2.3: 0xFE00 to 0xFFFF are for private use. Of each 256 the lowest four are
/// left out: libraries read them as the retired signatures of TLS 1.2.
const FIRST_PRIVATE_SCHEME: u16 = 0xFE04;
const FIRST_HASHED_SCHEME: u16 = 0xFF04;
const HASHED_SCHEMES: u32 = 0xFC;

/// The group of that name, in whatever case, and what to name instead of it in a suite.
#[must_use]
pub fn tls_group(name: &str) -> Option<(&'static str, &'static str)> {
    TLS_GROUPS
        .into_iter()
        .find(|(group, _, _)| group.eq_ignore_ascii_case(name))
        .map(|(group, _, fix)| (group, fix))
}

/// Name, number and parts of a hybrid group of IANA's, in the order of their bytes.
pub(crate) fn tls_hybrid(name: &str) -> Option<(&'static str, u16, [&'static str; 2])> {
    let (group, code_point, _) = TLS_GROUPS
        .into_iter()
        .find(|(group, _, _)| group.eq_ignore_ascii_case(name))?;
    let (_, parts) = PARTS.into_iter().find(|(named, _)| *named == group)?;
    Some((group, code_point, parts))
}

/// The number of the group that is the curve of this KEM.
pub(crate) fn tls_curve(id: &str) -> Option<u16> {
    let found = CURVES.into_iter().find(|(curve, _)| *curve == id);
    found.map(|(_, code_point)| code_point)
}

/// The number for private use of a KEM as a group.
#[must_use]
pub fn private_tls_group(id: &str) -> u16 {
    match place(&PRIVATE_GROUPS, id) {
        Some(place) => FIRST_PRIVATE_GROUP + place,
        None => FIRST_HASHED_GROUP + remainder(id, HASHED_GROUPS),
    }
}

/// The number for private use of a signature algorithm as a scheme.
#[must_use]
pub fn private_tls_scheme(id: &str) -> u16 {
    match place(&PRIVATE_SCHEMES, id) {
        Some(place) => FIRST_PRIVATE_SCHEME + place,
        None => FIRST_HASHED_SCHEME + remainder(id, HASHED_SCHEMES),
    }
}

fn place(table: &[&str], id: &str) -> Option<u16> {
    let place = table.iter().position(|name| *name == id)?;
    u16::try_from(place).ok()
}

/// FNV-1a with 32 bits, modulo `count`: it spreads names and protects nothing.
fn remainder(name: &str, count: u32) -> u16 {
    let hash = name.bytes().fold(0x811C_9DC5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    u16::try_from(hash % count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue::{Kind, builtin};

    #[test]
    fn every_kem_and_signature_of_the_catalogue_has_a_number_of_its_own() {
        for kind in [Kind::Kem, Kind::Signature] {
            let mut seen = BTreeSet::new();
            for row in builtin().iter().filter(|row| row.kind() == kind) {
                let private = match kind {
                    Kind::Kem => tls_curve(&row.id).unwrap_or_else(|| private_tls_group(&row.id)),
                    _ => private_tls_scheme(&row.id),
                };
                let code_point = row.tls_code_point.unwrap_or(private);
                assert!(seen.insert(code_point), "{}: {code_point:#06x}", row.id);
            }
        }
    }

    #[test]
    fn names_without_a_number_of_ianas_are_in_the_table() {
        for row in builtin() {
            let (known, table): (_, &[&str]) = match row.kind() {
                Kind::Kem => (tls_curve(&row.id).is_some(), &PRIVATE_GROUPS),
                Kind::Signature => (false, &PRIVATE_SCHEMES),
                _ => continue,
            };
            let known = known || row.tls_code_point.is_some();
            assert_ne!(known, table.contains(&row.id.as_str()), "{}", row.id);
        }
    }

    #[test]
    fn numbers_stay_what_they_are() {
        assert_eq!(private_tls_group("FrodoKEM-976-SHAKE"), 0xFE07);
        assert_eq!(private_tls_scheme("SLH-DSA-SHA2-128s"), 0xFE07);
        assert_eq!(tls_curve("P-256"), Some(0x0017));
        let (name, code_point, parts) = tls_hybrid("x25519mlkem768").unwrap();
        assert_eq!((name, code_point), ("X25519MLKEM768", 0x11EC));
        assert_eq!(parts, ["ML-KEM-768", "X25519"]);
        assert!((0xFE40..=0xFEFF).contains(&private_tls_group("X25519+FrodoKEM-976-SHAKE")));
    }
}
