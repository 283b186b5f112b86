//! What is read, and the one way in which it is written.

use std::collections::BTreeMap;

use pqfw_qflare::model::{FormatError, read_raw};
use proptest::prelude::*;
use serde::Deserialize;

use crate::support::{DESCRIPTION, FILES, file, kind, open, sha256};

#[derive(Deserialize)]
struct Description {
    sha256: String,
    tensors: Vec<Described>,
    accepted: Vec<String>,
    refused: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn description() -> Description {
    serde_json::from_str(DESCRIPTION).unwrap()
}

#[test]
fn every_file_of_the_same_tensors_is_the_same_model() {
    let description = description();
    for name in &description.accepted {
        let model = open(file(name)).unwrap();
        let shapes = model.layout().tensors();
        assert_eq!(shapes.len(), description.tensors.len(), "{name}");
        for (ours, theirs) in shapes.iter().zip(&description.tensors) {
            assert_eq!(ours.name, theirs.name, "{name}");
            assert_eq!(ours.dimensions, theirs.shape, "{name}");
        }
        let values: Vec<f32> = description
            .tensors
            .iter()
            .flat_map(|tensor| tensor.values.clone())
            .collect();
        assert_eq!(*model.values(), values, "{name}");
        assert_eq!(model.layout().values(), values.len(), "{name}");
    }
}

#[test]
fn the_canonical_form_is_what_the_library_writes_and_its_hash_is_the_models() {
    let description = description();
    let hash = sha256();
    for name in &description.accepted {
        let model = open(file(name)).unwrap();
        assert_eq!(
            model.to_safetensors(),
            file("canonical.safetensors"),
            "{name}"
        );
        let digest: String = model
            .hash(&hash)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digest, description.sha256, "{name}");
    }
}

#[test]
fn what_python_made_to_be_refused_is_refused_for_its_reason() {
    let description = description();
    for (name, why) in &description.refused {
        let refused = open(file(name)).unwrap_err();
        assert_eq!(kind(&refused), why, "{name}: {refused}");
    }
    assert_eq!(
        FILES.len(),
        description.accepted.len() + description.refused.len()
    );
}

#[test]
fn raw_values_are_a_model_of_a_known_layout() {
    let model = open(file("stored.npz")).unwrap();
    let raw = model.to_raw();
    assert_eq!(read_raw(&raw, model.layout()), Ok(model.clone()));

    let odd = read_raw(&raw[1..], model.layout());
    assert!(matches!(odd, Err(FormatError::Malformed { .. })));
    let short = read_raw(&raw[4..], model.layout());
    assert!(matches!(short, Err(FormatError::OtherLayout(_))));
    // The last tensor is the one with quotes in its name.
    let mut bad = raw.clone();
    let at = bad.len() - 4;
    bad[at..].copy_from_slice(&f32::NAN.to_le_bytes());
    let tensor = "ä \"quoted\" name".to_owned();
    assert_eq!(
        read_raw(&bad, model.layout()),
        Err(FormatError::NotFinite { tensor })
    );
}

proptest! {
    #[test]
    fn a_file_that_is_accepted_was_meant_as_it_is_read(
        which in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        shorter: bool,
    ) {
        let mut bytes = FILES[which].1.to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if shorter {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(model) = open(&bytes) {
            let canonical = model.to_safetensors();
            let again = open(&canonical).unwrap();
            prop_assert_eq!(&again.to_safetensors(), &canonical);
            prop_assert_eq!(again, model);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), head in 0..3usize) {
        let heads: [&[u8]; 3] = [b"", b"PK\x03\x04", b"\x40\0\0\0\0\0\0\0{\"a\":"];
        drop(open(&[heads[head], &bytes].concat()));
    }
}
