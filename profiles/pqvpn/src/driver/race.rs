//! Two futures: the first that is ready counts.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use pqfw_framework::world::World;

/// Which future was first, with what it gave.
pub(crate) enum First<A, B> {
    /// The first of the two, also when both are ready.
    Left(A),
    /// The second.
    Right(B),
}

/// Waits for either; drops what is not ready.
pub(crate) async fn race<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(output) = left.as_mut().poll(context) {
            return Poll::Ready(First::Left(output));
        }
        right.as_mut().poll(context).map(First::Right)
    })
    .await
}

/// Waits for a future, and no longer than `time`; `None` when that is over first.
pub(crate) async fn within<F: Future>(
    world: &dyn World,
    time: Duration,
    future: F,
) -> Option<F::Output> {
    let until = world.now().since_start.saturating_add(time);
    match race(future, world.sleep_until(until)).await {
        First::Left(output) => Some(output),
        First::Right(()) => None,
    }
}
