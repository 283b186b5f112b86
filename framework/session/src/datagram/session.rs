//! An open channel: data under explicit counters, each accepted once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::transport::Packet;
use pqfw_framework::world::Now;
use zeroize::Zeroizing;

use super::Limits;
use super::packet::{DATA_HEAD, Sealed, SessionId, data_head};
use crate::alert::Alert;
use crate::channel::{FRESH_AFTER, FRESH_AFTER_BYTES};
use crate::epoch::{EpochKey, EpochKeys, Lookup};
use crate::error::ChannelError;
use crate::handshake::{About, Opened, Role};
use crate::record::{ALERT, DATA};
use crate::replay::ReplayWindow;

type Result<T> = std::result::Result<T, ChannelError>;

/// An open channel.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) peer: SocketAddr,
    /// Who the peer has proved to be.
    pub(super) identity: Fingerprint,
    role: Role,
    /// The counter of the last datagram of ours.
    counter: u64,
    outgoing: EpochKeys,
    incoming: EpochKeys,
    window: ReplayWindow,
    tag: usize,
    bytes: u64,
    made: Duration,
    /// When something was sealed or opened last.
    used: Duration,
}

/// What a datagram held.
pub(super) enum Received {
    Data(Vec<u8>),
    /// The session is over.
    Ended(Ending),
}

/// Why a channel is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The peer said `close_notify`.
    Closed,
    /// Nothing came or went for too long.
    Idle,
    /// It has lived as long as it may: its keys are not to grow older.
    Old,
    /// Others with more recent traffic needed its place.
    Displaced,
    /// The peer ended it, or more records were forged than its AEAD allows.
    Failed(ChannelError),
}

impl Session {
    /// Goes on from a handshake. `None` when its session has no name, which no handshake gives.
    pub(super) fn new(opened: Opened, peer: SocketAddr, now: Now) -> Option<(Self, About)> {
        let session = Self {
            id: opened.about.session.as_slice().try_into().ok()?,
            peer,
            identity: opened.about.peer.fingerprint().clone(),
            role: opened.role,
            counter: 0,
            tag: opened.outgoing.tag(),
            outgoing: EpochKeys::new(&opened.suite, opened.outgoing.into_secret()),
            incoming: EpochKeys::new(&opened.suite, opened.incoming.into_secret()),
            window: ReplayWindow::new(),
            bytes: 0,
            made: now.since_start,
            used: now.since_start,
        };
        Some((session, opened.about))
    }

    /// The most content of a datagram that may be so large.
    pub(super) fn most_content(&self, datagram: usize) -> usize {
        datagram.saturating_sub(DATA_HEAD + 1 + self.tag)
    }

    /// Seals data into a datagram.
    pub(super) fn data(&mut self, now: Now, data: &[u8]) -> Result<Packet> {
        let age = now.since_start.saturating_sub(self.made);
        let worn_out = age >= FRESH_AFTER || self.bytes >= FRESH_AFTER_BYTES;
        if worn_out && self.role == Role::Initiator {
            return Err(ChannelError::Closed);
        }
        self.seal(now, DATA, data)
    }

    /// Says that it is over.
    pub(super) fn close_notify(&mut self, now: Now) -> Result<Packet> {
        self.seal(now, ALERT, &[Alert::CloseNotify.code()])
    }

    /// `welcome` took 0 of the responder's direction; both begin at 1.
    fn seal(&mut self, now: Now, inner: u8, content: &[u8]) -> Result<Packet> {
        let counter = self.counter.checked_add(1).ok_or(ChannelError::Closed)?;
        let Lookup::Key(key) = self.outgoing.key(counter)? else {
            return Err(ChannelError::Closed);
        };
        self.counter = counter;
        self.outgoing.advance(counter);
        let head = data_head(self.id, counter);
        let mut bytes = head.clone();
        key.traffic
            .seal(counter, Some(&head), &mut bytes, content, inner)?;
        self.count(now, content.len());
        let peer = self.peer;
        Ok(Packet { peer, bytes })
    }

    /// Opens a datagram; `None` for what is to be dropped.
    pub(super) fn open(&mut self, now: Now, sealed: &Sealed<'_>) -> Option<Received> {
        let counter = sealed.counter;
        if counter == 0 || !self.window.is_new(counter) {
            return None;
        }
        let Ok(Lookup::Key(key)) = self.incoming.key(counter) else {
            return None;
        };
        let mut body = Zeroizing::new(sealed.body.to_vec());
        let Ok((inner, length)) = key.traffic.open(counter, sealed.head, &mut body) else {
            return failed(&key);
        };
        self.window.accept(counter);
        self.incoming.advance(counter);
        self.count(now, length);
        let content = body.get(..length).unwrap_or_default();
        match (inner, content) {
            (DATA, content) => Some(Received::Data(content.to_vec())),
            (ALERT, [code]) if *code == Alert::CloseNotify.code() => {
                Some(Received::Ended(Ending::Closed))
            }
            (ALERT, [code]) => {
                let (code, proven) = (*code, true);
                let error = ChannelError::RefusedByPeer { code, proven };
                Some(Received::Ended(Ending::Failed(error)))
            }
            _ => None,
        }
    }

    /// Why it is over, if it is.
    pub(super) fn ending(&self, now: Now, limits: &Limits) -> Option<Ending> {
        let since = |moment| now.since_start.saturating_sub(moment);
        if since(self.made) >= limits.age {
            return Some(Ending::Old);
        }
        (since(self.used) >= limits.idle).then_some(Ending::Idle)
    }

    /// When it will be over, if nothing comes or goes.
    pub(super) fn due(&self, limits: &Limits) -> Duration {
        let age = self.made.saturating_add(limits.age);
        age.min(self.used.saturating_add(limits.idle))
    }

    /// Whether somebody else began it.
    pub(super) fn is_accepted(&self) -> bool {
        self.role == Role::Responder
    }

    /// When something came or went last.
    pub(super) fn used(&self) -> Duration {
        self.used
    }

    fn count(&mut self, now: Now, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes = self.bytes.saturating_add(bytes);
        self.used = now.since_start;
    }
}

/// Notes a record that does not open, of which an AEAD allows so many.
fn failed(key: &Arc<EpochKey>) -> Option<Received> {
    key.note_failure();
    let error = ChannelError::Refused {
        alert: Alert::BadRecordMac,
        reason: "as many records that do not open as the AEAD allows",
    };
    key.is_used_up()
        .then_some(Received::Ended(Ending::Failed(error)))
}

#[cfg(test)]
mod tests {
    use pqfw_framework::secret::SecretBytes;

    use super::super::packet::Datagram;
    use super::*;
    use crate::people::{CHEAP, suite};

    const NOW: Now = Now {
        since_start: Duration::ZERO,
        unix_micros: 0,
    };

    /// An end of a session whose keys everybody knows.
    fn end(role: Role) -> Session {
        let suite = Arc::new(suite(CHEAP));
        let keys = |byte| EpochKeys::new(&suite, SecretBytes::copy_of(&[byte; 32]));
        let (outgoing, incoming) = match role {
            Role::Initiator => (1, 2),
            Role::Responder => (2, 1),
        };
        Session {
            id: [7; 16],
            peer: ([192, 0, 2, 1], 1).into(),
            identity: Fingerprint::of_spki(&suite.digest, b"a peer"),
            role,
            counter: 0,
            outgoing: keys(outgoing),
            incoming: keys(incoming),
            window: ReplayWindow::new(),
            tag: 16,
            bytes: 0,
            made: Duration::ZERO,
            used: Duration::ZERO,
        }
    }

    fn ends() -> (Session, Session) {
        (end(Role::Initiator), end(Role::Responder))
    }

    fn open(session: &mut Session, packet: &Packet) -> Option<Received> {
        let Some(Datagram::Sealed(sealed)) = Datagram::read(&packet.bytes) else {
            unreachable!("sealed by the other end")
        };
        session.open(NOW, &sealed)
    }

    fn is_data(received: Option<Received>) -> bool {
        matches!(received, Some(Received::Data(_)))
    }

    #[test]
    fn a_sealed_alert_ends_the_session_and_says_why() {
        for (code, ending) in [
            (0, Ending::Closed),
            (
                80,
                Ending::Failed(ChannelError::RefusedByPeer {
                    code: 80,
                    proven: true,
                }),
            ),
        ] {
            let (mut near, mut far) = ends();
            let alert = near.seal(NOW, ALERT, &[code]).unwrap();
            let Some(Received::Ended(ended)) = open(&mut far, &alert) else {
                panic!("it goes on");
            };
            assert_eq!(ended, ending);
        }
    }

    #[test]
    fn what_opens_and_is_nothing_is_dropped() {
        let (mut near, mut far) = ends();
        for (inner, content) in [(ALERT, &[][..]), (ALERT, &[1, 2]), (22, b"x"), (99, b"x")] {
            let packet = near.seal(NOW, inner, content).unwrap();
            assert!(open(&mut far, &packet).is_none(), "{inner}");
        }
        assert!(is_data(open(&mut far, &near.data(NOW, b"x").unwrap())));
    }

    #[test]
    fn zero_is_welcomes_counter_and_nobody_elses() {
        let (mut near, mut far) = ends();
        let Ok(Lookup::Key(key)) = near.outgoing.key(0) else {
            unreachable!("epoch 0 is in reach")
        };
        let head = data_head(near.id, 0);
        let mut bytes = head.clone();
        let sealed = key.traffic.seal(0, Some(&head), &mut bytes, b"x", DATA);
        sealed.unwrap();
        let peer = near.peer;
        assert!(open(&mut far, &Packet { peer, bytes }).is_none());
        assert!(is_data(open(&mut far, &near.data(NOW, b"x").unwrap())));
    }

    #[test]
    fn below_the_window_nothing_is_taken() {
        let (mut near, mut far) = ends();
        let packets: Vec<_> = (0..4098).map(|_| near.data(NOW, b"x").unwrap()).collect();
        assert!(is_data(open(&mut far, &packets[4096])));
        assert!(open(&mut far, &packets[0]).is_none(), "4 096 below");
        assert!(is_data(open(&mut far, &packets[1])));
        assert!(is_data(open(&mut far, &packets[4097])));
    }

    #[test]
    fn an_epoch_that_is_far_away_is_dropped() {
        let (mut near, mut far) = ends();
        // The sender itself goes no further than that at once.
        for (epoch, taken) in [
            (1, true),
            (65, true),
            (98, false),
            (130, false),
            (129, true),
        ] {
            near.counter = epoch << 16;
            let packet = near.data(NOW, b"x").unwrap();
            // 98 is lost.
            assert!(
                epoch == 98 || is_data(open(&mut far, &packet)) == taken,
                "{epoch}"
            );
        }
        near.counter = u64::MAX;
        assert_eq!(near.data(NOW, b"x"), Err(ChannelError::Closed));
        near.counter = 1 << 40;
        assert_eq!(near.data(NOW, b"x"), Err(ChannelError::Closed));
    }

    #[test]
    fn two_to_the_thirty_six_bytes_are_enough_for_the_initiator() {
        let (mut near, mut far) = ends();
        near.bytes = (1 << 36) - 1;
        near.data(NOW, b"x").unwrap();
        assert_eq!(near.data(NOW, b"x"), Err(ChannelError::Closed));
        assert!(near.close_notify(NOW).is_ok());
        far.bytes = u64::MAX;
        assert!(is_data(open(&mut near, &far.data(NOW, b"x").unwrap())));
    }
}
