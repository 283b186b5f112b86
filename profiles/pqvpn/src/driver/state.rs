//! What a node at work holds between two steps.

use std::task::Waker;

use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::transport::Packet;
use pqfw_framework::world::{Now, World};

use super::{DriverError, State};
use crate::limits::MOST_INBOX;
use crate::node::{Event, Input, Output, Refusal};

impl State {
    pub(super) fn begin(&self, world: &dyn World) -> Result<Now, DriverError> {
        match self.stopping || self.ended {
            true => Err(DriverError::Stopped),
            false => Ok(world.now()),
        }
    }

    /// Tells the node something, and takes everything that it says to it.
    pub(super) fn tell(
        &mut self,
        now: Now,
        input: Input,
        frames: &mut Vec<Packet>,
    ) -> Result<(), Refusal> {
        let told = self.node.handle(now, input);
        if let Err(why) = &told {
            self.counts.refuse(why);
        }
        self.drain(now, frames);
        told
    }

    pub(super) fn drain(&mut self, now: Now, frames: &mut Vec<Packet>) {
        loop {
            match self.node.poll(now) {
                Step::Do(Output::Send { to, bytes }) if bytes.len() <= self.most_bytes => {
                    self.counts.packets_sent += 1;
                    self.counts.bytes_sent += count(bytes.len());
                    frames.push(Packet { peer: to, bytes });
                }
                Step::Do(Output::Send { .. }) => self.counts.too_large += 1,
                Step::Do(Output::Job(job)) => self.jobs.push(job),
                Step::Do(Output::Plane(change)) => {
                    if let Some(plane) = &self.plane {
                        plane.apply(change);
                    }
                }
                Step::Do(Output::Event(event)) => self.note(event),
                Step::Wait(until) => {
                    let sooner = |until| self.waits.is_none_or(|waits| until < waits);
                    if until.is_some_and(sooner) {
                        self.wake();
                    }
                    self.waits = until;
                    return;
                }
            }
        }
    }

    /// Keeps an event for whoever asks. Packets leave room for what else there is to tell.
    fn note(&mut self, event: Event) {
        let room = match &event {
            Event::Packet { .. } => MOST_INBOX / 2,
            _ => MOST_INBOX,
        };
        if matches!(event, Event::Rekeyed { .. }) {
            self.counts.rekeys += 1;
        }
        if self.inbox.len() >= room {
            self.counts.untaken += 1;
            return;
        }
        self.inbox.push_back(event);
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    pub(super) fn wake_for_jobs(&mut self) {
        if !self.jobs.is_empty() {
            self.wake();
        }
    }

    pub(super) fn wake(&mut self) {
        self.woken = true;
        self.driver.take().into_iter().for_each(Waker::wake);
    }
}

pub(super) fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}
