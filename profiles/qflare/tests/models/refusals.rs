//! What no library would write.

use pqfw_qflare::model::{
    FormatError, MOST_DIMENSIONS, MOST_NAME_BYTES, Model, ModelLimits, Shape, Tensor, read,
};

use crate::support::{file, kind, open, safetensors};

fn tensor(name: &str, dimensions: &[usize], values: Vec<f32>) -> Tensor {
    let shape = Shape {
        name: name.to_owned(),
        dimensions: dimensions.to_vec(),
    };
    Tensor { shape, values }
}

fn model(tensors: Vec<Tensor>) -> Result<Model, FormatError> {
    Model::new(tensors, &ModelLimits::default())
}

fn refused(header: &str, values: usize) -> &'static str {
    kind(&open(&safetensors(header, &vec![0; values])).unwrap_err())
}

#[test]
fn safetensors_leave_no_room_for_a_second_reading() {
    let one = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    assert!(open(&safetensors(one, &[0; 8])).is_ok());
    assert!(open(&safetensors(&format!("{one}  "), &[0; 8])).is_ok());
    assert_eq!(refused(one, 9), "Malformed");
    assert_eq!(refused(one, 7), "Malformed");
    let cases = [
        // Twice the same name, the same field, the metadata.
        (
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            "Malformed",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}}"#,
            "Malformed",
        ),
        (
            r#"{"__metadata__":{},"__metadata__":{},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            "Malformed",
        ),
        // A field more, a field less, metadata that is no text, something behind.
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}"#,
            "Malformed",
        ),
        (r#"{"a":{"dtype":"F32","shape":[2]}}"#, "Malformed"),
        (r#"{"__metadata__":{"a":1}}"#, "Malformed"),
        (r#"{}{}"#, "Malformed"),
        (
            r#"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
            "Malformed",
        ),
        // A hole at the beginning, between, an overlap, an end before its beginning.
        (
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            "Tensor",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}"#,
            "Tensor",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            "Tensor",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
            "Tensor",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}}"#,
            "Malformed",
        ),
        // More values than there are numbers.
        (
            r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
            "TooLarge",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}}"#,
            "TooLarge",
        ),
        (
            r#"{"a":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}"#,
            "DataType",
        ),
        (
            r#"{"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            "Tensor",
        ),
    ];
    for (header, why) in cases {
        assert_eq!(refused(header, 8), why, "{header}");
    }
    let mut cut = safetensors(one, &[0; 8]);
    cut[0] = 255;
    assert_eq!(kind(&open(&cut).unwrap_err()), "Malformed");
    cut[3] = 15;
    assert_eq!(kind(&open(&cut).unwrap_err()), "TooLarge");
    // No head is that long: these could be raw values, which need a layout.
    cut[7] = 62;
    assert_eq!(kind(&open(&cut).unwrap_err()), "Malformed");
}

#[test]
fn what_is_no_format_is_told_so() {
    for bytes in [
        &b""[..],
        b"{}",
        b"\0\0\0\0\0\0\0\0\0",
        b"PK\x03\x04",
        b"\x93NUMPY\x01\0",
    ] {
        assert_eq!(kind(&open(bytes).unwrap_err()), "Malformed", "{bytes:?}");
    }
    for protocol in 2..=5 {
        assert_eq!(open(&[0x80, protocol, 0x95]), Err(FormatError::Pickle));
    }
}

#[test]
fn the_limits_hold_to_the_last_one() {
    let bytes = file("stored.npz");
    let read_within = |limits| read(bytes, &limits).map_err(|error| kind(&error));
    let whole = open(bytes).unwrap();
    let limits = ModelLimits {
        values: whole.layout().values() as u64,
        tensors: whole.layout().tensors().len(),
        ..ModelLimits::default()
    };
    assert_eq!(read_within(limits), Ok(whole));
    let fewer = |values, tensors| ModelLimits {
        values: limits.values - values,
        tensors: limits.tensors - tensors,
        ..limits
    };
    assert_eq!(read_within(fewer(1, 0)), Err("TooLarge"));
    assert_eq!(read_within(fewer(0, 1)), Err("TooLarge"));
    let header_bytes = 10;
    assert_eq!(
        read_within(ModelLimits {
            header_bytes,
            ..limits
        }),
        Err("TooLarge")
    );
}

#[test]
fn a_small_archive_that_unpacks_to_much_is_refused_by_its_directory() {
    // The directory's length of the first file, which is deflated, says 4 GiB less one.
    let mut bytes = file("deflated.npz").to_vec();
    let directory = bytes
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    bytes[directory + 24..directory + 28].copy_from_slice(&[255; 4]);
    assert_eq!(kind(&open(&bytes).unwrap_err()), "TooLarge");
    // One byte more or less than there is.
    for off in [-1, 1] {
        let mut bytes = file("deflated.npz").to_vec();
        let length = &mut bytes[directory + 24];
        *length = length.wrapping_add_signed(off);
        assert_eq!(kind(&open(&bytes).unwrap_err()), "Malformed");
    }
}

#[test]
fn nothing_hides_behind_a_deflated_entry() {
    // The last entry gets a byte more, behind the end of its stream.
    let bytes = file("deflated.npz");
    let entry = bytes
        .windows(4)
        .rposition(|window| window == b"PK\x01\x02")
        .unwrap();
    let directory = bytes
        .windows(4)
        .position(|window| window == b"PK\x01\x02")
        .unwrap();
    let mut longer = bytes.to_vec();
    let add_one = |bytes: &mut [u8], at: usize| {
        let field: &mut [u8; 4] = (&mut bytes[at..at + 4]).try_into().unwrap();
        *field = (u32::from_le_bytes(*field) + 1).to_le_bytes();
    };
    add_one(&mut longer, entry + 20);
    let end = longer.len() - 22;
    add_one(&mut longer, end + 16);
    longer.insert(directory, 0);
    let hidden = FormatError::Malformed {
        format: "npz",
        fault: "an entry is not deflated as it says",
    };
    assert_eq!(open(&longer), Err(hidden));
}

#[test]
fn two_entries_never_share_their_bytes() {
    // The second entry of the directory gets the place of the first, and its name.
    let mut bytes = file("stored.npz").to_vec();
    let entries: Vec<_> = (0..bytes.len() - 4)
        .filter(|at| bytes[*at..].starts_with(b"PK\x01\x02"))
        .collect();
    let first = bytes[entries[0]..entries[1]].to_vec();
    let second = entries[1]..entries[2];
    let mut forged = bytes[..second.start].to_vec();
    forged.extend(&first);
    forged.extend(&bytes[second.end..]);
    let end = forged.len() - 22;
    let length = (end - entries[0]) as u32;
    forged[end + 12..end + 16].copy_from_slice(&length.to_le_bytes());
    let overlap = FormatError::Malformed {
        format: "npz",
        fault: "two of its entries overlap",
    };
    assert_eq!(open(&forged), Err(overlap));

    // A name in the directory that the file itself does not have.
    bytes[entries[0] + 46] ^= 1;
    assert_eq!(kind(&open(&bytes).unwrap_err()), "Malformed");
}

#[test]
fn a_flipped_bit_in_a_stored_value_is_found() {
    let mut bytes = file("stored.npz").to_vec();
    let head = bytes
        .windows(6)
        .position(|window| window == b"\x93NUMPY")
        .unwrap();
    bytes[head + 128] ^= 1;
    assert_eq!(kind(&open(&bytes).unwrap_err()), "Malformed");
}

#[test]
fn tensors_that_cannot_be_are_no_model() {
    let longest = "n".repeat(MOST_NAME_BYTES);
    let deepest = [1; MOST_DIMENSIONS];
    assert!(model(vec![tensor(&longest, &deepest, vec![1.0])]).is_ok());
    let bad = [
        vec![tensor(&format!("{longest}n"), &[], vec![1.0])],
        vec![tensor("a\u{7}", &[], vec![1.0])],
        vec![tensor("a", &[1; MOST_DIMENSIONS + 1], vec![1.0])],
        vec![tensor("a", &[2], vec![1.0])],
        vec![tensor("a", &[], vec![1.0]), tensor("a", &[], vec![2.0])],
    ];
    for tensors in bad {
        let error = model(tensors).unwrap_err();
        assert!(matches!(error, FormatError::Tensor { .. }), "{error}");
    }
    let tensor = vec![tensor("a", &[1], vec![f32::INFINITY])];
    assert!(matches!(model(tensor), Err(FormatError::NotFinite { .. })));
}

#[test]
fn a_model_is_held_to_the_layout_of_the_base() {
    let base = model(vec![
        tensor("a", &[2], vec![1.0, 2.0]),
        tensor("b", &[], vec![3.0]),
    ])
    .unwrap();
    assert_eq!(base.check_layout(base.layout()), Ok(()));
    let others = [
        vec![
            tensor("a", &[2], vec![1.0, 2.0]),
            tensor("c", &[], vec![3.0]),
        ],
        vec![
            tensor("a", &[2, 1], vec![1.0, 2.0]),
            tensor("b", &[], vec![3.0]),
        ],
        vec![tensor("a", &[2], vec![1.0, 2.0])],
        vec![],
    ];
    for other in others {
        let other = model(other).unwrap();
        let refused = other.check_layout(base.layout());
        assert!(
            matches!(refused, Err(FormatError::OtherLayout(_))),
            "{other:?}"
        );
    }
    let next = base.with_values(vec![4.0, 5.0, 6.0]).unwrap();
    assert_eq!(next.layout(), base.layout());
    assert!(base.with_values(vec![4.0]).is_err());
    assert!(base.with_values(vec![4.0, 5.0, f32::NAN]).is_err());
}
