//! Which specification an algorithm follows, where a check knows more than its kind.

use crate::catalogue::{AlgorithmInfo, KemSizes, OidParameters, SignatureSizes, Sizes};

/// A family of algorithms whose encodings the kit knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// FIPS 203, with its parameter k.
    MlKem { k: usize },
    /// CRYSTALS-Kyber round 3.
    Kyber,
    /// FrodoKEM and eFrodoKEM.
    FrodoKem,
    /// DHKEM over Curve25519.
    X25519,
    /// DHKEM or ECDSA over a curve in Weierstrass form, points as SEC 1 encodes them.
    Weierstrass,
    /// FIPS 204, with the lengths of its hint.
    MlDsa(Hint),
    /// CRYSTALS-Dilithium round 3.1: hints as FIPS 204 has them.
    Dilithium(Hint),
    /// FIPS 205.
    SlhDsa,
    /// Falcon, and FN-DSA that comes of it.
    Falcon,
    /// RFC 8032 over Curve25519.
    Ed25519,
    /// Anything else: the checks of its kind alone.
    Other,
}

/// The hint at the end of a signature: `omega` indices, then `k` counts (FIPS 204, Algorithm 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) omega: usize,
    pub(super) k: usize,
}

impl Family {
    /// Recognises a row by the document that defines it and the identifier of its keys.
    pub(super) fn of(info: &AlgorithmInfo) -> Self {
        match &info.sizes {
            Sizes::Kem(sizes) => Self::of_kem(info, sizes),
            Sizes::Signature(sizes) => Self::of_signature(info, sizes),
            _ => Self::Other,
        }
    }

    fn of_kem(info: &AlgorithmInfo, sizes: &KemSizes) -> Self {
        let id = info.id.as_str();
        match info.specification.as_str() {
            // FIPS 203, Algorithm 13: 384·k + 32 bytes.
            "FIPS 203" => Self::MlKem {
                k: sizes.encapsulation_key / 384,
            },
            "CRYSTALS-Kyber round 3" => Self::Kyber,
            _ if id.starts_with("FrodoKEM-") || id.starts_with("eFrodoKEM-") => Self::FrodoKem,
            _ if info.oid.as_deref() == Some("1.3.101.110") => Self::X25519,
            _ if is_named_curve(info) => Self::Weierstrass,
            _ => Self::Other,
        }
    }

    fn of_signature(info: &AlgorithmInfo, sizes: &SignatureSizes) -> Self {
        let id = info.id.as_str();
        // FIPS 204, table 1; round 3.1 has the same.
        let hint = match sizes.verifying_key {
            1312 => Some(Hint { omega: 80, k: 4 }),
            1952 => Some(Hint { omega: 55, k: 6 }),
            2592 => Some(Hint { omega: 75, k: 8 }),
            _ => None,
        };
        match (info.specification.as_str(), hint) {
            ("FIPS 204", Some(hint)) => Self::MlDsa(hint),
            ("CRYSTALS-Dilithium round 3.1", Some(hint)) => Self::Dilithium(hint),
            ("FIPS 205", _) => Self::SlhDsa,
            _ if id.starts_with("FN-DSA-") || id.starts_with("Falcon-") => Self::Falcon,
            _ if info.oid.as_deref() == Some("1.3.101.112") => Self::Ed25519,
            _ if is_named_curve(info) => Self::Weierstrass,
            _ => Self::Other,
        }
    }

    /// Whether every string of a ciphertext's length is one, so that none may give an error.
    pub(super) fn takes_every_ciphertext(self) -> bool {
        matches!(self, Self::MlKem { .. } | Self::Kyber | Self::FrodoKem)
    }
}

fn is_named_curve(info: &AlgorithmInfo) -> bool {
    matches!(info.oid_parameters, Some(OidParameters::NamedCurve(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::builtin;

    #[test]
    fn the_built_in_rows_are_recognised() {
        let rows = builtin();
        let family = |id: &str| rows.iter().find(|row| row.id == id).map(Family::of);
        assert_eq!(family("ML-KEM-768"), Some(Family::MlKem { k: 3 }));
        assert_eq!(family("Kyber-512"), Some(Family::Kyber));
        assert_eq!(family("X25519"), Some(Family::X25519));
        assert_eq!(family("Ed25519"), Some(Family::Ed25519));
        assert_eq!(family("SLH-DSA-SHA2-128f"), Some(Family::SlhDsa));
        assert_eq!(family("AES-256-GCM"), Some(Family::Other));
        let hint = Hint { omega: 55, k: 6 };
        assert_eq!(family("ML-DSA-65"), Some(Family::MlDsa(hint)));
        assert_eq!(family("Dilithium3"), Some(Family::Dilithium(hint)));
        let curve = rows.iter().find(|row| row.id == "X25519").unwrap().clone();
        let curve = curve.named_curve("1.2.840.10045.3.1.7");
        assert_eq!(Family::of(&curve), Family::Weierstrass);
    }
}
