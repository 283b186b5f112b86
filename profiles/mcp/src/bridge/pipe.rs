//! What both ends read and write through: judged lines, and a queue of the bridge's own answers.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use pqfw_framework::lines::{LineError, Lines};
use pqfw_framework::transport::TransportError;

use super::message::Message;
use super::purpose::Parting;
use super::salvage::Salvage;

/// One line, judged.
pub(super) enum Came<'a> {
    /// A message, and the line that it is on.
    Message(&'a str, Message<'a>),
    /// Nothing: white space.
    Blank,
    /// The last word of the bridge's other end.
    Parting(Parting),
    /// Not one JSON value of bounded length.
    Bad(Bad),
}

/// A line that is not passed on.
pub(super) struct Bad {
    /// What is wrong with it.
    pub(super) reason: String,
    /// It is too long.
    pub(super) long: bool,
    /// The identifier in it, if it was long and had one, and whether it was a request.
    pub(super) salvaged: Option<(String, bool)>,
}

/// Lines that come, judged.
pub(super) struct Judge {
    lines: Lines,
    salvage: Salvage,
}

impl Judge {
    pub(super) fn new(lines: Lines) -> Self {
        Self {
            lines,
            salvage: Salvage::default(),
        }
    }

    /// The next line; `None` at the end. Safe to drop.
    pub(super) async fn next(&mut self) -> Result<Option<Came<'_>>, TransportError> {
        let salvage = &mut self.salvage;
        let Some(line) = self.lines.next_seeing(|piece| salvage.see(piece)).await? else {
            return Ok(None);
        };
        Ok(Some(match line {
            Ok(line) if line.trim().is_empty() => Came::Blank,
            Ok(line) => match (Message::read(line), Parting::parse(line)) {
                (Ok(message), _) => Came::Message(line, message),
                (Err(_), Some(parting)) => Came::Parting(parting),
                (Err(_), None) => Came::Bad(Bad {
                    reason: "a line that is not exactly one JSON value".into(),
                    long: false,
                    salvaged: None,
                }),
            },
            Err(error) => {
                let passed = std::mem::take(&mut self.salvage);
                let found = passed.found().map(|(id, calls)| (id.to_owned(), calls));
                let long = matches!(error, LineError::TooLong { .. });
                Came::Bad(Bad {
                    reason: error.to_string(),
                    long,
                    salvaged: found.filter(|_| long),
                })
            }
        }))
    }
}

/// The bridge's own answers, on their way between messages.
#[derive(Default)]
pub(super) struct Outbox(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    taker: Option<Waker>,
    putter: Option<Waker>,
}

/// Answers that wait: whoever provokes more is not read until they are gone.
const MOST_WAITING: usize = 64;

impl Outbox {
    /// Adds a line, when there is room.
    pub(super) async fn put(&self, line: String) {
        let mut line = Some(line);
        poll_fn(|context| {
            let mut queue = self.queue();
            if queue.lines.len() >= MOST_WAITING {
                queue.putter = Some(context.waker().clone());
                return Poll::Pending;
            }
            queue.lines.extend(line.take());
            wake(&mut queue.taker);
            Poll::Ready(())
        })
        .await;
    }

    /// Adds a line, if there is one.
    pub(super) async fn extend(&self, line: Option<String>) {
        if let Some(line) = line {
            self.put(line).await;
        }
    }

    /// Takes the first line, when there is one. Safe to drop.
    pub(super) fn next(&self) -> impl Future<Output = String> + '_ {
        poll_fn(|context| {
            let mut queue = self.queue();
            let Some(line) = queue.lines.pop_front() else {
                queue.taker = Some(context.waker().clone());
                return Poll::Pending;
            };
            wake(&mut queue.putter);
            Poll::Ready(line)
        })
    }

    /// Takes what is there.
    pub(super) fn rest(&self) -> VecDeque<String> {
        std::mem::take(&mut self.queue().lines)
    }

    /// Whoever holds it makes one change, which no panic can leave half made.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(place: &mut Option<Waker>) {
    if let Some(waker) = place.take() {
        waker.wake();
    }
}
