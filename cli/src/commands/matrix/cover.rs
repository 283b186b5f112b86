//! Few combinations in which every pair of values is.

use std::collections::BTreeSet;

use super::axes::AXES;

/// The number of a value on each axis.
pub(super) type Row = [usize; AXES];

/// Two axes, and a value of each.
type Pair = (usize, usize, usize, usize);

fn pairs(row: &Row) -> impl Iterator<Item = Pair> {
    let all = row.iter().copied().enumerate();
    all.clone().flat_map(move |(one, value)| {
        let others = all.clone().skip(one + 1);
        others.map(move |(other, its)| (one, value, other, its))
    })
}

/// Combinations of the values of each axis in which every pair of values is that is not in those that
/// there are: each takes the first pair that is missing, and then what brings most.
pub(super) fn cover(values: &[Vec<usize>; AXES], there: &[Row]) -> Vec<Row> {
    let mut missing: BTreeSet<Pair> = product(values).iter().flat_map(pairs).collect();
    let mut rows = Vec::new();
    let seen = |missing: &mut BTreeSet<Pair>, row: &Row| {
        for pair in pairs(row) {
            missing.remove(&pair);
        }
    };
    there.iter().for_each(|row| seen(&mut missing, row));
    while let Some((one, value, other, its)) = missing.first().copied() {
        let mut chosen = [None; AXES];
        (chosen[one], chosen[other]) = (Some(value), Some(its));
        for axis in 0..AXES {
            if chosen[axis].is_some() {
                continue;
            }
            let brings = |value: usize| {
                let fixed = chosen.iter().enumerate();
                let new = fixed.filter(|(with, fixed)| {
                    fixed.is_some_and(|fixed| {
                        let ends = ((axis, value), (*with, fixed));
                        let ((a, i), (b, j)) = if axis < *with { ends } else { (ends.1, ends.0) };
                        missing.contains(&(a, i, b, j))
                    })
                });
                new.count()
            };
            // The first of those that bring most.
            let best = values[axis]
                .iter()
                .rev()
                .copied()
                .max_by_key(|value| brings(*value));
            chosen[axis] = best;
        }
        let Some(row) = whole(&chosen) else {
            return rows;
        };
        seen(&mut missing, &row);
        rows.push(row);
    }
    rows
}

fn whole(chosen: &[Option<usize>; AXES]) -> Option<Row> {
    let mut row = [0; AXES];
    for (to, from) in row.iter_mut().zip(chosen) {
        *to = (*from)?;
    }
    Some(row)
}

/// Every combination.
pub(super) fn product(values: &[Vec<usize>; AXES]) -> Vec<Row> {
    let mut rows = vec![[0; AXES]];
    for (axis, values) in values.iter().enumerate() {
        let longer = rows.iter().flat_map(|row| {
            values.iter().map(move |value| {
                let mut row = *row;
                if let Some(place) = row.get_mut(axis) {
                    *place = *value;
                }
                row
            })
        });
        rows = longer.collect();
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upto(sizes: Row) -> [Vec<usize>; AXES] {
        sizes.map(|size| (0..size).collect())
    }

    #[test]
    fn every_pair_is_there_in_few_rows() {
        for sizes in [[5, 4, 3, 2], [7, 7, 7, 7], [1, 9, 1, 4], [1, 1, 1, 1]] {
            let values = upto(sizes);
            let rows = cover(&values, &[]);
            let all: BTreeSet<Pair> = product(&values).iter().flat_map(pairs).collect();
            let covered: BTreeSet<Pair> = rows.iter().flat_map(pairs).collect();
            assert_eq!(covered, all);
            let mut largest = sizes;
            largest.sort_unstable();
            let least = largest[2] * largest[3];
            assert!(rows.len() <= 2 * least, "{} rows for {least}", rows.len());
        }
    }

    #[test]
    fn what_is_there_is_not_asked_for_again() {
        let values = upto([2, 2, 2, 2]);
        assert_eq!(cover(&values, &product(&values)), Vec::<Row>::new());
        let first = cover(&values, &[]);
        assert!(cover(&values, &first[..1]).len() < first.len());
    }

    #[test]
    fn an_axis_without_values_has_no_combinations() {
        let values = upto([3, 0, 2, 2]);
        assert!(product(&values).is_empty());
        assert!(cover(&values, &[]).is_empty());
    }
}
