//! A bounded pool of threads for work that takes milliseconds: when it is full, work is refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::world::World;

/// A piece of work, which is given a generator.
pub(super) type Work<T> = Box<dyn FnOnce(&mut dyn CryptoRng) -> T + Send>;

/// Takes what became of a piece of work; `None` when it panicked.
pub(super) type Give<T> = Arc<dyn Fn(Option<T>) + Send + Sync>;

/// Threads that work.
pub(super) struct Pool<T> {
    queue: Sender<Work<T>>,
    shared: Arc<Shared>,
    /// How much may wait and be done together.
    most: usize,
}

#[derive(Default)]
struct Shared {
    under_way: AtomicUsize,
    closed: AtomicBool,
}

impl<T: Send + 'static> Pool<T> {
    /// Starts the threads.
    ///
    /// # Errors
    /// Why not even one could be started.
    pub(super) fn new(
        threads: usize,
        most: usize,
        world: &Arc<dyn World>,
        give: &Give<T>,
    ) -> Result<Self, String> {
        let (queue, waiting) = mpsc::channel::<Work<T>>();
        let waiting = Arc::new(Mutex::new(waiting));
        let shared = Arc::new(Shared::default());
        let mut trouble = "it was given none".to_owned();
        let mut started = 0;
        for number in 0..threads {
            let (waiting, shared) = (waiting.clone(), shared.clone());
            let (world, give) = (world.clone(), give.clone());
            let thread = std::thread::Builder::new().name(format!("pqvpn-worker-{number}"));
            match thread.spawn(move || work(&waiting, &shared, &*world, &*give)) {
                Ok(_) => started += 1,
                Err(error) => trouble = error.to_string(),
            }
        }
        match started {
            0 => Err(trouble),
            _ => Ok(Self {
                queue,
                shared,
                most,
            }),
        }
    }

    /// Takes work, unless as much as may be is under way.
    #[must_use]
    pub(super) fn submit(&self, work: Work<T>) -> bool {
        let next = |under_way| (under_way < self.most).then_some(under_way + 1);
        let counter = &self.shared.under_way;
        let room = counter.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        room.is_ok() && self.queue.send(work).is_ok()
    }
}

impl<T> Drop for Pool<T> {
    /// What waits is forgotten; what is being done is done and given to nobody who listens.
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
    }
}

fn work<T>(
    waiting: &Mutex<Receiver<Work<T>>>,
    shared: &Shared,
    world: &dyn World,
    give: &dyn Fn(Option<T>),
) {
    loop {
        // Nothing under this lock panics.
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(work) = next.recv() else { return };
        drop(next);
        if shared.closed.load(Ordering::Acquire) {
            return;
        }
        // A provider that panics loses one message; the thread goes on with the next, and nothing
        // that the work held is seen again.
        let done = catch_unwind(AssertUnwindSafe(|| work(&mut *world.rng()))).ok();
        shared.under_way.fetch_sub(1, Ordering::AcqRel);
        give(done);
    }
}

#[cfg(test)]
mod tests {
    use pqfw_memory::SeededWorld;

    use super::*;

    fn pool(threads: usize, most: usize) -> (Result<Pool<u32>, String>, Receiver<Option<u32>>) {
        let (sender, given) = mpsc::channel();
        let world: Arc<dyn World> = Arc::new(SeededWorld::new(1));
        let give: Give<u32> = Arc::new(move |done| sender.send(done).unwrap());
        (Pool::new(threads, most, &world, &give), given)
    }

    #[test]
    fn a_full_pool_refuses_and_takes_again_when_there_is_room() {
        let (pool, given) = pool(1, 2);
        let pool = pool.unwrap();
        let (release, held) = mpsc::channel::<u32>();
        let held = Arc::new(Mutex::new(held));
        let waits = || -> Work<u32> {
            let held = held.clone();
            Box::new(move |_| held.lock().unwrap().recv().unwrap())
        };
        assert!(pool.submit(waits()) && pool.submit(waits()));
        assert!(!pool.submit(waits()));
        release.send(7).unwrap();
        assert_eq!(given.recv().unwrap(), Some(7));
        assert!(pool.submit(waits()));
        assert!(!pool.submit(waits()));
        for number in [8, 9] {
            release.send(number).unwrap();
            assert_eq!(given.recv().unwrap(), Some(number));
        }
    }

    #[test]
    fn work_that_panics_is_lost_and_nothing_else_is() {
        let (pool, given) = pool(1, 1);
        let pool = pool.unwrap();
        assert!(pool.submit(Box::new(|_| panic!("a provider's fault"))));
        assert_eq!(given.recv().unwrap(), None);
        assert!(pool.submit(Box::new(|rng| rng.next_u32() | 1)));
        assert!(given.recv().unwrap().is_some());
    }

    #[test]
    fn a_pool_that_is_gone_does_nothing_more() {
        let (pool, given) = pool(1, 2);
        let pool = pool.unwrap();
        let (release, held) = mpsc::channel::<u32>();
        let (begin, begun) = mpsc::channel();
        assert!(pool.submit(Box::new(move |_| {
            begin.send(()).unwrap();
            held.recv().unwrap()
        })));
        assert!(pool.submit(Box::new(|_| 2)));
        begun.recv().unwrap();
        drop(pool);
        release.send(1).unwrap();
        let all: Vec<_> = given.iter().collect();
        assert_eq!(all, [Some(1)]);
    }

    #[test]
    fn a_pool_without_threads_is_none() {
        assert_eq!(pool(0, 1).0.err().as_deref(), Some("it was given none"));
    }
}
