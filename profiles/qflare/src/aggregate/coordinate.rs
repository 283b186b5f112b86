//! Rules that look at each coordinate by itself.

use super::chunk::{Chunk, Field, Watch};
use super::error::AggregateError;

/// w + the mean of each coordinate without its `drop` least and `drop` greatest values. With
/// ⌊(n − 1)/2⌋ dropped it is the median.
pub(super) fn trimmed_mean(
    field: &Field<'_>,
    drop: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>, AggregateError> {
    let mut result = Vec::with_capacity(field.base.values());
    let mut middle = Vec::new();
    field.each_chunk(watch, |chunk| {
        middle_of(chunk, drop, &mut middle);
        let moved = chunk.base.iter().zip(&middle);
        result.extend(moved.map(|(base, middle)| (base + middle) as f32));
    })?;
    Ok(result)
}

/// The trimmed mean of each coordinate of δ. What is left is added from the least to the greatest.
pub(super) fn middle_of(chunk: &Chunk, drop: usize, into: &mut Vec<f64>) {
    let (values, n) = (chunk.base.len(), chunk.deltas.len());
    // Some coordinates at a time, each in a row of its own: updates are read in order, and so is
    // a column.
    let mut columns = vec![0; BLOCK * n];
    into.clear();
    for at in (0..values).step_by(BLOCK) {
        let width = BLOCK.min(values - at);
        for (device, delta) in chunk.deltas.iter().enumerate() {
            for (column, value) in delta[at..at + width].iter().enumerate() {
                columns[column * n + device] = ordered(value.to_bits().cast_signed());
            }
        }
        let columns = columns.chunks_exact_mut(n).take(width);
        into.extend(columns.map(|column| middle(column, drop)));
    }
}

const BLOCK: usize = 64;

/// The mean of a column without its `drop` least and greatest.
fn middle(column: &mut [i64], drop: usize) -> f64 {
    let kept = column.len() - 2 * drop;
    if drop > 0 {
        // Only what is kept need be sorted.
        column.select_nth_unstable(drop);
        column[drop..].select_nth_unstable(kept - 1);
    }
    let kept = &mut column[drop..drop + kept];
    kept.sort_unstable();
    let sum = kept.iter().fold(0.0, |sum, value| {
        sum + f64::from_bits(ordered(*value).cast_unsigned())
    });
    sum / kept.len() as f64
}

/// The bits of a number as an integer of the order of `f64::total_cmp`, and back.
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_the_order_of_their_numbers() {
        let numbers = [
            f64::MIN,
            -1.5,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            -0.0,
            0.0,
            5e-324,
            1.0,
            1.5,
            f64::MAX,
        ];
        let integers = numbers.map(|number| ordered(number.to_bits().cast_signed()));
        assert!(integers.is_sorted());
        for (integer, number) in integers.iter().zip(numbers) {
            assert_eq!(ordered(*integer).cast_unsigned(), number.to_bits());
        }
    }

    #[test]
    fn the_middle_is_what_is_left_of_a_sorted_column() {
        let mut chance = crate::learning::Chance::new(3);
        for n in 1..20 {
            let numbers: Vec<f64> = (0..n).map(|_| chance.normal()).collect();
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            for drop in 0..=(n - 1) / 2 {
                let kept = &sorted[drop..n - drop];
                let expected = kept.iter().fold(0.0, |sum, v| sum + v) / kept.len() as f64;
                let column = numbers.iter().map(|v| ordered(v.to_bits().cast_signed()));
                let found = middle(&mut column.collect::<Vec<_>>(), drop);
                assert_eq!(found.to_bits(), expected.to_bits(), "{drop} of {n}");
            }
        }
    }
}
