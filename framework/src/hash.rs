//! Hash functions and extendable-output functions.

use std::sync::Arc;

use crate::catalogue::{AlgorithmInfo, HashSizes};
use crate::provider::ProviderInfo;

/// The code of one hash function by one provider.
pub trait Hash: Send + Sync {
    /// Begins a computation.
    fn start(&self) -> Box<dyn HashState>;
}

/// A hash computation under way.
pub trait HashState: Send {
    /// Absorbs more input.
    fn update(&mut self, input: &[u8]);

    /// Copies the state, so that a transcript can be hashed up to here and go on.
    fn fork(&self) -> Box<dyn HashState>;

    /// Ends the computation and fills `output`: of the catalogue's length, or of any length for an
    /// extendable-output function.
    fn finish(self: Box<Self>, output: &mut [u8]);
}

/// A hash function whose provider passed the admission gate.
#[derive(Clone)]
pub struct AdmittedHash {
    info: Arc<AlgorithmInfo>,
    sizes: HashSizes,
    provider: Arc<ProviderInfo>,
    code: Arc<dyn Hash>,
}

impl AdmittedHash {
    pub(crate) fn new(
        info: Arc<AlgorithmInfo>,
        sizes: HashSizes,
        provider: Arc<ProviderInfo>,
        code: Arc<dyn Hash>,
    ) -> Self {
        Self {
            info,
            sizes,
            provider,
            code,
        }
    }

    /// The algorithm's row in the catalogue.
    #[must_use]
    pub fn info(&self) -> &AlgorithmInfo {
        &self.info
    }

    /// The lengths of this algorithm, in bytes.
    #[must_use]
    pub fn sizes(&self) -> &HashSizes {
        &self.sizes
    }

    /// Whose code does the work.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// Begins a computation.
    #[must_use]
    pub fn start(&self) -> Box<dyn HashState> {
        self.code.start()
    }

    /// Hashes the concatenation of `parts`; an extendable-output function gives its default
    /// length, twice its security strength.
    #[must_use]
    pub fn digest(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut state = self.code.start();
        for part in parts {
            state.update(part);
        }
        let mut output = vec![0; self.sizes.digest];
        state.finish(&mut output);
        output
    }
}
