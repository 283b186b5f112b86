//! What stands in a data frame: an IP packet, a control text, or nothing but padding.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::{MOST_CONTROL, MOST_PACKET};

/// The first byte of a control text.
const CONTROL: u8 = 0x01;
/// The first byte of a cell of a circuit.
const CELL: u8 = 0x02;

/// A plaintext that is none: the peer's fault, who is authenticated. The frame is dropped.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ContentError {
    /// A first byte that means nothing.
    #[error("a plaintext of kind {0:#04x}")]
    Kind(u8),
    /// A cell: this node has no circuits.
    #[error("a cell of a circuit, of which this node has none")]
    Cell,
    /// A packet that is shorter than it says, or longer than any.
    #[error("an IP packet of another length than it says")]
    Packet,
    /// A control text that cannot be read.
    #[error("a control text that cannot be read")]
    Control,
}

/// What stands in a data frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// An IP packet, without the padding behind it.
    Packet(&'a [u8]),
    /// A word between the two nodes.
    Control(Control),
    /// Nothing.
    Padding,
}

/// A word between the two nodes, as JSON.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Control {
    /// I am here; and, without `ack`, are you?
    #[serde(rename = "KEEPALIVE")]
    Keepalive {
        /// The session, 16 hexadecimal digits.
        sessionid: String,
        /// Seconds since 1970.
        timestamp: u64,
        /// The sender.
        peerid: String,
        /// For how many seconds the sender has been running.
        uptime: u64,
        /// Whether this is the answer.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ack: bool,
    },
    /// Are you at the address where this arrives?
    #[serde(rename = "PATH_CHALLENGE")]
    PathChallenge {
        /// 16 hexadecimal digits.
        data: String,
    },
    /// I am.
    #[serde(rename = "PATH_RESPONSE")]
    PathResponse {
        /// As in the challenge.
        data: String,
    },
    /// Has this arrived, as long as it is with what pads it?
    #[serde(rename = "PROBE")]
    Probe {
        /// 16 hexadecimal digits.
        data: String,
    },
    /// It has.
    #[serde(rename = "PROBE_ACK")]
    ProbeAck {
        /// As in the probe.
        data: String,
    },
    /// The session ends.
    #[serde(rename = "CLOSE")]
    Close {},
}

impl Control {
    /// The plaintext.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        // A structure of strings and numbers always has a text.
        let text = serde_json::to_vec(self).unwrap_or_default();
        [&[CONTROL], text.as_slice()].concat()
    }
}

impl<'a> Content<'a> {
    /// Reads a plaintext.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn read(plaintext: &'a [u8]) -> Result<Self, ContentError> {
        match plaintext {
            [] | [0, ..] => Ok(Self::Padding),
            [CONTROL, text @ ..] => {
                let end = text.iter().rposition(|byte| *byte != 0);
                let text = end.and_then(|end| text.get(..=end)).unwrap_or_default();
                if text.len() > MOST_CONTROL {
                    return Err(ContentError::Control);
                }
                let control = serde_json::from_slice(text);
                control.map_or(Err(ContentError::Control), |read| Ok(Self::Control(read)))
            }
            [CELL, ..] => Err(ContentError::Cell),
            [first, ..] if matches!(first >> 4, 4 | 6) => {
                let length = packet_length(plaintext).ok_or(ContentError::Packet)?;
                let packet = plaintext.get(..length).ok_or(ContentError::Packet)?;
                Ok(Self::Packet(packet))
            }
            [first, ..] => Err(ContentError::Kind(*first)),
        }
    }
}

/// The length that an IP packet says it has (RFC 791 section 3.1, RFC 8200 section 3); `None` for
/// less than a head, or more than fits.
#[must_use]
pub fn packet_length(packet: &[u8]) -> Option<usize> {
    let be16 = |a: &u8, b: &u8| usize::from(u16::from_be_bytes([*a, *b]));
    let (length, least) = match packet {
        [first, _, a, b, ..] if first >> 4 == 4 => (be16(a, b), 20),
        [first, _, _, _, a, b, ..] if first >> 4 == 6 => (40 + be16(a, b), 40),
        _ => return None,
    };
    (least..=MOST_PACKET).contains(&length).then_some(length)
}

/// Sizes to which plaintexts are padded, so that lengths tell little.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets(Vec<usize>);

impl Buckets {
    /// Sorts the sizes; those above the longest packet are left out.
    #[must_use]
    pub fn new(mut sizes: Vec<usize>) -> Self {
        sizes.retain(|size| *size <= MOST_PACKET);
        sizes.sort_unstable();
        Self(sizes)
    }

    /// The size to which a plaintext is padded: its own when no bucket holds it.
    #[must_use]
    pub fn fit(&self, length: usize) -> usize {
        let mut sizes = self.0.iter().copied();
        sizes.find(|size| *size >= length).unwrap_or(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keepalive(ack: bool) -> Control {
        Control::Keepalive {
            sessionid: "0011223344556677".into(),
            timestamp: 7,
            peerid: "a".into(),
            uptime: 3,
            ack,
        }
    }

    #[test]
    fn a_keepalive_is_written_as_the_page_says() {
        let text = |ack| String::from_utf8(keepalive(ack).write()[1..].to_vec()).unwrap();
        let start = r#"{"type":"KEEPALIVE","sessionid":"0011223344556677","timestamp":7,"peerid":"a","uptime":3"#;
        assert_eq!(text(false), format!("{start}}}"));
        assert_eq!(text(true), format!("{start},\"ack\":true}}"));
    }

    #[test]
    fn padding_behind_a_plaintext_is_not_part_of_it() {
        for control in [keepalive(true), Control::Close {}] {
            let mut bytes = control.write();
            bytes.resize(700, 0);
            assert_eq!(Content::read(&bytes), Ok(Content::Control(control)));
        }
        let mut packet = vec![0x45, 0, 0, 24];
        packet.resize(128, 0);
        assert_eq!(Content::read(&packet), Ok(Content::Packet(&packet[..24])));
        let mut packet = vec![0x60, 0, 0, 0, 0, 8];
        packet.resize(128, 0);
        assert_eq!(Content::read(&packet), Ok(Content::Packet(&packet[..48])));
        assert_eq!(Content::read(&[0; 9]), Ok(Content::Padding));
        assert_eq!(Content::read(&[]), Ok(Content::Padding));
    }

    #[test]
    fn what_is_nothing_is_refused() {
        assert_eq!(Content::read(&[0x33]), Err(ContentError::Kind(0x33)));
        assert_eq!(Content::read(&[2, 0]), Err(ContentError::Cell));
        for bad in [
            &[0x45, 0, 0, 24][..],
            &[0x45; 3],
            &[0x60; 5],
            &[0x45, 0, 0, 19, 0],
        ] {
            assert_eq!(Content::read(bad), Err(ContentError::Packet));
        }
        let mut long = vec![b' '; MOST_CONTROL + 2];
        long[0] = 1;
        for bad in [
            &b"\x01"[..],
            b"\x01{}",
            b"\x01{\"type\":\"CLOSE\",\"x\":1}",
            &long,
        ] {
            assert_eq!(Content::read(bad), Err(ContentError::Control));
        }
    }

    #[test]
    fn buckets_hold_what_fits() {
        let buckets = Buckets::new(vec![512, 128, MOST_PACKET + 1]);
        let fits = [0, 128, 129, 512, 513].map(|length| buckets.fit(length));
        assert_eq!(fits, [128, 128, 512, 512, 513]);
        assert_eq!(Buckets::default().fit(7), 7);
    }

    proptest! {
        #[test]
        fn no_plaintext_panics(bytes: Vec<u8>, kind in 0..8_u8) {
            let bytes = [&[kind << 4 | kind][..], &bytes].concat();
            let _ = Content::read(&bytes);
            let _ = Content::read(&[&[CONTROL][..], &bytes].concat());
        }
    }
}
