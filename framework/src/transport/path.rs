//! A datagram socket for threads of its own: calls that block, runs of datagrams of one size that the
//! system cuts up and puts together, and a queue for what is marked.

use std::net::SocketAddr;

use super::TransportError;

/// Buffers of one batch, each for a run of datagrams.
pub const RUNS: usize = 8;
/// Bytes of one run: what a UDP packet can hold.
pub const RUN_BYTES: usize = 1 << 16;

/// What datagrams look like that are for threads: they have this byte at this place. They wait apart
/// from all others, so that a flood of those pushes none of them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where, from the first byte of the datagram on.
    pub offset: u8,
    /// What.
    pub value: u8,
}

/// A datagram socket, as a thread has it.
pub trait DatagramPath: Send + Sync {
    /// How many datagrams go in one run.
    fn most_in_run(&self) -> usize;

    /// Sends datagrams of `size` bytes each, the last of which may be shorter, to one place. What the
    /// network refuses is lost, as on the way.
    fn send(&self, to: SocketAddr, run: &[u8], size: usize);

    /// Waits for datagrams and puts them into the batch in the place of those that were there;
    /// `false` when it was closed.
    ///
    /// # Errors
    /// [`TransportError::Broken`].
    fn receive(&self, batch: &mut DatagramBatch) -> Result<bool, TransportError>;

    /// Ends every wait, now and from now on.
    fn close(&self);
}

/// Datagrams that have come, in runs.
pub struct DatagramBatch {
    buffers: Vec<Vec<u8>>,
    runs: Vec<Run>,
}

/// What one buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where it says it is from.
    pub from: SocketAddr,
    /// Its bytes.
    pub length: usize,
    /// The bytes of each datagram; the last may be shorter.
    pub size: usize,
}

impl Default for DatagramBatch {
    fn default() -> Self {
        Self {
            buffers: vec![vec![0; RUN_BYTES]; RUNS],
            runs: Vec::with_capacity(RUNS),
        }
    }
}

impl DatagramBatch {
    /// The buffers for a transport to fill, and what it says of each that it has filled.
    pub fn fill(&mut self) -> (&mut [Vec<u8>], &mut Vec<Run>) {
        self.runs.clear();
        (&mut self.buffers, &mut self.runs)
    }

    /// Every datagram, with where it says it is from.
    pub fn datagrams_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let runs = self.buffers.iter_mut().zip(&self.runs);
        runs.flat_map(|(buffer, run)| {
            let filled = buffer.get_mut(..run.length).unwrap_or_default();
            let datagrams = filled.chunks_mut(run.size.max(1));
            datagrams.map(|datagram| (run.from, datagram))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_cut_where_it_was_put_together() {
        let mut batch = DatagramBatch::default();
        let (buffers, runs) = batch.fill();
        assert_eq!((buffers.len(), buffers[0].len()), (RUNS, RUN_BYTES));
        let from = |port| SocketAddr::from(([127, 0, 0, 1], port));
        for (port, length, size) in [(1, 50, 20), (2, 7, 7), (3, 0, 0)] {
            let from = from(port);
            runs.push(Run { from, length, size });
        }
        let all: Vec<_> = batch
            .datagrams_mut()
            .map(|(from, bytes)| (from.port(), bytes.len()))
            .collect();
        assert_eq!(all, [(1, 20), (1, 20), (1, 10), (2, 7)]);
        batch.fill();
        assert_eq!(batch.datagrams_mut().count(), 0);
    }
}
