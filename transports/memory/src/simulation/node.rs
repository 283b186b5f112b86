//! Nodes made of closures, for tests too small for a machine of their own.

use std::convert::Infallible;

use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::world::Now;

use super::{Arrival, Departure};

/// Makes a node of a state that the test can look at and one closure, which is given the next
/// arrival, if there is one, and says what to do. It is asked again until it waits.
#[must_use]
pub fn node<S>(
    state: S,
    turn: impl FnMut(&mut S, Now, Option<Arrival>) -> Step<Departure> + 'static,
) -> Closure<S> {
    Closure {
        state,
        turn: Box::new(turn),
        arrived: None,
    }
}

/// A node made of a closure: see [`node`].
pub struct Closure<S> {
    /// What the closure keeps.
    pub state: S,
    turn: Turn<S>,
    arrived: Option<Arrival>,
}

type Turn<S> = Box<dyn FnMut(&mut S, Now, Option<Arrival>) -> Step<Departure>>;

impl<S> Machine for Closure<S> {
    type Input = Arrival;
    type Output = Departure;
    type Refusal = Infallible;

    fn handle(&mut self, _: Now, input: Arrival) -> Result<(), Infallible> {
        // Each arrival is polled for before the next comes.
        self.arrived = Some(input);
        Ok(())
    }

    fn poll(&mut self, now: Now) -> Step<Departure> {
        (self.turn)(&mut self.state, now, self.arrived.take())
    }
}
