//! Packets in buffers that are used again, with room around each for what seals it.

/// Bytes before each packet, for whoever puts something before it: a frame's head, an interface's.
pub const HEADROOM: usize = 16;
/// Bytes behind each packet: a tag.
pub const TAILROOM: usize = 16;
/// The most packets of a batch: as many as one super-packet of 64 KiB is cut into at the least MTU
/// of IPv6, and more.
pub const MOST_BATCH: usize = 128;

/// Packets, one buffer each.
///
/// A buffer is [`HEADROOM`] bytes, the packet, and behind it at least [`TAILROOM`] bytes.
#[derive(Clone, Debug)]
pub struct PacketBatch {
    buffers: Vec<Vec<u8>>,
    lengths: Vec<usize>,
    filled: usize,
    most_bytes: usize,
}

impl PacketBatch {
    /// A batch with room for [`MOST_BATCH`] packets of so many bytes.
    #[must_use]
    pub fn new(most_bytes: usize) -> Self {
        let buffer = vec![0; HEADROOM + most_bytes + TAILROOM];
        Self {
            buffers: vec![buffer; MOST_BATCH],
            lengths: vec![0; MOST_BATCH],
            filled: 0,
            most_bytes,
        }
    }

    /// How many packets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filled
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// Forgets the packets, and keeps the buffers.
    pub fn clear(&mut self) {
        self.filled = 0;
    }

    /// Copies a packet into the next buffer; `false` when there is no room for it.
    #[must_use]
    pub fn push(&mut self, packet: &[u8]) -> bool {
        let place = (self.buffers.get_mut(self.filled))
            .and_then(|buffer| buffer.get_mut(HEADROOM..HEADROOM + packet.len()))
            .filter(|_| packet.len() <= self.most_bytes);
        let (Some(place), Some(length)) = (place, self.lengths.get_mut(self.filled)) else {
            return false;
        };
        place.copy_from_slice(packet);
        *length = packet.len();
        self.filled += 1;
        true
    }

    /// The packets.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let all = self.buffers.iter().zip(&self.lengths).take(self.filled);
        all.filter_map(|(buffer, length)| buffer.get(HEADROOM..HEADROOM + length))
    }

    /// The packets, to be changed.
    pub fn packets_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let all = self.buffers.iter_mut().zip(&self.lengths).take(self.filled);
        all.filter_map(|(buffer, length)| buffer.get_mut(HEADROOM..HEADROOM + length))
    }

    /// The packets, each with the room before and behind it.
    pub fn frames_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let all = self.buffers.iter_mut().zip(&self.lengths).take(self.filled);
        all.filter_map(|(buffer, length)| buffer.get_mut(..HEADROOM + length + TAILROOM))
    }

    /// All buffers and the lengths of their packets, for an interface to fill: then
    /// [`Self::set_len`] says how many it filled.
    pub fn buffers_mut(&mut self) -> (&mut [Vec<u8>], &mut [usize]) {
        (&mut self.buffers, &mut self.lengths)
    }

    /// Says how many of the first buffers hold a packet.
    pub fn set_len(&mut self, filled: usize) {
        self.filled = filled.min(self.buffers.len());
    }

    /// Gives the filled buffers, each cut to its headroom and its packet, to whoever may make them
    /// longer; empties the batch, and makes the buffers whole again.
    pub fn give<T>(&mut self, take: impl FnOnce(&mut [Vec<u8>]) -> T) -> T {
        let filled = self.filled;
        self.filled = 0;
        let all = self.buffers.iter_mut().zip(&self.lengths).take(filled);
        all.for_each(|(buffer, length)| buffer.truncate(HEADROOM + length));
        let given = self.buffers.get_mut(..filled).unwrap_or_default();
        let taken = take(given);
        let whole = HEADROOM + self.most_bytes + TAILROOM;
        let all = self.buffers.iter_mut().take(filled);
        all.for_each(|buffer| buffer.resize(whole, 0));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_room_for_so_many_of_such_a_size() {
        let mut batch = PacketBatch::new(3);
        assert!(!batch.push(&[0; 4]));
        for number in 0..MOST_BATCH {
            assert_eq!(batch.len(), number);
            assert!(batch.push(&[7, 8, 9]));
        }
        assert!(!batch.push(&[1]));
        assert!(batch.packets().all(|packet| packet == [7, 8, 9]));
        batch.clear();
        assert!(batch.is_empty() && batch.packets().next().is_none());
    }

    #[test]
    fn a_packet_has_room_around_it() {
        let mut batch = PacketBatch::new(9);
        assert!(batch.push(&[7; 3]) && batch.push(&[8; 9]));
        let lengths: Vec<_> = batch.frames_mut().map(|frame| frame.len()).collect();
        assert_eq!(lengths, [35, 41]);
        for frame in batch.frames_mut() {
            frame[0] = 1;
        }
        batch.packets_mut().for_each(|packet| packet[0] = 5);
        let packets: Vec<_> = batch.packets().map(<[u8]>::to_vec).collect();
        assert_eq!(packets, [vec![5, 7, 7], [&[5][..], &[8; 8]].concat()]);
    }

    #[test]
    fn what_is_given_away_comes_back_whole() {
        let mut batch = PacketBatch::new(5);
        assert!(batch.push(&[7; 3]) && batch.push(&[8; 2]));
        let given = batch.give(|buffers| {
            buffers[0].extend_from_slice(&[9; 1000]);
            buffers.iter().map(Vec::len).collect::<Vec<_>>()
        });
        assert_eq!(given, [1019, 18]);
        assert!(batch.is_empty());
        assert!(batch.push(&[7; 5]) && batch.push(&[7; 5]));
        assert!(batch.packets().all(|packet| packet == [7; 5]));
    }

    #[test]
    fn an_interface_fills_the_buffers_itself() {
        let mut batch = PacketBatch::new(5);
        let (buffers, lengths) = batch.buffers_mut();
        buffers[0][HEADROOM] = 4;
        lengths[0] = 1;
        batch.set_len(1);
        assert_eq!(batch.packets().collect::<Vec<_>>(), [[4]]);
        batch.set_len(usize::MAX);
        assert_eq!(batch.len(), MOST_BATCH);
    }
}
