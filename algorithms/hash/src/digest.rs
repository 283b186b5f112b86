//! Hash functions of fixed length: SHA-2 and SHA-3.

use std::marker::PhantomData;

use pqfw_framework::hash::{Hash, HashState};
use sha3::Digest;

/// The hash function `D`.
pub(crate) struct FixedLength<D>(PhantomData<fn() -> D>);

impl<D> FixedLength<D> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<D: Digest + Clone + Send + 'static> Hash for FixedLength<D> {
    fn start(&self) -> Box<dyn HashState> {
        Box::new(State(D::new()))
    }
}

struct State<D>(D);

impl<D: Digest + Clone + Send + 'static> HashState for State<D> {
    fn update(&mut self, input: &[u8]) {
        self.0.update(input);
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>, output: &mut [u8]) {
        let digest = self.0.finalize();
        assert_eq!(
            output.len(),
            digest.len(),
            "the caller asks for a digest of the catalogue's length"
        );
        output.copy_from_slice(&digest);
    }
}
