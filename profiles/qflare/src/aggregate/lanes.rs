//! Sums over coordinates whose bits depend on no chunk and no machine.
//!
//! One running sum would be as reproducible, and four times slower: each addition would wait for
//! the one before. So coordinate k is added to lane k mod 8, and the lanes are added at the end,
//! the lowest first. That order is part of the specification.

/// How many running sums there are.
pub const LANES: usize = 8;

/// A sum of products over coordinates. Chunks come in order, each but the last of a multiple of
/// [`LANES`] coordinates.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lanes([f64; LANES]);

impl Lanes {
    /// Adds Σ aₖ bₖ of a chunk.
    pub(super) fn add_products(&mut self, a: &[f64], b: &[f64]) {
        self.add(a, b, |a, b| a * b);
    }

    /// Adds Σ (aₖ − bₖ)² of a chunk.
    pub(super) fn add_squared_distances(&mut self, a: &[f64], b: &[f64]) {
        self.add(a, b, |a, b| (a - b) * (a - b));
    }

    /// The sum.
    pub(super) fn total(&self) -> f64 {
        self.0.iter().fold(0.0, |sum, lane| sum + lane)
    }

    fn add(&mut self, a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        // Arrays, so that the compiler knows how many there are and adds several at once.
        let mut lanes = self.0;
        for (a, b) in a.iter().zip(b) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += term(*a, *b);
            }
        }
        for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
            *lane += term(*a, *b);
        }
        self.0 = lanes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_boundary_changes_no_bit() {
        let values: Vec<f64> = (0..61).map(|k| 1.0 / f64::from(k + 3)).collect();
        let mut whole = Lanes::default();
        whole.add_products(&values, &values);
        for chunk in [8, 16, 40] {
            let mut pieces = Lanes::default();
            for piece in values.chunks(chunk) {
                pieces.add_products(piece, piece);
            }
            assert_eq!(pieces.total().to_bits(), whole.total().to_bits(), "{chunk}");
        }
    }

    #[test]
    fn distances_are_of_the_difference() {
        let mut sum = Lanes::default();
        sum.add_squared_distances(&[1.0, 5.0], &[4.0, 1.0]);
        assert_eq!(sum.total(), 25.0);
    }
}
