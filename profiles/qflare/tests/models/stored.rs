//! Models in blobs, and aggregation over them.

use std::sync::Arc;

use pqfw_framework::blobs::{BlobName, Blobs};
use pqfw_qflare::aggregate::{Candidate, Clip, Limits, Outcome, Recipe, Rule, Weights, aggregate};
use pqfw_qflare::model::{Model, StoredModel};

use crate::support::{file, open, sha256};

const URL: &str = "sqlite:state.db";

fn weights(base: &Model, step: f32) -> Model {
    let moved = base
        .values()
        .iter()
        .zip(1u8..)
        .map(|(w, n)| w + step * f32::from(n));
    base.with_values(moved.collect()).unwrap()
}

fn run<W: Weights>(base: &W, updates: &[W]) -> Outcome {
    let names = ["a", "b", "c", "d", "e"];
    let candidates: Vec<_> = names
        .iter()
        .zip(updates)
        .map(|(device, weights)| Candidate {
            device,
            examples: 10,
            weights,
        })
        .collect();
    let (byzantine, selected) = (1, None);
    let recipe = Recipe {
        rule: Rule::MultiKrum {
            byzantine,
            selected,
        },
        clip: Clip::MedianNorm,
    };
    // One lane-width a chunk.
    let limits = Limits {
        memory_bytes: 0,
        ..Limits::default()
    };
    aggregate(base, &candidates, &recipe, &limits, &mut |_| {}).unwrap()
}

#[test]
fn an_aggregation_over_blobs_is_that_over_memory() {
    let home = tempfile::tempdir().unwrap();
    let base = open(file("canonical.safetensors")).unwrap();
    let updates = [0.1, 0.11, 0.12, -1.0, 0.13].map(|step| weights(&base, step));
    for url in ["memory:", URL] {
        let blobs = pqfw_store::open_blobs(url, home.path()).unwrap();
        let keep = |model: &Model| StoredModel::keep(model, &blobs, &sha256()).unwrap();
        let stored = run(&keep(&base), &updates.each_ref().map(keep));
        let values = updates.each_ref().map(|update| update.values().clone());
        assert_eq!(stored, run(base.values(), &values), "{url}");
    }
}

#[test]
fn a_blob_is_the_canonical_file_under_the_models_hash() {
    let home = tempfile::tempdir().unwrap();
    let blobs = pqfw_store::open_blobs(URL, home.path()).unwrap();
    let model = open(file("stored.npz")).unwrap();
    let kept = StoredModel::keep(&model, &blobs, &sha256()).unwrap();
    assert_eq!(kept.name().digest()[..], model.hash(&sha256()));
    let path = home.path().join(format!("state.db.blobs/{}", kept.name()));
    assert_eq!(std::fs::read(path).unwrap(), file("canonical.safetensors"));
    let again = StoredModel::open(*kept.name(), model.layout(), &blobs, &sha256()).unwrap();
    let mut values = vec![0.0; again.values()];
    again.read(0, &mut values).unwrap();
    assert_eq!(values, *model.values());
    assert!(again.read(1, &mut values).is_err());
}

#[test]
fn what_is_not_as_its_name_or_its_layout_says_is_not_opened() {
    let home = tempfile::tempdir().unwrap();
    let blobs = pqfw_store::open_blobs(URL, home.path()).unwrap();
    let model = open(file("stored.npz")).unwrap();
    let reason = |name, model: &Model, blobs: &Arc<dyn Blobs>| {
        let opened = StoredModel::open(name, model.layout(), blobs, &sha256());
        opened.map(drop).unwrap_err().0
    };
    let nobody = BlobName::of_digest(&[0; 32]).unwrap();
    assert!(reason(nobody, &model, &blobs).contains("missing"));

    // Of the same length, and with another name in its header.
    let file = model.to_safetensors();
    let mut other = file.clone();
    let at = other
        .windows(6)
        .position(|window| window == b"layer1")
        .unwrap();
    other[at] = b'L';
    let name = BlobName::of(&sha256(), &other).unwrap();
    blobs.put(&name, &other).unwrap();
    assert!(reason(name, &model, &blobs).contains("layout"));

    let mut changed = file.clone();
    *changed.last_mut().unwrap() ^= 1;
    let name = BlobName::of(&sha256(), &file).unwrap();
    blobs.put(&name, &changed).unwrap();
    assert!(reason(name, &model, &blobs).contains("name"));
}
