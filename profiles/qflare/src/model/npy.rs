//! npy: one numpy array (numpy's NEP 1, versions 1.0, 2.0 and 3.0).
//!
//! ```text
//! 93 "NUMPY" ‖ version, 2 bytes ‖ length of the header, u16 or u32, little-endian ‖ header ‖ values
//! header = {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, spaces, newline
//! ```
//!
//! The header is a Python literal. This reads those that numpy writes: three keys in any order,
//! texts without escapes, one tuple. An object array, whose values are a pickle, is refused by its
//! `descr`.

use super::{FormatError, Shape, Tensor};

/// Reads the array of one tensor, of `most` values at the most.
pub(super) fn read(
    name: &str,
    bytes: &[u8],
    most: u64,
    header_bytes: usize,
) -> Result<Tensor, FormatError> {
    let (header, data) = split(bytes).ok_or(malformed("an array's head is cut off or unknown"))?;
    if header.len() > header_bytes {
        return Err(FormatError::TooLarge {
            what: "bytes of a header",
            most: header_bytes as u64,
        });
    }
    let header = Header::parse(header).ok_or(malformed("an array's header is unknown"))?;
    if header.descr.contains('O') {
        return Err(FormatError::Pickle);
    }
    if header.descr != "<f4" {
        return Err(FormatError::DataType {
            tensor: name.to_owned(),
            found: header.descr.to_owned(),
        });
    }
    let name = name.to_owned();
    let dimensions = header.shape;
    let shape = Shape { name, dimensions };
    let values = shape.check(most)?;
    if values.checked_mul(4) != Some(data.len() as u64) {
        return Err(shape.fault("its values are not those of its dimensions"));
    }
    let values: Vec<f32> = data
        .as_chunks::<4>()
        .0
        .iter()
        .copied()
        .map(f32::from_le_bytes)
        .collect();
    let values = if header.fortran_order {
        last_fastest(&values, &shape.dimensions)
    } else {
        values
    };
    Ok(Tensor { shape, values })
}

/// The header and the values.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_first_chunk::<2>()?;
    let (length, rest) = match version {
        [1, 0] => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (u32::from(u16::from_le_bytes(*length)), rest)
        }
        [2 | 3, 0] => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            (u32::from_le_bytes(*length), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// From the first dimension fastest, as Fortran has it, to the last.
fn last_fastest(values: &[f32], dimensions: &[usize]) -> Vec<f32> {
    let mut strides = Vec::with_capacity(dimensions.len());
    let mut stride = 1;
    for dimension in dimensions {
        strides.push(stride);
        stride *= dimension;
    }
    let mut index = vec![0; dimensions.len()];
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        let at: usize = index
            .iter()
            .zip(&strides)
            .map(|(i, stride)| i * stride)
            .sum();
        ordered.push(values[at]);
        for (i, dimension) in index.iter_mut().zip(dimensions).rev() {
            *i += 1;
            if *i < *dimension {
                break;
            }
            *i = 0;
        }
    }
    ordered
}

struct Header<'a> {
    /// A text, or of a structured type all that lies between the brackets of its list.
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl<'a> Header<'a> {
    fn parse(header: &'a [u8]) -> Option<Self> {
        let header = std::str::from_utf8(header).ok()?;
        let mut rest = header
            .trim_end()
            .strip_prefix('{')?
            .strip_suffix('}')?
            .trim();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = text(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let (twice, after) = match key {
                "descr" => {
                    let (value, after) = text(value).or_else(|| list(value))?;
                    (descr.replace(value).is_some(), after)
                }
                "fortran_order" => {
                    let (value, after) = truth(value)?;
                    (fortran_order.replace(value).is_some(), after)
                }
                "shape" => {
                    let (value, after) = tuple(value)?;
                    (shape.replace(value).is_some(), after)
                }
                _ => return None,
            };
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return None,
            };
            if twice {
                return None;
            }
        }
        Some(Self {
            descr: descr?,
            fortran_order: fortran_order?,
            shape: shape?,
        })
    }
}

fn text(from: &str) -> Option<(&str, &str)> {
    let (value, rest) = from.strip_prefix('\'')?.split_once('\'')?;
    (!value.contains('\\')).then_some((value, rest))
}

/// A structured type: never f32, so its fields are not looked at.
fn list(from: &str) -> Option<(&str, &str)> {
    from.strip_prefix('[')?.split_once(']')
}

fn truth(from: &str) -> Option<(bool, &str)> {
    let no = || Some((false, from.strip_prefix("False")?));
    from.strip_prefix("True")
        .map(|rest| (true, rest))
        .or_else(no)
}

/// `()`, `(3,)`, `(3, 4)`.
fn tuple(from: &str) -> Option<(Vec<usize>, &str)> {
    let (inside, rest) = from.strip_prefix('(')?.split_once(')')?;
    let number = |part: &str| {
        let part = part.trim();
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let inside = inside.trim();
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    if inside.is_empty() {
        return Some((Vec::new(), rest));
    }
    let numbers: Option<Vec<usize>> = inside.split(',').map(number).collect();
    Some((numbers?, rest))
}

fn malformed(fault: &'static str) -> FormatError {
    FormatError::Malformed {
        format: "npz",
        fault,
    }
}
