//! What nodes are told, what they want sent, and what an interceptor holds in its hands.

/// What a node is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A packet. Anybody could have written the sender there.
    Datagram {
        /// Who it says it is from.
        from: usize,
        /// The packet.
        bytes: Vec<u8>,
    },
    /// The next bytes of the stream from that node.
    Bytes {
        /// The other end.
        from: usize,
        /// At least one.
        bytes: Vec<u8>,
    },
    /// The other end ended its direction of the stream.
    End {
        /// The other end.
        from: usize,
    },
    /// The stream is gone, with what was on the way.
    Broken {
        /// The other end.
        from: usize,
    },
}

/// What a node wants sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// To whom.
    pub to: usize,
    /// What.
    pub what: Sent,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A packet.
    Datagram(Vec<u8>),
    /// Bytes on the stream to that node.
    Bytes(Vec<u8>),
    /// The end of this direction of the stream.
    End,
}

impl Departure {
    /// A packet to that node.
    #[must_use]
    pub fn datagram(to: usize, bytes: Vec<u8>) -> Self {
        let what = Sent::Datagram(bytes);
        Self { to, what }
    }

    /// Bytes on the stream to that node.
    #[must_use]
    pub fn bytes(to: usize, bytes: Vec<u8>) -> Self {
        let what = Sent::Bytes(bytes);
        Self { to, what }
    }

    /// The end of the stream to that node.
    #[must_use]
    pub fn end(to: usize) -> Self {
        let what = Sent::End;
        Self { to, what }
    }
}

/// What an interceptor holds in its hands, and may change, drop, double or make up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The sender, or who is to be taken for it.
    pub from: usize,
    /// The receiver.
    pub to: usize,
    /// What was sent.
    pub what: Sent,
}
