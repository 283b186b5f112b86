//! FN-DSA, before its standard.

use crate::catalogue::AlgorithmInfo;

pub(super) fn rows() -> Vec<AlgorithmInfo> {
    Vec::new()
}
