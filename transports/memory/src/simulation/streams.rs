//! One direction of one stream: bytes on their way, in order, and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use super::Arrival;

/// One direction of one stream.
#[derive(Debug, Default)]
pub(super) struct Direction {
    bytes: VecDeque<u8>,
    /// Until which moment how many of the bytes are still on their way, in order.
    runs: VecDeque<(Duration, usize)>,
    /// When it is looked at next.
    pub(super) planned: Option<Duration>,
    /// When the end arrives.
    end: Option<Duration>,
    /// Nothing is sent any more: it ended, or it broke.
    closed: bool,
}

impl Direction {
    /// Sends bytes that arrive at `ready`, or with those before them when that is later.
    pub(super) fn write(&mut self, ready: Duration, bytes: &[u8]) {
        if self.closed || bytes.is_empty() {
            return;
        }
        let after = self.runs.back().map_or(Duration::ZERO, |run| run.0);
        self.runs.push_back((ready.max(after), bytes.len()));
        self.bytes.extend(bytes);
    }

    pub(super) fn end(&mut self, ready: Duration) {
        if !self.closed {
            let after = self.runs.back().map_or(Duration::ZERO, |run| run.0);
            self.end = Some(ready.max(after));
            self.closed = true;
        }
    }

    pub(super) fn break_off(&mut self) {
        *self = Self {
            closed: true,
            ..Self::default()
        };
    }

    /// When there is something to read next.
    pub(super) fn ready(&self) -> Option<Duration> {
        self.runs.front().map(|run| run.0).or(self.end)
    }

    /// Reads at most `most` bytes of those that have arrived, or the end after all of them.
    pub(super) fn read(&mut self, now: Duration, most: usize, from: usize) -> Option<Arrival> {
        let mut length = 0;
        while let Some((ready, run)) = self.runs.front_mut() {
            if *ready > now || length == most {
                break;
            }
            let taken = (*run).min(most - length);
            length += taken;
            *run -= taken;
            if *run == 0 {
                self.runs.pop_front();
            }
        }
        if length > 0 {
            let bytes = self.bytes.drain(..length).collect();
            return Some(Arrival::Bytes { from, bytes });
        }
        if self.runs.is_empty() && self.end.is_some_and(|end| end <= now) {
            self.end = None;
            return Some(Arrival::End { from });
        }
        None
    }
}
