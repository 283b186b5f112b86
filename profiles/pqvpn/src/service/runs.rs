//! Sealed frames in runs: of one size and to one place, as the system sends them with one call.

use std::net::SocketAddr;
use std::ops::Range;

/// The most bytes of a run: what UDP over IPv6 carries (RFC 768, RFC 8200).
const MOST_BYTES: usize = 65_535 - 8 - 40;

/// Frames of one batch, one behind the other.
pub(super) struct Runs {
    bytes: Vec<u8>,
    runs: Vec<Run>,
    most: usize,
}

struct Run {
    to: SocketAddr,
    place: Range<usize>,
    size: usize,
    /// Whether its last frame was shorter, or it is full: then it takes no more.
    is_full: bool,
    count: usize,
}

impl Runs {
    /// Runs of so many frames at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            bytes: Vec::new(),
            runs: Vec::new(),
            most: most.max(1),
        }
    }

    /// Puts a frame behind the others.
    pub(super) fn push(&mut self, to: SocketAddr, frame: &[u8]) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(frame);
        let end = self.bytes.len();
        let most = self.most;
        let last = self.runs.last_mut().filter(|run| {
            let fits = frame.len() <= run.size && end - run.place.start <= MOST_BYTES;
            run.to == to && fits && !run.is_full
        });
        match last {
            Some(run) => {
                run.place.end = end;
                run.count += 1;
                run.is_full = frame.len() < run.size || run.count >= most;
            }
            None => self.runs.push(Run {
                to,
                place: begin..end,
                size: frame.len(),
                is_full: most == 1,
                count: 1,
            }),
        }
    }

    /// Gives every run, in order, and forgets them.
    pub(super) fn send(&mut self, mut send: impl FnMut(SocketAddr, &[u8], usize)) {
        for run in self.runs.drain(..) {
            if let Some(bytes) = self.bytes.get(run.place) {
                send(run.to, bytes, run.size);
            }
        }
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How frames of these ports and sizes are put together: port, bytes, size.
    fn runs(most: usize, frames: &[(u16, usize)]) -> Vec<(u16, usize, usize)> {
        let mut runs = Runs::new(most);
        let mut all = Vec::new();
        for (port, length) in frames {
            runs.push(([127, 0, 0, 1], *port).into(), &vec![7; *length]);
        }
        runs.send(|to, bytes, size| all.push((to.port(), bytes.len(), size)));
        runs.send(|_, _, _| panic!("they were sent"));
        all
    }

    #[test]
    fn a_run_is_of_one_place_and_one_size_with_a_shorter_last() {
        for (frames, expected) in [
            (&[(1, 9), (1, 9), (1, 9)][..], &[(1, 27, 9)][..]),
            (&[(1, 9), (1, 9), (2, 9)], &[(1, 18, 9), (2, 9, 9)]),
            (&[(1, 9), (1, 8), (1, 8)], &[(1, 17, 9), (1, 8, 8)]),
            (&[(1, 9), (1, 10)], &[(1, 9, 9), (1, 10, 10)]),
            (&[], &[]),
        ] {
            assert_eq!(runs(64, frames), expected, "{frames:?}");
        }
    }

    #[test]
    fn a_run_has_a_limit_in_frames_and_in_bytes() {
        assert_eq!(runs(2, &[(1, 9); 5]), [(1, 18, 9), (1, 18, 9), (1, 9, 9)]);
        assert_eq!(runs(1, &[(1, 9); 2]), [(1, 9, 9), (1, 9, 9)]);
        assert_eq!(runs(0, &[(1, 9)]), [(1, 9, 9)]);
        let long = MOST_BYTES / 2;
        let last = MOST_BYTES - 2 * long;
        assert_eq!(runs(64, &[(1, long), (1, long), (1, last)]).len(), 1);
        assert_eq!(runs(64, &[(1, long), (1, long), (1, last + 1)]).len(), 2);
    }
}
