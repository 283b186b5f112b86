//! What a host has asked and not been answered yet, so that it can be told when nobody will.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{Message, same_id};

/// Calls under way, both ways.
#[derive(Debug, Default)]
pub struct Flights {
    /// The host's: their identifiers as they were written, by what they are compared by.
    asked: BTreeMap<String, String>,
    /// The server's, of the present channel.
    of_server: BTreeSet<String>,
    /// A channel was lost: what the host answers may be for a server that is gone.
    lost_before: bool,
}

/// Calls of one host under way at a time.
pub const MOST_CALLS: usize = 65_536;

/// Bytes of an identifier. Hosts count, or draw a few dozen letters.
pub const LONGEST_ID_BYTES: usize = 1024;

/// What becomes of a message of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// It goes.
    Go,
    /// It asks for more than can be kept in mind.
    Busy,
    /// It answers a server that is gone.
    Stale,
}

impl Flights {
    /// Notes a message of the host's.
    pub fn leave(&mut self, message: &Message<'_>) -> Leave {
        match (message.id, message.calls) {
            (Some(id), true) => {
                if id.len() > LONGEST_ID_BYTES || self.asked.len() >= MOST_CALLS {
                    return Leave::Busy;
                }
                self.asked.insert(same_id(id), id.to_owned());
            }
            (Some(id), false) => {
                if id.len() <= LONGEST_ID_BYTES
                    && !self.of_server.remove(&same_id(id))
                    && self.lost_before
                {
                    return Leave::Stale;
                }
            }
            (None, true) if message.method.as_deref() == Some("notifications/cancelled") => {
                // Nobody waits for it any more. The answer may come all the same.
                let id = message.params().and_then(|params| params.request_id);
                if let Some(id) = id.filter(|id| id.len() <= LONGEST_ID_BYTES) {
                    self.asked.remove(&same_id(id));
                }
            }
            (None, _) => {}
        }
        Leave::Go
    }

    /// Notes a message of the server's.
    pub fn land(&mut self, message: &Message<'_>) {
        let Some(id) = message.id.filter(|id| id.len() <= LONGEST_ID_BYTES) else {
            return;
        };
        if message.is_answer() {
            self.asked.remove(&same_id(id));
        } else if self.of_server.len() < MOST_CALLS {
            self.of_server.insert(same_id(id));
        }
    }

    /// Notes that one call of the host's is over.
    pub fn over(&mut self, id: &str) {
        self.asked.remove(&same_id(id));
    }

    /// Notes that the server is gone; gives what it leaves unanswered.
    pub fn lost(&mut self) -> Vec<String> {
        self.lost_before = true;
        self.of_server.clear();
        std::mem::take(&mut self.asked).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave(flights: &mut Flights, line: &str) -> Leave {
        flights.leave(&Message::read(line).unwrap())
    }

    fn land(flights: &mut Flights, line: &str) {
        flights.land(&Message::read(line).unwrap());
    }

    #[test]
    fn what_is_asked_is_in_flight_until_it_is_answered_or_cancelled() {
        let mut flights = Flights::default();
        for id in ["1", "\"a\"", "3", "4"] {
            let line = format!("{{\"id\":{id},\"method\":\"m\"}}");
            assert_eq!(leave(&mut flights, &line), Leave::Go);
        }
        land(&mut flights, "{\"id\":\"\\u0061\",\"result\":1}");
        land(&mut flights, "{\"id\":1,\"method\":\"roots/list\"}");
        let cancelled = "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":3}}";
        leave(&mut flights, cancelled);
        flights.over("4");
        assert_eq!(flights.lost(), ["1"]);
        assert!(flights.lost().is_empty());
    }

    #[test]
    fn an_answer_to_a_server_that_is_gone_does_not_leave() {
        let mut flights = Flights::default();
        let answer = "{\"id\":9,\"result\":{}}";
        assert_eq!(leave(&mut flights, answer), Leave::Go);
        land(&mut flights, "{\"id\":9,\"method\":\"roots/list\"}");
        flights.lost();
        assert_eq!(leave(&mut flights, answer), Leave::Stale);
        land(&mut flights, "{\"id\":9,\"method\":\"roots/list\"}");
        assert_eq!(leave(&mut flights, answer), Leave::Go);
        assert_eq!(leave(&mut flights, answer), Leave::Stale);
    }

    #[test]
    fn there_is_an_end_to_what_is_kept_in_mind() {
        let mut flights = Flights::default();
        for id in 0..MOST_CALLS {
            leave(&mut flights, &format!("{{\"id\":{id},\"method\":\"m\"}}"));
        }
        let one_more = "{\"id\":\"x\",\"method\":\"m\"}";
        assert_eq!(leave(&mut flights, one_more), Leave::Busy);
        land(&mut flights, "{\"id\":0,\"result\":1}");
        assert_eq!(leave(&mut flights, one_more), Leave::Go);
        for (length, fits) in [
            (LONGEST_ID_BYTES, Leave::Go),
            (LONGEST_ID_BYTES + 1, Leave::Busy),
        ] {
            let id = "7".repeat(length);
            let mut flights = Flights::default();
            assert_eq!(
                leave(&mut flights, &format!("{{\"id\":{id},\"method\":\"m\"}}")),
                fits
            );
        }
    }
}
