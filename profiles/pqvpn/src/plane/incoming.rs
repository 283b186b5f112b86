//! The half of the data plane that opens.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::node::Refusal;
use crate::peer_id::PeerId;
use crate::session::{Content, Control, Opener, SHARD_MASK};
use crate::wire::{Frame, HEAD};

/// How often the node is told that a session is alive, when nothing else happens in it.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// The half that opens.
#[derive(Default)]
pub struct Incoming {
    sessions: BTreeMap<u32, Session>,
}

struct Session {
    peer: PeerId,
    openers: Vec<Opener>,
    /// Where the last frame was from, when the node was told, and what has come since.
    from: Option<SocketAddr>,
    tell_at: Duration,
    bytes: usize,
}

/// What the node is told of frames that were opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// In which session.
    pub index: u32,
    /// From where the last of them was.
    pub from: SocketAddr,
    /// Whether no newer frame was opened before it.
    pub newest: bool,
    /// Bytes of them all.
    pub bytes: usize,
    /// What the other node says.
    pub control: Option<Control>,
    /// Whether the keys have failed so often that it is time for others.
    pub worn: bool,
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// Something for the node.
    Other,
    /// Nothing for anybody.
    Nothing,
    /// A frame that was refused.
    Refused(Refusal),
    /// A packet, from whom.
    Packet(PeerId, &'a mut [u8]),
}

impl Incoming {
    pub(super) fn begin(&mut self, index: u32, peer: PeerId, openers: Vec<Opener>) {
        let session = Session {
            peer,
            openers,
            from: None,
            tell_at: Duration::ZERO,
            bytes: 0,
        };
        self.sessions.insert(index, session);
    }

    pub(super) fn end(&mut self, index: u32) {
        self.sessions.remove(&index);
    }

    /// Opens a datagram in place, if it is a frame of a shard that is here; says what it was, and
    /// what the node is to be told.
    pub fn open<'a>(
        &mut self,
        now: Duration,
        from: SocketAddr,
        datagram: &'a mut [u8],
    ) -> (Taken<'a>, Option<Heard>) {
        let Ok(Frame::Data(head)) = Frame::read(datagram) else {
            return (Taken::Other, None);
        };
        let index = head.receiver & !SHARD_MASK;
        let shard = usize::try_from(head.receiver & SHARD_MASK).ok();
        let session = self.sessions.get_mut(&index);
        let (Some(session), Some(place)) = (session, shard.and_then(|shard| shard.checked_sub(1)))
        else {
            return (Taken::Other, None);
        };
        let Some(opener) = session.openers.get_mut(place) else {
            return (Taken::Other, None);
        };
        let bytes = datagram.len();
        let opened = match opener.open(now, datagram) {
            Ok(opened) => opened,
            Err(error) => {
                let worn = opener.is_wearing_out() && now >= session.tell_at;
                let heard = worn.then(|| session.tell(now, index, from, false, None, true));
                return (Taken::Refused(error.into()), heard);
            }
        };
        let newest = opened.newest;
        let read = Content::read(opened.plaintext);
        let control = match &read {
            Ok(Content::Control(control)) => Some(control.clone()),
            _ => None,
        };
        let packet = match read {
            Ok(Content::Packet(packet)) => Ok(Some(packet.len())),
            Ok(Content::Control(_) | Content::Padding) => Ok(None),
            Err(error) => Err(Refusal::from(error)),
        };
        session.bytes = session.bytes.saturating_add(bytes);
        let tells = session.from != Some(from) || now >= session.tell_at || control.is_some();
        let heard = tells.then(|| session.tell(now, index, from, newest, control, false));
        let taken = match packet {
            Ok(None) => Taken::Nothing,
            Err(refusal) => Taken::Refused(refusal),
            Ok(Some(length)) => match datagram.get_mut(HEAD..HEAD + length) {
                Some(packet) => Taken::Packet(session.peer, packet),
                None => Taken::Nothing,
            },
        };
        (taken, heard)
    }
}

impl Session {
    fn tell(
        &mut self,
        now: Duration,
        index: u32,
        from: SocketAddr,
        newest: bool,
        control: Option<Control>,
        worn: bool,
    ) -> Heard {
        if !worn {
            self.from = Some(from);
        }
        self.tell_at = now + TELL_AFTER;
        Heard {
            index,
            from,
            newest,
            bytes: std::mem::take(&mut self.bytes),
            control,
            worn,
        }
    }
}
