//! Hybrids that have a name and bytes of their own: X-Wing and LAMPS composite ML-DSA.

use crate::catalogue::AlgorithmInfo;

pub(super) fn kems() -> Vec<AlgorithmInfo> {
    Vec::new()
}

pub(super) fn signatures() -> Vec<AlgorithmInfo> {
    Vec::new()
}
