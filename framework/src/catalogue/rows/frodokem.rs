//! FrodoKEM, salted (the standard form) and unsalted (eFrodoKEM).

use crate::catalogue::AlgorithmInfo;

pub(super) fn rows() -> Vec<AlgorithmInfo> {
    Vec::new()
}
