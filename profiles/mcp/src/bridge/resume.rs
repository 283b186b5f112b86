//! Taking a session up again with a new server, where the protocol's version permits it.
//!
//! In versions with `initialize` a session begins with a handshake, and its state lives in the server.
//! A new server is told what the first was told; when it answers the very same, the host cannot tell
//! the two apart, and goes on. A host that has made state in its server beyond that is not deceived:
//! its session ends, as it would without a bridge. Versions without `initialize` keep no sessions, and
//! go on with any server.

use super::message::{Message, same_id};

/// What a session began with.
#[derive(Debug, Default)]
pub struct Opening {
    initialize: Option<Call>,
    /// The server's `result`, as it was written.
    result: Option<String>,
    initialized: Option<String>,
    /// The method that made state in the server, if one did.
    bound_by: Option<String>,
}

#[derive(Debug)]
struct Call {
    line: String,
    id: String,
}

/// Methods that make state in a server which outlives their answer. `tasks/` is a whole family.
const BINDING: [&str; 3] = ["logging/setLevel", "resources/subscribe", "tasks/"];

/// What a new server must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// Nothing: the version keeps no sessions, or none has begun.
    Nothing,
    /// These lines; the answer to the first must be the one that the host has.
    Handshake {
        /// The host's `initialize`.
        initialize: String,
        /// The host's `notifications/initialized`, if it has got so far.
        initialized: Option<String>,
    },
    /// Nothing can be told: the session is over.
    Never(String),
}

impl Opening {
    /// Notes a message of the host's.
    pub fn leave(&mut self, line: &str, message: &Message<'_>) {
        let Some(method) = message.method.as_deref() else {
            return;
        };
        match (method, message.id) {
            ("initialize", Some(id)) => {
                *self = Self {
                    initialize: Some(Call {
                        line: line.to_owned(),
                        id: same_id(id),
                    }),
                    ..Self::default()
                };
            }
            ("notifications/initialized", None) => self.initialized = Some(line.to_owned()),
            _ if BINDING.iter().any(|binding| method.starts_with(binding)) => {
                self.bound_by = Some(method.to_owned());
            }
            _ => {}
        }
    }

    /// Notes a message of the server's.
    pub fn land(&mut self, message: &Message<'_>) {
        if self.result.is_none() && self.answers(message) {
            self.result = message.result.map(str::to_owned);
        }
    }

    /// Whether a message answers the host's `initialize`.
    #[must_use]
    pub fn answers(&self, message: &Message<'_>) -> bool {
        let id = self.initialize.as_ref().map(|call| &call.id);
        message.is_answer() && message.id.map(same_id).as_ref() == id
    }

    /// Whether a new server answers as the first did.
    #[must_use]
    pub fn same(&self, message: &Message<'_>) -> bool {
        self.result.is_some()
            && message.result.map(str::trim) == self.result.as_deref().map(str::trim)
    }

    /// What a new server must be told.
    #[must_use]
    pub fn resumption(&self) -> Resumption {
        match (&self.initialize, &self.result) {
            // One that was not answered the host was told of: it begins again, or goes.
            (None, _) | (Some(_), None) => Resumption::Nothing,
            (Some(call), Some(_)) => match &self.bound_by {
                Some(method) => Resumption::Never(format!("the host has made state by {method}")),
                None => Resumption::Handshake {
                    initialize: call.line.clone(),
                    initialized: self.initialized.clone(),
                },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INITIALIZE: &str = "{\"id\":0,\"method\":\"initialize\",\"params\":{}}\n";
    const INITIALIZED: &str = "{\"method\":\"notifications/initialized\"}\n";

    fn leave(opening: &mut Opening, line: &str) {
        opening.leave(line, &Message::read(line).unwrap());
    }

    fn opened() -> Opening {
        let mut opening = Opening::default();
        leave(&mut opening, INITIALIZE);
        opening.land(&Message::read("{\"id\":0,\"result\":{\"a\":1} }").unwrap());
        leave(&mut opening, INITIALIZED);
        opening
    }

    #[test]
    fn without_initialize_nothing_is_to_be_told() {
        let mut opening = Opening::default();
        leave(&mut opening, "{\"id\":1,\"method\":\"tools/call\"}");
        assert_eq!(opening.resumption(), Resumption::Nothing);
    }

    #[test]
    fn a_session_goes_on_with_a_server_that_answers_the_same() {
        let mut opening = opened();
        leave(&mut opening, "{\"id\":1,\"method\":\"tools/call\"}");
        let told = Resumption::Handshake {
            initialize: INITIALIZE.into(),
            initialized: Some(INITIALIZED.into()),
        };
        assert_eq!(opening.resumption(), told);
        for (answer, same) in [
            ("{\"id\":0,\"result\":{\"a\":1}}", true),
            ("{\"id\":0,\"result\":{\"a\":2}}", false),
            ("{\"id\":0,\"error\":{}}", false),
        ] {
            let answer = Message::read(answer).unwrap();
            assert!(opening.answers(&answer));
            assert_eq!(opening.same(&answer), same);
        }
        assert!(!opening.answers(&Message::read("{\"id\":1,\"result\":{\"a\":1}}").unwrap()));
    }

    #[test]
    fn a_host_with_state_in_its_server_is_not_deceived() {
        for method in ["resources/subscribe", "logging/setLevel", "tasks/get"] {
            let mut opening = opened();
            leave(
                &mut opening,
                &format!("{{\"id\":1,\"method\":\"{method}\"}}"),
            );
            let never = Resumption::Never(format!("the host has made state by {method}"));
            assert_eq!(opening.resumption(), never);
        }
    }

    #[test]
    fn an_initialize_that_was_not_answered_is_not_told_again() {
        let mut opening = opened();
        leave(&mut opening, INITIALIZE);
        assert_eq!(opening.resumption(), Resumption::Nothing);
    }
}
