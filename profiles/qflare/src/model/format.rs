//! One door for all formats, and the refusal of pickles in front of it.

use super::{FormatError, Layout, Model, ModelLimits, npz, safetensors};

/// A format of model files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `safetensors`, version 0.x.
    Safetensors,
    /// numpy's archive of arrays.
    Npz,
    /// f32 values, little-endian, and nothing else.
    RawF32,
}

/// Reads a file that says itself what its tensors are.
///
/// # Errors
/// [`FormatError`].
pub fn read(bytes: &[u8], limits: &ModelLimits) -> Result<Model, FormatError> {
    match recognise(bytes)? {
        Format::Safetensors => safetensors::read(bytes, limits),
        Format::Npz => npz::read(bytes, limits),
        Format::RawF32 => Err(FormatError::Malformed {
            format: "model",
            fault: "it is neither safetensors nor npz",
        }),
    }
}

/// Reads f32 values as a model of a layout that both ends know.
///
/// # Errors
/// [`FormatError::OtherLayout`] for another length, [`FormatError::NotFinite`].
pub fn read_raw(bytes: &[u8], layout: &Layout) -> Result<Model, FormatError> {
    let (values, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(FormatError::Malformed {
            format: "raw f32",
            fault: "its length is no multiple of 4",
        });
    }
    let values = values.iter().copied().map(f32::from_le_bytes).collect();
    layout.clone().filled(values)
}

/// Tells a file by its first bytes. What is not known by them could be raw values.
fn recognise(bytes: &[u8]) -> Result<Format, FormatError> {
    match bytes {
        // Of pickles, protocol 2 and up begin so; torch's older files are several of them.
        [0x80, 2..=5, ..] => Err(FormatError::Pickle),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Ok(Format::Npz),
        // A file cut off still says how long its head was to be; raw values say more than there can be.
        [a, b, c, d, 0, 0, 0, 0, b'{', ..] if u32::from_le_bytes([*a, *b, *c, *d]) < 1 << 28 => {
            Ok(Format::Safetensors)
        }
        _ => Ok(Format::RawF32),
    }
}
