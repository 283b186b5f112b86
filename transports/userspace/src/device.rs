//! Queues of packets, as smoltcp sees a device.

use std::collections::VecDeque;

use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

use crate::MOST_PACKETS;

/// Packets that have come, and packets that are to go.
pub(crate) struct Queues {
    pub(crate) come: VecDeque<Vec<u8>>,
    pub(crate) go: VecDeque<Vec<u8>>,
    mtu: usize,
}

impl Queues {
    pub(crate) fn new(mtu: usize) -> Self {
        Self {
            come: VecDeque::new(),
            go: VecDeque::new(),
            mtu,
        }
    }

    /// Whether a packet that is sent now would be dropped: smoltcp waits then.
    pub(crate) fn is_full(&self) -> bool {
        self.go.len() >= MOST_PACKETS
    }
}

impl Device for Queues {
    type RxToken<'a> = Come;
    type TxToken<'a> = Go<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Come, Go<'_>)> {
        // What is received may be answered.
        if self.is_full() {
            return None;
        }
        let packet = self.come.pop_front()?;
        Some((Come(packet), Go(&mut self.go)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Go<'_>> {
        (!self.is_full()).then_some(Go(&mut self.go))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

/// A packet that has come.
pub(crate) struct Come(Vec<u8>);

impl RxToken for Come {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

/// The room for a packet that is to go.
pub(crate) struct Go<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Go<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let written = write(&mut packet);
        self.0.push_back(packet);
        written
    }
}
