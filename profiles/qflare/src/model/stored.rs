//! Models on the disk: a blob in canonical form, named by its hash, and read in pieces.

use std::sync::Arc;

use pqfw_framework::blobs::{BlobName, Blobs};
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::store::StoreError;

use super::{Layout, Model, safetensors};
use crate::aggregate::{ReadError, Weights};

/// A model whose values stay where they are: what an aggregation reads without holding it.
#[derive(Clone)]
pub struct StoredModel {
    blobs: Arc<dyn Blobs>,
    name: BlobName,
    values: usize,
    /// Where the first value is.
    begin: u64,
}

impl StoredModel {
    /// Keeps a model; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`ReadError`] when the blobs fail, and for a hash that is not SHA-256.
    pub fn keep(
        model: &Model,
        blobs: &Arc<dyn Blobs>,
        sha256: &AdmittedHash,
    ) -> Result<Self, ReadError> {
        let file = model.to_safetensors();
        let name = BlobName::of(sha256, &file).ok_or_else(no_name)?;
        blobs.put(&name, &file).map_err(failed)?;
        Ok(Self::of(name, model.layout(), blobs))
    }

    /// Opens a model that was kept, and reads it once, in pieces, to see that it is what its name
    /// says.
    ///
    /// # Errors
    /// [`ReadError`] when there is none, when it is not of this layout or not of its name.
    pub fn open(
        name: BlobName,
        layout: &Layout,
        blobs: &Arc<dyn Blobs>,
        sha256: &AdmittedHash,
    ) -> Result<Self, ReadError> {
        let model = Self::of(name, layout, blobs);
        let header = safetensors::header(layout);
        let length = header.len() as u64 + 4 * model.values as u64;
        if blobs.length(&name).map_err(failed)? != Some(length) {
            return Err(ReadError(format!(
                "blob {name} is missing or not of the layout"
            )));
        }
        let mut state = sha256.start();
        let mut piece = vec![0; PIECE];
        let mut at = 0;
        while at < length {
            let left = usize::try_from(length - at).unwrap_or(PIECE);
            piece.truncate(left);
            blobs.read(&name, at, &mut piece).map_err(failed)?;
            let header = header
                .iter()
                .skip(usize::try_from(at).unwrap_or(usize::MAX));
            if header.zip(&piece).any(|(ours, theirs)| ours != theirs) {
                return Err(ReadError(format!("blob {name} is not of the layout")));
            }
            state.update(&piece);
            at += piece.len() as u64;
        }
        let mut digest = vec![0; sha256.sizes().digest];
        state.finish(&mut digest);
        if digest != name.digest() {
            return Err(ReadError(format!("blob {name} is not what its name says")));
        }
        Ok(model)
    }

    /// The model's name: the hash of its canonical form.
    #[must_use]
    pub fn name(&self) -> &BlobName {
        &self.name
    }

    fn of(name: BlobName, layout: &Layout, blobs: &Arc<dyn Blobs>) -> Self {
        Self {
            blobs: blobs.clone(),
            name,
            values: layout.values(),
            begin: safetensors::header(layout).len() as u64,
        }
    }
}

impl Weights for StoredModel {
    fn values(&self) -> usize {
        self.values
    }

    fn read(&self, at: usize, into: &mut [f32]) -> Result<(), ReadError> {
        let mut bytes = vec![0; 4 * into.len()];
        let begin = self.begin + 4 * at as u64;
        self.blobs
            .read(&self.name, begin, &mut bytes)
            .map_err(failed)?;
        for (value, bytes) in into.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}

fn no_name() -> ReadError {
    ReadError("the hash has another length than names of blobs".to_owned())
}

fn failed(error: StoreError) -> ReadError {
    ReadError(error.to_string())
}

/// How much of a blob is in memory while its hash is computed.
const PIECE: usize = 1 << 16;
