//! Gives the readers of models any bytes: none panics, and what was read is finite, within the
//! limits and the same again in canonical form. Sums that a fuzzer cannot guess are made right:
//! the input is also the header of a safetensors file and the array of an archive, stored and
//! deflated.
#![no_main]

use std::io::Write;
use std::sync::LazyLock;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use libfuzzer_sys::fuzz_target;
use pqfw_qflare::model::{FormatError, Model, ModelLimits, Shape, Tensor, read, read_raw};

const LIMITS: ModelLimits = ModelLimits {
    values: 4096,
    tensors: 8,
    header_bytes: 4096,
};

/// Of two tensors with six values.
static BASE: LazyLock<Model> = LazyLock::new(|| {
    let tensor = |name: &str, dimensions: &[usize]| Tensor {
        shape: Shape {
            name: name.into(),
            dimensions: dimensions.into(),
        },
        values: vec![0.0; dimensions.iter().product()],
    };
    let tensors = vec![tensor("a", &[2]), tensor("b", &[2, 2])];
    Model::new(tensors, &LIMITS).expect("two small tensors")
});

fuzz_target!(|bytes: &[u8]| {
    judge(read(bytes, &LIMITS));
    judge(read_raw(bytes, BASE.layout()));
    judge(read(&with_length(bytes), &LIMITS));
    judge(read(&archive(bytes, bytes, 0), &LIMITS));
    judge(read(&archive(bytes, &deflated(bytes), 8), &LIMITS));
    // Bytes that may be deflated, and a length and sum that cannot be known.
    judge(read(&archive(b"", bytes, 8), &LIMITS));
});

fn judge(read_or_not: Result<Model, FormatError>) {
    let Ok(model) = read_or_not else { return };
    assert!(model.values().len() as u64 <= LIMITS.values);
    assert!(model.layout().tensors().len() <= LIMITS.tensors);
    assert_eq!(model.layout().values(), model.values().len());
    assert!(model.values().iter().all(|value| value.is_finite()));
    let canonical = model.to_safetensors();
    // Its header may be longer than the one that was read.
    let wide = ModelLimits {
        header_bytes: 1 << 20,
        ..LIMITS
    };
    let again = read(&canonical, &wide).expect("what we write");
    assert_eq!(again.to_safetensors(), canonical);
    assert_eq!(again.to_raw(), model.to_raw());
    let raw = read_raw(&model.to_raw(), model.layout()).expect("its own values");
    assert_eq!(raw.to_safetensors(), canonical);
    assert_eq!(raw.check_layout(model.layout()), Ok(()));
}

/// A safetensors file whose header ends with the last brace.
fn with_length(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|byte| *byte == b'}');
    let length = end.map_or(0, |end| end + 1) as u64;
    [&length.to_le_bytes(), bytes].concat()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut file = DeflateEncoder::new(Vec::new(), Compression::fast());
    file.write_all(bytes).expect("into memory");
    file.finish().expect("into memory")
}

/// An archive of one array, as numpy writes it.
fn archive(content: &[u8], packed: &[u8], method: u16) -> Vec<u8> {
    const NAME: &[u8] = b"a.npy";
    let mut crc = Crc::new();
    crc.update(content);
    let lengths = [packed.len() as u32, content.len() as u32];
    // Version, flags, method, time, date, sum, lengths, and those of name and extra field.
    let mut common = Vec::new();
    for field in [20, 0, method, 0, 0x21] {
        common.extend(field.to_le_bytes());
    }
    for field in [crc.sum(), lengths[0], lengths[1]] {
        common.extend(field.to_le_bytes());
    }
    for field in [NAME.len() as u16, 0] {
        common.extend(field.to_le_bytes());
    }
    let mut file = [b"PK\x03\x04", &common[..], NAME, packed].concat();
    let at = file.len() as u32;
    file.extend(b"PK\x01\x02\x14\x00");
    file.extend(common);
    // No comment, the first disk, no attributes, and the local header begins the file.
    file.extend([0; 14]);
    file.extend(NAME);
    let length = file.len() as u32 - at;
    file.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    for field in [length, at] {
        file.extend(field.to_le_bytes());
    }
    file.extend([0; 2]);
    file
}
