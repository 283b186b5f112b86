//! Curves in a terminal: one character a point.

/// A curve: its mark, its name, and a value from 0 to 1 for each round.
pub(super) struct Curve {
    pub(super) mark: char,
    pub(super) name: String,
    pub(super) values: Vec<f64>,
}

/// Draws the curves over one another; where two meet, the later is seen.
pub(super) fn plot(curves: &[Curve]) -> Vec<String> {
    let rounds = curves.iter().map(|curve| curve.values.len()).max();
    let rounds = rounds.unwrap_or(0);
    let mut rows = vec![vec![' '; rounds * COLUMN]; ROWS + 1];
    for curve in curves {
        for (round, value) in curve.values.iter().enumerate() {
            // From 0 at the top to ROWS at the bottom, so nothing is cut off.
            let row = ((1.0 - value.clamp(0.0, 1.0)) * ROWS as f64).round() as usize;
            let cell = rows
                .get_mut(row)
                .and_then(|row| row.get_mut(round * COLUMN));
            if let Some(cell) = cell {
                *cell = curve.mark;
            }
        }
    }
    let mut lines = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let value = (ROWS - number) as f64 / ROWS as f64;
        let row: String = row.iter().collect();
        lines.push(format!("    {value:.1} |  {}", row.trim_end()));
    }
    let numbers: String = (1..=rounds)
        .map(|round| format!("{round:<COLUMN$}"))
        .collect();
    lines.push(format!("        +{}", "-".repeat(rounds * COLUMN + 1)));
    lines.push(format!("           {}round", numbers));
    let legend = curves
        .iter()
        .map(|curve| format!("{} {}", curve.mark, curve.name));
    lines.push(format!(
        "           {}",
        legend.collect::<Vec<_>>().join("    ")
    ));
    for line in &mut lines {
        line.truncate(line.trim_end().len());
    }
    lines
}

/// Steps of a tenth.
const ROWS: usize = 10;
/// The characters of a round.
const COLUMN: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_stands_where_its_value_is() {
        let curve = |mark, values: &[f64]| Curve {
            mark,
            name: format!("rule {mark}"),
            values: values.to_vec(),
        };
        let lines = plot(&[curve('x', &[0.1, 0.94, 0.0]), curve('o', &[0.5, 0.93, 1.0])]);
        let expected = [
            "    1.0 |            o",
            "    0.9 |       o",
            "    0.8 |",
            "    0.7 |",
            "    0.6 |",
            "    0.5 |  o",
            "    0.4 |",
            "    0.3 |",
            "    0.2 |",
            "    0.1 |  x",
            "    0.0 |            x",
            "        +----------------",
            "           1    2    3    round",
            "           x rule x    o rule o",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_is_no_value_stays_in_the_picture() {
        let values = vec![f64::NAN, -1.0, 2.0];
        let lines = plot(&[Curve {
            mark: 'x',
            name: "odd".into(),
            values,
        }]);
        assert_eq!(lines.len(), ROWS + 4);
        assert!(plot(&[]).len() == ROWS + 4);
    }
}
