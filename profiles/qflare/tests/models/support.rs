//! The files, by name.

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::model::{FormatError, Model, ModelLimits, read};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Every file that Python made.
        pub(crate) const FILES: &[(&str, &[u8])] = &[$((
            $name,
            include_bytes!(concat!("../../../../tests/vectors/qflare/models/", $name)),
        )),*];
    };
}

files![
    "canonical.safetensors",
    "metadata.safetensors",
    "stored.npz",
    "deflated.npz",
    "fortran.npz",
    "streamed.npz",
    "pickle.pkl",
    "object.npz",
    "torch.pt",
    "double.safetensors",
    "double.npz",
    "big-endian.npz",
    "record.npz",
    "nan.safetensors",
    "infinite.npz",
    "text.npz",
    "bzip2.npz",
];

pub(crate) const DESCRIPTION: &str =
    include_str!("../../../../tests/vectors/qflare/models/models.json");

pub(crate) fn file(name: &str) -> &'static [u8] {
    FILES.iter().find(|(known, _)| *known == name).unwrap().1
}

pub(crate) fn open(bytes: &[u8]) -> Result<Model, FormatError> {
    read(bytes, &ModelLimits::default())
}

/// A safetensors file of this header and these values.
pub(crate) fn safetensors(header: &str, values: &[u8]) -> Vec<u8> {
    let length = header.len() as u64;
    [&length.to_le_bytes(), header.as_bytes(), values].concat()
}

pub(crate) fn kind(error: &FormatError) -> &'static str {
    match error {
        FormatError::Pickle => "Pickle",
        FormatError::Malformed { .. } => "Malformed",
        FormatError::DataType { .. } => "DataType",
        FormatError::TooLarge { .. } => "TooLarge",
        FormatError::Tensor { .. } => "Tensor",
        FormatError::NotFinite { .. } => "NotFinite",
        FormatError::OtherLayout(_) => "OtherLayout",
    }
}

pub(crate) fn sha256() -> AdmittedHash {
    let registry = Registry::builder()
        .with(pqfw_hash::plugin())
        .build()
        .unwrap();
    let mut rng = SeededWorld::new(0).rng();
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    resolver.hash("SHA-256").unwrap()
}
