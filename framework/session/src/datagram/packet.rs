//! What a datagram holds, from its bytes and back.

use pqfw_framework::wire::{Reader, WireError, Writer};

const PART: u8 = 30;
const DEMAND: u8 = 31;
const SEALED: u8 = 32;

/// A flight is cut every so many bytes: a part has 1 134 with its head, and QUIC's datagrams take it.
pub(super) const PART_BYTES: usize = 1100;

/// The most that a flight has.
pub(super) const MOST_FLIGHT: usize = 524_288;

/// Kind, session and counter before what is sealed, which is bound to them.
pub(super) const DATA_HEAD: usize = 25;

pub(super) const HELLO: u8 = 1;
pub(super) const ANSWER: u8 = 2;
pub(super) const FINISH: u8 = 3;
pub(super) const WELCOME: u8 = 4;

/// The name of an attempt: the beginning of its hello's hash.
pub(super) type AttemptName = [u8; 8];
pub(super) type Token = [u8; 16];
pub(super) type SessionId = [u8; 16];

/// What stands in the place of a token where there is none.
pub(super) const NO_TOKEN: Token = [0; 16];

/// A datagram whose fields are within their limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datagram<'a> {
    Part(Part<'a>),
    /// The responder demands this token.
    Demand(AttemptName, Token),
    Sealed(Sealed<'a>),
}

/// A piece of a flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) attempt: AttemptName,
    pub(super) flight: u8,
    pub(super) token: Token,
    /// How long the flight is.
    pub(super) total: usize,
    pub(super) offset: usize,
    pub(super) bytes: &'a [u8],
}

/// Data or an alert of an open session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    pub(super) head: &'a [u8],
    pub(super) session: SessionId,
    pub(super) counter: u64,
    pub(super) body: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// Reads a datagram; `None` for what is to be dropped.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        match *bytes.first()? {
            PART => Part::read(bytes).ok().filter(Part::fits).map(Self::Part),
            DEMAND => read_demand(bytes).ok(),
            SEALED => read_sealed(bytes).ok(),
            _ => None,
        }
    }
}

impl<'a> Part<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        reader.u8("kind")?;
        Ok(Self {
            attempt: reader.array("attempt")?,
            flight: reader.u8("flight")?,
            token: reader.array("token")?,
            total: usize::try_from(reader.u32("total")?).unwrap_or(usize::MAX),
            offset: usize::try_from(reader.u32("offset")?).unwrap_or(usize::MAX),
            bytes: reader.bytes("part", reader.remaining())?,
        })
    }

    /// Whether it is one of the pieces that its flight is cut into.
    fn fits(&self) -> bool {
        (HELLO..=WELCOME).contains(&self.flight)
            && self.total <= MOST_FLIGHT
            && self.offset < self.total
            && self.offset.is_multiple_of(PART_BYTES)
            && self.bytes.len() == PART_BYTES.min(self.total - self.offset)
    }

    pub(super) fn is_first(&self) -> bool {
        self.offset == 0
    }
}

fn read_demand(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
    let mut reader = Reader::new(bytes);
    reader.u8("kind")?;
    let (attempt, token) = (reader.array("attempt")?, reader.array("token")?);
    reader.finish()?;
    Ok(Datagram::Demand(attempt, token))
}

fn read_sealed(bytes: &[u8]) -> Result<Datagram<'_>, WireError> {
    let mut reader = Reader::new(bytes);
    let head = reader.clone().bytes("head", DATA_HEAD)?;
    reader.u8("kind")?;
    Ok(Datagram::Sealed(Sealed {
        head,
        session: reader.array("session")?,
        counter: reader.u64("counter")?,
        body: reader.bytes("sealed", reader.remaining())?,
    }))
}

/// The parts of a flight, in order.
pub(super) fn parts(
    attempt: AttemptName,
    flight: u8,
    token: Token,
    bytes: &[u8],
) -> impl Iterator<Item = Vec<u8>> {
    // Every flight that is made was limited before.
    let total = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let offsets = (0..total).step_by(PART_BYTES);
    bytes
        .chunks(PART_BYTES)
        .zip(offsets)
        .map(move |(piece, offset)| {
            let mut part = Writer::new();
            part.u8(PART).bytes(&attempt).u8(flight).bytes(&token);
            part.u32(total).u32(offset).bytes(piece);
            part.finish()
        })
}

/// The demand for a token: shorter than any part.
pub(super) fn demand(attempt: AttemptName, token: Token) -> Vec<u8> {
    let mut demand = Writer::new();
    demand.u8(DEMAND).bytes(&attempt).bytes(&token);
    demand.finish()
}

/// What stands before data, and what it is bound to.
pub(super) fn data_head(session: SessionId, counter: u64) -> Vec<u8> {
    let mut head = Writer::new();
    head.u8(SEALED).bytes(&session).u64(counter);
    head.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_is_cut_into_parts_that_are_read_again() {
        for length in [1, 1099, 1100, 1101, 2200, 5000, MOST_FLIGHT] {
            let flight: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
            let mut joined = Vec::new();
            for part in parts([1; 8], FINISH, [2; 16], &flight) {
                assert!(part.len() <= 1134);
                let Some(Datagram::Part(part)) = Datagram::read(&part) else {
                    unreachable!("a part of our own")
                };
                assert_eq!(
                    (part.attempt, part.flight, part.token),
                    ([1; 8], FINISH, [2; 16])
                );
                assert_eq!((part.total, part.offset), (length, joined.len()));
                joined.extend_from_slice(part.bytes);
            }
            assert!(joined == flight);
        }
    }

    /// A part with these fields.
    fn part(flight: u8, total: u32, offset: u32, length: usize) -> Vec<u8> {
        let mut bytes = vec![PART; 26];
        bytes[9] = flight;
        bytes.extend(total.to_be_bytes());
        bytes.extend(offset.to_be_bytes());
        bytes.resize(34 + length, 7);
        bytes
    }

    #[test]
    fn a_part_is_a_piece_of_its_flight_or_nothing() {
        let read = |flight, total, offset, length| {
            Datagram::read(&part(flight, total, offset, length)).is_some()
        };
        assert!(read(1, 1100, 0, 1100) && read(4, 1101, 1100, 1) && read(2, 524_288, 0, 1100));
        for (flight, total, offset, length) in [
            (0, 5, 0, 5),
            (5, 5, 0, 5),
            (1, 0, 0, 0),
            (1, 5, 0, 0),
            (1, 5, 0, 4),
            (1, 5, 0, 6),
            (1, 5, 5, 0),
            (1, 1100, 1100, 0),
            (1, 3000, 1, 1100),
            (1, 3000, 1100, 1099),
            (1, 3000, 2200, 801),
            (1, 3000, u32::MAX, 1),
            (1, 524_289, 0, 1100),
            (1, u32::MAX, 0, 1100),
        ] {
            assert!(
                !read(flight, total, offset, length),
                "{total} {offset} {length}"
            );
        }
    }

    #[test]
    fn what_is_cut_off_goes_on_or_is_of_another_kind_is_nothing() {
        let demand = demand([1; 8], [2; 16]);
        assert_eq!(
            Datagram::read(&demand),
            Some(Datagram::Demand([1; 8], [2; 16]))
        );
        let shortest = parts([1; 8], 1, NO_TOKEN, &[1]).next().unwrap();
        assert!(demand.len() < shortest.len());
        let data = data_head([3; 16], 9);
        assert_eq!(data.len(), DATA_HEAD);
        let Some(Datagram::Sealed(sealed)) = Datagram::read(&data) else {
            unreachable!("a head of our own")
        };
        assert_eq!((sealed.session, sealed.counter), ([3; 16], 9));
        assert!(sealed.body.is_empty() && sealed.head == data);
        for whole in [&demand, &shortest, &data] {
            for cut in 0..whole.len() {
                assert_eq!(Datagram::read(&whole[..cut]), None);
            }
        }
        assert_eq!(Datagram::read(&[&demand[..], &[0]].concat()), None);
        for kind in [0, 21, 22, 23, 29, 33, 255] {
            assert_eq!(Datagram::read(&[kind; 100]), None);
        }
    }
}
