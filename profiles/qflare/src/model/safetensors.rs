//! safetensors: a length, a header in JSON, and the values.
//!
//! ```text
//! u64 length of the header, little-endian ‖ header ‖ values
//! header = { "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] }, …,
//!            "__metadata__": { "text": "text" } }, spaces
//! ```
//!
//! Offsets count from the first value, and the tensors fill the file without a hole or an overlap,
//! as the format's description demands. Metadata is checked and forgotten.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{FormatError, Layout, Model, ModelLimits, Shape, Tensor};

pub(super) fn read(bytes: &[u8], limits: &ModelLimits) -> Result<Model, FormatError> {
    let (length, rest) = bytes
        .split_first_chunk::<8>()
        .ok_or(malformed("it is too short"))?;
    let length = u64::from_le_bytes(*length);
    if length > limits.header_bytes as u64 {
        let most = limits.header_bytes as u64;
        return Err(FormatError::TooLarge {
            what: "bytes of a header",
            most,
        });
    }
    let (header, data) = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .ok_or(malformed("its header is cut off"))?;
    let Header(mut entries) = serde_json::from_slice(header)
        .map_err(|_| malformed("its header is not as it should be, or names a tensor twice"))?;
    entries.sort_by_key(|(_, entry)| entry.data_offsets);

    let mut tensors = Vec::with_capacity(entries.len());
    let mut data = data;
    let mut at = 0;
    let mut left = limits.values;
    for (name, entry) in entries {
        if entry.dtype != "F32" {
            return Err(FormatError::DataType {
                tensor: name,
                found: entry.dtype,
            });
        }
        let dimensions = entry.shape;
        let shape = Shape { name, dimensions };
        let values = shape.check(left)?;
        left -= values;
        let (begin, end) = entry.data_offsets;
        // Values are counted in memory, so their bytes fit 64 bits.
        if begin != at || end.checked_sub(begin) != values.checked_mul(4) {
            return Err(shape.fault("its offsets leave a hole, overlap or are not of its shape"));
        }
        let (own, rest) = usize::try_from(values * 4)
            .ok()
            .and_then(|length| data.split_at_checked(length))
            .ok_or(malformed("its values are cut off"))?;
        let values = own
            .as_chunks::<4>()
            .0
            .iter()
            .copied()
            .map(f32::from_le_bytes)
            .collect();
        tensors.push(Tensor { shape, values });
        (data, at) = (rest, end);
    }
    if !data.is_empty() {
        return Err(malformed("it goes on after its last tensor"));
    }
    Model::new(tensors, limits)
}

/// The canonical header, with its length: sorted names, no space but those that make its length a
/// multiple of 8, no metadata.
pub(super) fn header(layout: &Layout) -> Vec<u8> {
    let mut json = String::from("{");
    let mut at = 0;
    for shape in layout.tensors() {
        if json.len() > 1 {
            json.push(',');
        }
        let end = at + 4 * shape.dimensions.iter().product::<usize>();
        let dimensions: Vec<_> = shape.dimensions.iter().map(usize::to_string).collect();
        json += &serde_json::Value::from(shape.name.as_str()).to_string();
        json += r#":{"dtype":"F32","shape":["#;
        json += &dimensions.join(",");
        json += &format!(r#"],"data_offsets":[{at},{end}]}}"#);
        at = end;
    }
    json.push('}');
    while json.len() % 8 != 0 {
        json.push(' ');
    }
    let mut file = (json.len() as u64).to_le_bytes().to_vec();
    file.extend(json.into_bytes());
    file
}

fn malformed(fault: &'static str) -> FormatError {
    FormatError::Malformed {
        format: "safetensors",
        fault,
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// The tensors of a header. A name that stands there twice is a fault, which a map would hide.
struct Header(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Tensors)
    }
}

struct Tensors;

impl<'de> Visitor<'de> for Tensors {
    type Value = Header;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
        let (mut entries, mut metadata) = (BTreeMap::new(), None);
        while let Some(name) = map.next_key::<String>()? {
            let twice = if name == "__metadata__" {
                let texts = map.next_value::<BTreeMap<String, String>>()?;
                metadata.replace(texts).is_some()
            } else {
                let entry = map.next_value::<Entry>()?;
                entries.insert(name, entry).is_some()
            };
            if twice {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(Header(entries.into_iter().collect()))
    }
}
