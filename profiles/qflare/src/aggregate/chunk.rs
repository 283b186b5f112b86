//! Accepted updates, a chunk of coordinates at a time.

use super::error::AggregateError;
use super::lanes::LANES;
use super::{Progress, Weights};

/// The base and those updates that a rule sees, ordered by device.
pub(super) struct Field<'a> {
    pub(super) base: &'a dyn Weights,
    pub(super) members: Vec<Member<'a>>,
    /// [`Limits::memory_bytes`](super::Limits::memory_bytes).
    pub(super) memory_bytes: usize,
}

/// One update that a rule sees.
pub(super) struct Member<'a> {
    /// Where its candidate stands in the order of devices.
    pub(super) place: usize,
    pub(super) examples: u64,
    pub(super) weights: &'a dyn Weights,
    /// What δ is multiplied with: 1, or less when it is clipped.
    pub(super) scale: f64,
}

/// Some coordinates of the base and of every δ.
pub(super) struct Chunk {
    /// Of its first coordinate.
    pub(super) at: usize,
    pub(super) base: Vec<f64>,
    /// One for each member, scaled.
    pub(super) deltas: Vec<Vec<f64>>,
}

impl Field<'_> {
    /// Shows every coordinate once, in order.
    pub(super) fn each_chunk(
        &self,
        watch: &mut Watch<'_>,
        mut visit: impl FnMut(&Chunk),
    ) -> Result<(), AggregateError> {
        let (values, most) = (self.base.values(), self.coordinates());
        let mut chunk = Chunk {
            at: 0,
            base: Vec::new(),
            deltas: vec![Vec::new(); self.members.len()],
        };
        let mut raw = vec![0f32; most.min(values)];
        while chunk.at < values {
            raw.truncate(values - chunk.at);
            self.fill(&mut chunk, &mut raw)?;
            visit(&chunk);
            chunk.at += raw.len();
            watch.advance(raw.len());
        }
        Ok(())
    }

    fn fill(&self, chunk: &mut Chunk, raw: &mut [f32]) -> Result<(), AggregateError> {
        self.base.read(chunk.at, raw)?;
        chunk.base.clear();
        chunk.base.extend(raw.iter().copied().map(f64::from));
        if let Some(at) = chunk.base.iter().position(|value| !value.is_finite()) {
            let at = chunk.at + at;
            return Err(AggregateError::BaseNotFinite { at });
        }
        for (member, delta) in self.members.iter().zip(&mut chunk.deltas) {
            member.weights.read(chunk.at, raw)?;
            let differences = raw.iter().zip(&chunk.base);
            delta.clear();
            delta.extend(differences.map(|(w, base)| member.scale * (f64::from(*w) - base)));
        }
        Ok(())
    }

    /// How many coordinates a chunk has: as the memory allows, and whole [`LANES`].
    fn coordinates(&self) -> usize {
        // Of each update and of the base an f64; an f32 for reading and a sum are two more.
        let row = (self.members.len() + 3) * size_of::<f64>();
        (self.memory_bytes / row / LANES).clamp(1, MOST_LANES) * LANES
    }
}

/// A larger chunk is no faster: a row of this one fills half of a common second-level cache.
const MOST_LANES: usize = 65_536 / LANES;

/// Tells how far it is.
pub(super) struct Watch<'a> {
    tell: &'a mut dyn FnMut(Progress),
    progress: Progress,
}

impl<'a> Watch<'a> {
    pub(super) fn new(tell: &'a mut dyn FnMut(Progress), values: usize, passes: u64) -> Self {
        let total = (values as u64).saturating_mul(passes);
        Self {
            tell,
            progress: Progress { done: 0, total },
        }
    }

    fn advance(&mut self, values: usize) {
        self.progress.done += values as u64;
        (self.tell)(self.progress);
    }
}
