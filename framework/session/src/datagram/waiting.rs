//! Those who wait for the same thing.

use std::task::{Context, Waker};

/// Those who wait for the same thing.
#[derive(Default)]
pub(super) struct Waiting(Vec<Waker>);

/// Wakers of futures that were dropped stay until something happens: when there are so many, all
/// are woken, and those who still wait come again.
const MOST: usize = 64;

impl Waiting {
    /// Adds whoever polls.
    pub(super) fn add(&mut self, context: &Context<'_>) {
        let waker = context.waker();
        if self.0.iter().any(|known| known.will_wake(waker)) {
            return;
        }
        if self.0.len() >= MOST {
            self.wake();
        }
        self.0.push(waker.clone());
    }

    /// Wakes all.
    pub(super) fn wake(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    struct Count(Arc<AtomicUsize>);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_is_woken_once_and_too_many_at_once() {
        let woken = Arc::new(AtomicUsize::new(0));
        let mut waiting = Waiting::default();
        let one = Waker::from(Arc::new(Count(woken.clone())));
        waiting.add(&Context::from_waker(&one));
        waiting.add(&Context::from_waker(&one));
        waiting.wake();
        waiting.wake();
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        for _ in 0..=MOST {
            let waker = Waker::from(Arc::new(Count(woken.clone())));
            waiting.add(&Context::from_waker(&waker));
        }
        assert_eq!(woken.load(Ordering::Relaxed), 1 + MOST);
        assert_eq!(waiting.0.len(), 1);
    }
}
