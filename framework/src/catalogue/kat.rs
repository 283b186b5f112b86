//! Known answers: named byte strings in blocks, one block a case.
//!
//! ```text
//! # where the values come from
//! dk = 00ff…
//! ct = …
//! ```
//!
//! Blank lines part the cases, `#` begins a comment, values are lower-case hexadecimal. The values
//! themselves live in `kats/` beside this file, with their origin.

use std::collections::BTreeMap;

use thiserror::Error;

/// The known answers of one algorithm.
#[derive(Debug, Default)]
pub struct Kat {
    /// The cases in the order of the text.
    pub cases: Vec<KatCase>,
}

/// One case: names to bytes. Known answers are public, their private keys included.
#[derive(Debug, Default)]
pub struct KatCase {
    values: BTreeMap<String, Vec<u8>>,
}

/// A text of known answers that cannot be read: a fault of whoever wrote the row.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KatError {
    /// A line that is neither blank, nor a comment, nor `name = hex`.
    #[error("known answers, line {0}: expected `name = hex`")]
    Line(usize),
    /// A name given twice in one case.
    #[error("known answers, line {line}: `{name}` stands twice in this case")]
    Twice {
        /// The line of the second one, from 1.
        line: usize,
        /// The name.
        name: String,
    },
}

impl Kat {
    /// Reads a text of known answers.
    ///
    /// # Errors
    /// [`KatError`] with the line.
    pub fn parse(text: &str) -> Result<Self, KatError> {
        let mut kat = Self::default();
        let mut case = KatCase::default();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let line = line.trim();
            if line.is_empty() {
                kat.push(&mut case);
                continue;
            }
            if line.starts_with('#') {
                continue;
            }
            let (name, hex) = line.split_once('=').ok_or(KatError::Line(number))?;
            let bytes = decode_hex(hex.trim()).ok_or(KatError::Line(number))?;
            let name = name.trim().to_owned();
            if case.values.insert(name.clone(), bytes).is_some() {
                return Err(KatError::Twice { line: number, name });
            }
        }
        kat.push(&mut case);
        Ok(kat)
    }

    fn push(&mut self, case: &mut KatCase) {
        if !case.values.is_empty() {
            self.cases.push(std::mem::take(case));
        }
    }
}

impl KatCase {
    /// The value under `name`, if this case has it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.values.get(name).map(Vec::as_slice)
    }
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_parted_by_blank_lines() {
        let kat = Kat::parse("# one\na = 00ff\nb =\n\n\n# two\na = 01").unwrap();
        assert_eq!(kat.cases.len(), 2);
        assert_eq!(kat.cases[0].value("a"), Some(&[0x00, 0xff][..]));
        assert_eq!(kat.cases[0].value("b"), Some(&[][..]));
        assert_eq!(kat.cases[1].value("b"), None);
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(
            Kat::parse("a = 00\nnonsense").unwrap_err(),
            KatError::Line(2)
        );
        assert_eq!(Kat::parse("a = 0").unwrap_err(), KatError::Line(1));
        assert_eq!(Kat::parse("a = zz").unwrap_err(), KatError::Line(1));
        let twice = KatError::Twice {
            line: 2,
            name: "a".into(),
        };
        assert_eq!(Kat::parse("a = 00\na = 01").unwrap_err(), twice);
    }

    #[test]
    fn every_built_in_row_has_known_answers_that_parse() {
        for row in super::super::builtin() {
            let kat = Kat::parse(&row.known_answers).unwrap();
            assert!(!kat.cases.is_empty(), "{} has no known answers", row.id);
        }
    }
}
