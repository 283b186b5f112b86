//! `pqfw mcp connect`: an MCP host talks to this process's standard input and output as if the server
//! were its child.
//!
//! ```text
//!             ┌──────▶ flights, opening ──────▶ channel        a line goes as the bytes it came in
//!   host ─────┤  up        (noted)
//!             └◀─ outbox ◀── refused
//!        ◀──────────────────── down ◀────────── channel
//! ```

use std::sync::{Mutex, MutexGuard, PoisonError};

use pqfw_framework::lines::Lines;
use pqfw_framework::system::{Event, RunError};
use pqfw_framework::transport::{BoxFuture, StreamWriter};
use pqfw_framework::waiting::{First, race, within};

use super::answer::{Code, error};
use super::caller::{Caller, Session};
use super::error::BridgeError;
use super::flights::{Flights, Leave};
use super::message::Message;
use super::pipe::{Bad, Came, Judge, Outbox};
use super::purpose::{Parting, Purpose};
use super::resume::{Opening, Resumption};

/// Talks until the host or the server is done.
///
/// # Errors
/// [`RunError`] for a server that cannot be reached at first, is not believed, or ends by itself.
pub async fn run(caller: &Caller, stop: BoxFuture<'static, ()>) -> Result<(), RunError> {
    let standard = caller.host.outside.standard.open();
    let input = Judge::new(Lines::new(standard.reader, caller.bounds.message_bytes));
    let mut host = HostEnd {
        input,
        output: standard.writer,
    };
    let talk = Talk {
        caller,
        state: Mutex::default(),
    };
    // Asked to stop, it goes without a word, which the server's end takes for what it is.
    match race(stop, talk.run(&mut host)).await {
        First::Left(()) => Ok(()),
        First::Right(done) => Ok(done?),
    }
}

struct HostEnd {
    input: Judge,
    output: Box<dyn StreamWriter>,
}

struct Talk<'a> {
    caller: &'a Caller,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    flights: Flights,
    opening: Opening,
    /// The host has ended its direction.
    done: bool,
}

/// How a session ended.
enum Over {
    /// Both ends did, as they should; or the server did by itself.
    Ended(String),
    /// The channel is gone, or the server's end has given the session up.
    Lost(String),
    /// The host takes nothing any more.
    HostGone(BridgeError),
}

impl Talk<'_> {
    async fn run(&self, host: &mut HostEnd) -> Result<(), BridgeError> {
        let mut session = self.caller.open(Purpose::Stdio).await?;
        let mut first = None;
        loop {
            let over = self.carry(session, host, first.take()).await;
            let done = self.state().done;
            let reason = match &over {
                Over::HostGone(error) => return Err(error.clone()),
                Over::Ended(how) => format!("the MCP server has ended: {how}"),
                Over::Lost(why) => format!("the channel was lost: {why}"),
            };
            let left = self.state().flights.lost();
            for id in &left {
                let text = format!("{reason}; whether the call was carried out is not known");
                let line = error(Some(id), Code::ChannelLost, &text);
                host.output.write_all(line.as_bytes()).await?;
            }
            match over {
                Over::Ended(_) if done && left.is_empty() => return Ok(()),
                Over::Ended(how) => return Err(BridgeError::ServerEnded(how)),
                Over::Lost(_) if done => return Err(BridgeError::NotResumed(reason)),
                Over::Lost(_) | Over::HostGone(_) => self.warn(&reason),
            }
            match self.again(host).await? {
                Some((opened, line)) => (session, first) = (opened, Some(line)),
                None => return Ok(()),
            }
        }
    }

    /// Carries one session to its end.
    async fn carry(&self, session: Session, host: &mut HostEnd, first: Option<String>) -> Over {
        let Session { lines, mut writer } = session;
        let mut server = Judge::new(lines);
        let outbox = Outbox::default();
        let HostEnd { input, output } = host;
        let up = async {
            if let Some(line) = first
                && let Err(error) = writer.write_all(line.as_bytes()).await
            {
                return Over::Lost(error.to_string());
            }
            loop {
                let written = match input.next().await {
                    Ok(Some(Came::Message(line, message))) => match self.leaves(line, &message) {
                        Leave::Go => writer.write_all(line.as_bytes()).await,
                        Leave::Stale => Ok(()),
                        Leave::Busy => {
                            let text =
                                "too many calls are under way, or its identifier is too long";
                            outbox.put(error(message.id, Code::Busy, text)).await;
                            Ok(())
                        }
                    },
                    Ok(Some(Came::Blank)) => Ok(()),
                    Ok(Some(Came::Bad(bad))) => {
                        outbox.extend(self.refused(&bad)).await;
                        Ok(())
                    }
                    Ok(Some(Came::Parting(_))) => {
                        let text = "a line that is not exactly one JSON value";
                        outbox.put(error(None, Code::Parse, text)).await;
                        Ok(())
                    }
                    Ok(None) | Err(_) => {
                        self.state().done = true;
                        if let Err(error) = writer.finish().await {
                            return Over::Lost(error.to_string());
                        }
                        // The server ends in its turn, with whatever it has still to say.
                        std::future::pending().await
                    }
                };
                if let Err(error) = written {
                    return Over::Lost(error.to_string());
                }
            }
        };
        let down = async {
            loop {
                let written = match race(outbox.next(), server.next()).await {
                    First::Left(line) => output.write_all(line.as_bytes()).await,
                    First::Right(came) => match came {
                        Ok(Some(Came::Message(line, message))) => {
                            self.lands(&message);
                            output.write_all(line.as_bytes()).await
                        }
                        Ok(Some(Came::Parting(Parting::Ended(how)))) => return Over::Ended(how),
                        Ok(Some(Came::Parting(Parting::Lost(why)))) => return Over::Lost(why),
                        Ok(Some(Came::Blank)) => Ok(()),
                        Ok(Some(Came::Bad(bad))) => match self.unreadable(&bad) {
                            Some(line) => output.write_all(line.as_bytes()).await,
                            None => return Over::Lost(format!("it sent {}", bad.reason)),
                        },
                        Ok(None) => return Over::Lost("the server's end closed it".into()),
                        Err(error) => return Over::Lost(error.to_string()),
                    },
                };
                if let Err(error) = written {
                    return Over::HostGone(error.into());
                }
            }
        };
        let over = match race(down, up).await {
            First::Left(over) | First::Right(over) => over,
        };
        for line in outbox.rest() {
            if let Err(error) = output.write_all(line.as_bytes()).await {
                return Over::HostGone(error.into());
            }
        }
        over
    }

    /// Waits for the host's next message and opens another session for it; until that succeeds,
    /// every call is answered with why it does not. `None` when the host is done.
    async fn again(&self, host: &mut HostEnd) -> Result<Option<(Session, String)>, BridgeError> {
        loop {
            let (line, id, answer) = match host.input.next().await {
                Ok(Some(Came::Message(line, message))) => match self.leaves(line, &message) {
                    Leave::Go => {
                        let id = message.id.filter(|_| message.is_request());
                        (line.to_owned(), id.map(str::to_owned), None)
                    }
                    Leave::Stale => continue,
                    Leave::Busy => {
                        let busy = error(message.id, Code::Busy, "its identifier is too long");
                        (String::new(), None, Some(busy))
                    }
                },
                Ok(Some(Came::Bad(bad))) => (String::new(), None, self.refused(&bad)),
                Ok(Some(Came::Blank | Came::Parting(_))) => continue,
                Ok(None) | Err(_) => return Ok(None),
            };
            if let Some(answer) = answer {
                host.output.write_all(answer.as_bytes()).await?;
                continue;
            }
            let reason = match self.resume().await {
                Ok(session) => return Ok(Some((session, line))),
                Err(reason) => reason,
            };
            if let Some(id) = id {
                self.state().flights.over(&id);
                let text = format!("there is no channel to the server: {reason}");
                let answer = error(Some(&id), Code::NoChannel, &text);
                host.output.write_all(answer.as_bytes()).await?;
            }
            if matches!(reason, BridgeError::NotResumed(_)) {
                return Err(reason);
            }
            self.warn(&reason.to_string());
        }
    }

    /// Opens a session and brings it to where the last one was.
    async fn resume(&self) -> Result<Session, BridgeError> {
        let resumption = self.state().opening.resumption();
        let (initialize, initialized) = match resumption {
            Resumption::Never(why) => return Err(BridgeError::NotResumed(why)),
            Resumption::Nothing => return self.caller.open(Purpose::Stdio).await,
            Resumption::Handshake {
                initialize,
                initialized,
            } => (initialize, initialized),
        };
        let mut session = self.caller.open(Purpose::Stdio).await?;
        session.writer.write_all(initialize.as_bytes()).await?;
        let world = &*self.caller.host.world;
        let answer = within(
            world,
            self.caller.bounds.opening,
            self.initialized(&mut session),
        );
        let same = answer.await.ok_or(BridgeError::Early)??;
        if !same {
            let text = "it introduces itself otherwise than the one before".to_owned();
            return Err(BridgeError::NotResumed(text));
        }
        if let Some(line) = initialized {
            session.writer.write_all(line.as_bytes()).await?;
        }
        Ok(session)
    }

    /// Whether a new server answers `initialize` as the one before did.
    async fn initialized(&self, session: &mut Session) -> Result<bool, BridgeError> {
        loop {
            let line = match session.lines.next().await? {
                Some(Ok(line)) => line,
                Some(Err(error)) => return Err(BridgeError::FirstLine(error.to_string())),
                None => return Err(BridgeError::Early),
            };
            match (Message::read(line), Parting::parse(line)) {
                (Ok(message), _) => {
                    let state = self.state();
                    if state.opening.answers(&message) {
                        return Ok(state.opening.same(&message));
                    }
                }
                (Err(_), Some(Parting::Ended(how))) => return Err(BridgeError::ServerEnded(how)),
                (Err(_), Some(Parting::Lost(why))) => return Err(BridgeError::Refused(why)),
                (Err(_), None) => {}
            }
        }
    }

    fn leaves(&self, line: &str, message: &Message<'_>) -> Leave {
        let mut state = self.state();
        let leave = state.flights.leave(message);
        if leave == Leave::Go {
            state.opening.leave(line, message);
        }
        leave
    }

    fn lands(&self, message: &Message<'_>) {
        let mut state = self.state();
        state.flights.land(message);
        state.opening.land(message);
    }

    /// What a host is told of a line that is not passed on; nothing, when it was an answer.
    fn refused(&self, bad: &Bad) -> Option<String> {
        self.warn(&format!("not passed on, from the host: {}", bad.reason));
        match &bad.salvaged {
            Some((_, false)) => None,
            Some((id, true)) => Some(error(Some(id), Code::Parse, &bad.reason)),
            None => Some(error(None, Code::Parse, &bad.reason)),
        }
    }

    /// What a host is told in place of an answer that is not passed on.
    fn unreadable(&self, bad: &Bad) -> Option<String> {
        let (id, calls) = bad.salvaged.as_ref()?;
        if *calls {
            return None;
        }
        self.state().flights.over(id);
        Some(error(Some(id), Code::AnswerTooLong, &bad.reason))
    }

    fn warn(&self, text: &str) {
        self.caller.host.report.event(&Event::Warning(text.into()));
    }

    /// Whoever holds it makes one change, which no panic can leave half made.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
