//! Large values, behind a trait: written once under the hash of their bytes, read in pieces.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::hash::AdmittedHash;
use crate::store::StoreError;

/// A store of large values that never change.
pub trait Blobs: Send + Sync {
    /// Keeps bytes under their name, and has them on the disk when it returns. What is there
    /// under the name already are these bytes, and stays.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; then nothing is under the name that was not before.
    fn put(&self, name: &BlobName, bytes: &[u8]) -> Result<(), StoreError>;

    /// How many bytes are under a name, if it is there.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn length(&self, name: &BlobName) -> Result<Option<u64>, StoreError>;

    /// Reads the bytes from `at` on and fills `into`.
    ///
    /// # Errors
    /// [`StoreError::Failed`], also when there are not as many.
    fn read(&self, name: &BlobName, at: u64, into: &mut [u8]) -> Result<(), StoreError>;

    /// Removes what is under a name; nothing there is no fault.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn remove(&self, name: &BlobName) -> Result<(), StoreError>;
}

/// The name of a blob: the SHA-256 of its bytes. It prints as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct BlobName([u8; 32]);

impl BlobName {
    /// The name of a digest; of another length than 32 bytes it is no name.
    #[must_use]
    pub fn of_digest(digest: &[u8]) -> Option<Self> {
        digest.try_into().ok().map(Self)
    }

    /// The name of some bytes. A hash function with another length has none.
    #[must_use]
    pub fn of(sha256: &AdmittedHash, bytes: &[u8]) -> Option<Self> {
        Self::of_digest(&sha256.digest(&[bytes]))
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BlobName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Blobs that end with the process: `store.url = "memory:"`.
#[derive(Default)]
pub struct MemoryBlobs {
    blobs: Mutex<BTreeMap<BlobName, Arc<[u8]>>>,
}

impl MemoryBlobs {
    fn find(&self, name: &BlobName) -> Option<Arc<[u8]>> {
        // A panic elsewhere cannot leave a map half changed: each call makes one change.
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.get(name).cloned()
    }
}

impl Blobs for MemoryBlobs {
    fn put(&self, name: &BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.entry(*name).or_insert_with(|| bytes.into());
        Ok(())
    }

    fn length(&self, name: &BlobName) -> Result<Option<u64>, StoreError> {
        Ok(self.find(name).map(|bytes| bytes.len() as u64))
    }

    fn read(&self, name: &BlobName, at: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let bytes = self.find(name);
        let found = bytes.as_deref().and_then(|bytes| {
            let at = usize::try_from(at).ok()?;
            bytes.get(at..at.checked_add(into.len())?)
        });
        let found = found.ok_or_else(|| {
            let wanted = into.len();
            StoreError::Failed(format!("blob {name}: no {wanted} bytes at {at}"))
        })?;
        into.copy_from_slice(found);
        Ok(())
    }

    fn remove(&self, name: &BlobName) -> Result<(), StoreError> {
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.remove(name);
        Ok(())
    }
}
