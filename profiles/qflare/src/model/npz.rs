//! npz: a zip of numpy arrays, one for each tensor.

use super::{FormatError, Model, ModelLimits, npy, zip};

pub(super) fn read(bytes: &[u8], limits: &ModelLimits) -> Result<Model, FormatError> {
    let entries = zip::entries(bytes, limits.tensors)?;
    // torch saves `NAME/data.pkl` beside its numbers.
    if entries.iter().any(|entry| entry.name.ends_with(".pkl")) {
        return Err(FormatError::Pickle);
    }
    let mut tensors = Vec::with_capacity(entries.len());
    let mut left = limits.values;
    for entry in entries {
        let Some(name) = entry.name.strip_suffix(".npy") else {
            return Err(FormatError::Malformed {
                format: "npz",
                fault: "it holds a file that is no .npy",
            });
        };
        // What an array of `left` values can weigh; no more of it is unpacked.
        let most = left
            .saturating_mul(4)
            .saturating_add(limits.header_bytes as u64);
        if entry.length > most {
            return Err(FormatError::TooLarge {
                what: "values",
                most: left,
            });
        }
        let tensor = npy::read(name, &entry.unpack()?, left, limits.header_bytes)?;
        left -= tensor.values.len() as u64;
        tensors.push(tensor);
    }
    Model::new(tensors, limits)
}
