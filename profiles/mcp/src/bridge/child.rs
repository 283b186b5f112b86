//! One session with a child of its own: an unmodified MCP server on stdio.

use pqfw_framework::lines::Lines;
use pqfw_framework::process::{Child, ChildLimits, Command};
use pqfw_framework::splice::Activity;
use pqfw_framework::system::Event;
use pqfw_framework::transport::StreamWriter;
use pqfw_framework::waiting::{First, race, within};

use super::answer::{Code, error};
use super::audit::Outcome;
use super::error::BridgeError;
use super::message::Message;
use super::pipe::{Bad, Came, Judge, Outbox};
use super::purpose::Parting;
use super::serve::{Guest, Shared};

/// How a session ended.
enum Over {
    /// The child has ended its output.
    ChildEnded,
    /// The session is given up, and why.
    Lost(String),
    /// The host's end is gone.
    PeerGone(BridgeError),
}

impl Shared {
    /// Starts a child and carries the session to its end.
    pub(super) async fn with_child(
        &self,
        guest: &Guest,
        command: &Command,
        lines: Lines,
        mut writer: Box<dyn StreamWriter>,
    ) -> Result<(), BridgeError> {
        let limits = ChildLimits {
            at_once: self.bounds.children,
            grace: self.bounds.grace,
        };
        let processes = &self.host.outside.processes;
        let child = match processes.spawn(command, limits, self.host.report.clone()) {
            Ok(child) => child,
            Err(error) => {
                let _ = self.refuse(guest, &mut *writer, &error.to_string()).await;
                return Err(error.into());
            }
        };
        self.began(guest, &format!("with {}", child.connection.peer));
        let _open = self.metrics.session();
        let Child {
            connection: mut pipes,
            mut running,
        } = child;
        let mut peer = Judge::new(lines);
        let over = match self.welcome(&mut *writer).await {
            Err(error) => Over::PeerGone(error),
            Ok(()) => {
                let output = Lines::new(pipes.reader, self.bounds.message_bytes);
                let carried = self.carry(guest, &mut peer, &mut pipes.writer, output, &mut writer);
                carried.await
            }
        };
        // The child sees the end of its input, whatever happened.
        drop(pipes.writer);
        let how = match &over {
            Over::ChildEnded => within(&*self.host.world, self.bounds.grace, running.ended()).await,
            Over::Lost(why) => {
                let parting = Parting::Lost(why.clone()).line();
                self.last_words(&mut *writer, &parting).await;
                None
            }
            Over::PeerGone(_) => None,
        };
        let how = match how {
            Some(how) => how,
            None => running.stop().await,
        };
        let result = match over {
            Over::ChildEnded => {
                self.last_words(&mut *writer, &Parting::Ended(how.clone()).line())
                    .await;
                Ok(())
            }
            Over::Lost(why) => Err(BridgeError::NotServed(why)),
            Over::PeerGone(error) => Err(error),
        };
        self.ended(guest, &how);
        result
    }

    async fn carry(
        &self,
        guest: &Guest,
        peer: &mut Judge,
        stdin: &mut Box<dyn StreamWriter>,
        output: Lines,
        writer: &mut Box<dyn StreamWriter>,
    ) -> Over {
        let mut child = Judge::new(output);
        let outbox = Outbox::default();
        let activity = Activity::new(self.host.world.clone(), self.bounds.idle);
        let up = async {
            loop {
                match peer.next().await {
                    Ok(Some(Came::Message(line, message))) => {
                        activity.note();
                        match self.allowed(guest, line, &message) {
                            Ok(()) => {
                                if stdin.write_all(line.as_bytes()).await.is_err() {
                                    // Its output says how it ended, or the silence after.
                                    return Over::Lost("the MCP server reads no more".into());
                                }
                            }
                            Err(answer) => outbox.extend(answer).await,
                        }
                    }
                    Ok(Some(Came::Blank)) => {}
                    Ok(Some(Came::Bad(bad))) => outbox.extend(self.bad(guest, &bad)).await,
                    Ok(Some(Came::Parting(_))) => {
                        let text = "a line that is not exactly one JSON value";
                        outbox.put(error(None, Code::Parse, text)).await;
                    }
                    Ok(None) => {
                        // A direction of a pipe that is gone needs no end.
                        let _ = stdin.finish().await;
                        std::future::pending().await
                    }
                    Err(error) => return Over::PeerGone(error.into()),
                }
            }
        };
        let down = async {
            loop {
                let written = match race(outbox.next(), child.next()).await {
                    First::Left(line) => writer.write_all(line.as_bytes()).await,
                    First::Right(came) => match came {
                        Ok(Some(Came::Message(line, _))) => writer.write_all(line.as_bytes()).await,
                        Ok(Some(Came::Blank)) => Ok(()),
                        Ok(Some(Came::Bad(bad))) => match self.unreadable(guest, &bad) {
                            Ok(Some(line)) => writer.write_all(line.as_bytes()).await,
                            Ok(None) => Ok(()),
                            Err(why) => return Over::Lost(why),
                        },
                        Ok(Some(Came::Parting(_))) => Ok(()),
                        Ok(None) | Err(_) => return Over::ChildEnded,
                    },
                };
                activity.note();
                if let Err(error) = written {
                    return Over::PeerGone(error.into());
                }
            }
        };
        let ends = race(self.closing.wait(), activity.over());
        match race(race(down, up), ends).await {
            First::Left(First::Left(over) | First::Right(over)) => over,
            First::Right(First::Left(())) => Over::Lost("the server's end is stopping".into()),
            First::Right(First::Right(idle)) => Over::Lost(idle.to_string()),
        }
    }

    /// Whether a message may go on; else what is answered, if anybody waits for an answer.
    pub(super) fn allowed(
        &self,
        guest: &Guest,
        line: &str,
        message: &Message<'_>,
    ) -> Result<(), Option<String>> {
        let checked = guest
            .tools
            .as_ref()
            .map_or(Ok(()), |list| list.check(line, message));
        let outcome = match &checked {
            Ok(()) => Outcome::Forwarded,
            Err(refused) => Outcome::Refused(&refused.reason),
        };
        self.audit
            .message(&*self.host.world, guest, message, outcome);
        match outcome {
            Outcome::Forwarded => {
                let call = message.method.as_deref() == Some("tools/call");
                self.metrics.forwarded(call);
            }
            Outcome::Refused(_) => self.metrics.refused(),
        }
        checked.map_err(|refused| {
            let waits = message.id.is_some() || !message.calls;
            waits.then(|| error(message.id, refused.code, &refused.reason))
        })
    }

    /// What a peer is told of a line that is none.
    fn bad(&self, guest: &Guest, bad: &Bad) -> Option<String> {
        self.metrics.refused();
        self.audit.bad(&*self.host.world, guest, &bad.reason);
        match &bad.salvaged {
            Some((_, false)) => None,
            Some((id, true)) => Some(error(Some(id), Code::Parse, &bad.reason)),
            None => Some(error(None, Code::Parse, &bad.reason)),
        }
    }

    /// What a peer is told in place of a message of the child's that cannot be passed on. A long one
    /// that nobody can be told of ends the session: somebody may wait for it.
    fn unreadable(&self, guest: &Guest, bad: &Bad) -> Result<Option<String>, String> {
        let session = guest.session;
        let text = format!(
            "session {session}: not passed on, from the MCP server: {}",
            bad.reason
        );
        self.host.report.event(&Event::Warning(text));
        match &bad.salvaged {
            Some((id, false)) => Ok(Some(error(Some(id), Code::AnswerTooLong, &bad.reason))),
            Some((_, true)) => Ok(None),
            None if bad.long => Err(format!("the MCP server wrote {}", bad.reason)),
            None => Ok(None),
        }
    }

    fn began(&self, guest: &Guest, with: &str) {
        let (session, peer) = (guest.session, &guest.peer);
        let text = format!("session {session}: {peer}, {with}");
        self.host.report.event(&Event::Info(text));
        self.audit.session(&*self.host.world, guest, "began");
    }

    fn ended(&self, guest: &Guest, how: &str) {
        let session = guest.session;
        let text = format!("session {session}: the MCP server has ended: {how}");
        self.host.report.event(&Event::Info(text));
        self.audit.session(&*self.host.world, guest, "ended");
    }
}
