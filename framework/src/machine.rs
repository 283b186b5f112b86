//! The contract of every protocol machine: no input or output of its own, no clock, no chance.
//!
//! ```text
//!            handle(now, input)                        poll(now)
//!  driver ────────────────────▶ machine ────────────────────────────▶ Step::Do(output)   again
//!     ▲                                                               Step::Wait(until)  done
//!     └──────────────── when bytes arrive, or at `until` ────────────────────────────────┘
//! ```
//!
//! - After any `handle` the driver drains `poll` until it says [`Step::Wait`], and only then
//!   handles the next input.
//! - `Err` from `handle` means refused *and unchanged*: the machine is as it was.
//! - Everything queued has a named limit. There are no locks, threads or channels inside.
//! - Randomness comes in with the input or at construction, so that a seed is a whole story.
//!
//! Request/response services are the special case [`ExchangeService`](crate::transport::ExchangeService): a function
//! of the moment, chance and the request, whose machine stands behind it.

use std::time::Duration;

use crate::world::Now;

/// A protocol without the world.
pub trait Machine {
    /// What the driver tells it: bytes, an application's wish, a broken path.
    type Input;
    /// What it asks the driver to do: send bytes, tell the application, end.
    type Output;
    /// Why an input was refused.
    type Refusal;

    /// Takes one input.
    ///
    /// # Errors
    /// The refusal; then nothing has changed.
    fn handle(&mut self, now: Now, input: Self::Input) -> Result<(), Self::Refusal>;

    /// Gives the next thing to do, or how long to wait for input.
    fn poll(&mut self, now: Now) -> Step<Self::Output>;
}

/// What [`Machine::poll`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// Do this, then poll again.
    Do(T),
    /// Nothing to do before this moment on the monotonic clock, unless input comes; `None` for
    /// no moment at all.
    Wait(Option<Duration>),
}

/// Takes everything that a machine has to say now, and how long to wait after it.
pub fn drain<M: Machine>(machine: &mut M, now: Now) -> (Vec<M::Output>, Option<Duration>) {
    let mut outputs = Vec::new();
    loop {
        match machine.poll(now) {
            Step::Do(output) => outputs.push(output),
            Step::Wait(until) => return (outputs, until),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Echoes numbers below ten and times out after a second.
    struct Echo {
        queue: Vec<u8>,
        last: Duration,
    }

    impl Machine for Echo {
        type Input = u8;
        type Output = u8;
        type Refusal = &'static str;

        fn handle(&mut self, now: Now, input: u8) -> Result<(), &'static str> {
            if input >= 10 {
                return Err("ten or more");
            }
            self.queue.push(input);
            self.last = now.since_start;
            Ok(())
        }

        fn poll(&mut self, _: Now) -> Step<u8> {
            match self.queue.pop() {
                Some(output) => Step::Do(output),
                None => Step::Wait(Some(self.last + Duration::from_secs(1))),
            }
        }
    }

    #[test]
    fn a_machine_is_drained_until_it_waits_and_a_refusal_changes_nothing() {
        let now = Now {
            since_start: Duration::from_secs(5),
            unix_micros: 0,
        };
        let mut echo = Echo {
            queue: Vec::new(),
            last: Duration::ZERO,
        };
        echo.handle(now, 1).unwrap();
        echo.handle(now, 2).unwrap();
        assert!(echo.handle(now, 10).is_err());
        assert_eq!(
            drain(&mut echo, now),
            (vec![2, 1], Some(Duration::from_secs(6)))
        );
    }
}
