//! Extendable-output functions: SHAKE.

use std::marker::PhantomData;

use pqfw_framework::hash::{Hash, HashState};
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// The extendable-output function `X`.
pub(crate) struct Extendable<X>(PhantomData<fn() -> X>);

impl<X> Extendable<X> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<X> Hash for Extendable<X>
where
    X: ExtendableOutput + Update + Default + Clone + Send + 'static,
{
    fn start(&self) -> Box<dyn HashState> {
        Box::new(State(X::default()))
    }
}

struct State<X>(X);

impl<X: ExtendableOutput + Update + Clone + Send + 'static> HashState for State<X> {
    fn update(&mut self, input: &[u8]) {
        self.0.update(input);
    }

    fn fork(&self) -> Box<dyn HashState> {
        Box::new(Self(self.0.clone()))
    }

    fn finish(self: Box<Self>, output: &mut [u8]) {
        self.0.finalize_xof().read(output);
    }
}
