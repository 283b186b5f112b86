//! Randomness that can be played again: what shows whether, and how, a provider uses it.

use std::convert::Infallible;

use rand_core::{CryptoRng, TryCryptoRng, TryRng};

use super::law::{Stop, Verdict, Wiped, fail};

/// A generator that keeps what it gives. Played again it gives the same bytes, as far as they
/// reach, and then fresh ones.
pub(super) struct Tape<'a> {
    source: &'a mut dyn CryptoRng,
    bytes: Vec<u8>,
    position: usize,
}

impl<'a> Tape<'a> {
    pub(super) fn new(source: &'a mut dyn CryptoRng) -> Self {
        Self {
            source,
            bytes: Vec::new(),
            position: 0,
        }
    }

    /// Goes back to the first byte.
    pub(super) fn rewind(&mut self) {
        self.position = 0;
    }

    /// How many bytes are on the tape.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Complements one byte. Every bit of it, since X25519 clamps some away (RFC 7748 section 5).
    pub(super) fn complement(&mut self, index: usize) {
        if let Some(byte) = self.bytes.get_mut(index) {
            *byte = !*byte;
        }
    }

    /// Forgets what was kept: the next bytes are fresh.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.position = 0;
    }
}

impl TryRng for Tape<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, output: &mut [u8]) -> Result<(), Infallible> {
        let end = self.position + output.len();
        if let Some(missing) = end.checked_sub(self.bytes.len()) {
            let mut fresh = vec![0; missing];
            self.source.fill_bytes(&mut fresh);
            self.bytes.append(&mut fresh);
        }
        let kept = self.bytes.iter().skip(self.position);
        for (byte, kept) in output.iter_mut().zip(kept) {
            *byte = *kept;
        }
        self.position = end;
        Ok(())
    }
}

impl TryCryptoRng for Tape<'_> {}

/// What nobody can guess: 128 bits.
const LEAST_RANDOM_BYTES: usize = 16;

/// Plays the same tape with one byte complemented at a time, and counts the bytes that show.
pub(super) fn depends_on_enough(
    what: &str,
    tape: &mut Tape<'_>,
    mut make: impl FnMut(&mut Tape<'_>) -> Result<Wiped, Stop>,
) -> Verdict {
    let first = make(tape)?;
    let drawn = tape.len();
    let mut matter = 0;
    // Some bytes may be drawn for other ends, blinding perhaps; these are enough to find 16.
    let stride = drawn.div_ceil(4 * LEAST_RANDOM_BYTES).max(1);
    for index in (0..drawn).step_by(stride) {
        tape.complement(index);
        tape.rewind();
        matter += usize::from(make(tape)? != first);
        tape.complement(index);
        if matter == LEAST_RANDOM_BYTES {
            return Ok(());
        }
    }
    fail(format!(
        "{what} draws {drawn} random bytes, of which {matter} make a difference"
    ))
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use chacha20::rand_core::{Rng, SeedableRng};

    use super::*;

    fn draw(tape: &mut Tape<'_>, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        tape.fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn a_tape_repeats_itself_and_goes_on() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut tape = Tape::new(&mut rng);
        let first = draw(&mut tape, 8);
        tape.rewind();
        let longer = draw(&mut tape, 12);
        assert_eq!(longer[..8], first);
        assert_ne!(longer[8..], [0; 4]);
        tape.rewind();
        assert_eq!(tape.next_u64().to_le_bytes(), longer[..8]);
        assert_eq!(tape.next_u32().to_le_bytes(), longer[8..]);
        assert_eq!(tape.len(), 12);
    }

    #[test]
    fn a_complemented_byte_comes_out_so_and_a_cleared_tape_is_fresh() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut tape = Tape::new(&mut rng);
        let first = draw(&mut tape, 8);
        tape.rewind();
        tape.complement(3);
        tape.complement(99);
        let mut expected = first.clone();
        expected[3] = !expected[3];
        assert_eq!(draw(&mut tape, 8), expected);
        tape.clear();
        assert_ne!(draw(&mut tape, 8), first);
    }

    #[test]
    fn bytes_that_make_no_difference_are_not_counted() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for (used, enough) in [(16, true), (15, false), (0, false)] {
            let mut tape = Tape::new(&mut rng);
            let make = |tape: &mut Tape<'_>| Ok(Wiped::new(draw(tape, 40)[..used].to_vec()));
            let verdict = depends_on_enough("it", &mut tape, make);
            assert_eq!(verdict.is_ok(), enough, "{used}");
        }
    }
}
