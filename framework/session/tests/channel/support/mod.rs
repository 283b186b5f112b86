//! People, suites, worlds, pipes and nodes.

pub(crate) mod net;
pub(crate) mod people;
pub(crate) mod pipe;

use std::future::Future;
use std::sync::Arc;

use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;

pub(crate) fn world(seed: u64) -> (Arc<SeededWorld>, Arc<dyn World>) {
    let world = Arc::new(SeededWorld::new(seed));
    (world.clone(), world)
}

/// Runs on this thread alone, so that a seed is a whole story.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(work)
}
