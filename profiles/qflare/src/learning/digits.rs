//! Handwritten digits, eight by eight pixels (`data/ORIGIN.md`).

use std::io::Read;

use flate2::read::GzDecoder;

/// The digits: lines of 64 pixels from 0 to 16 and the class, packed.
pub const DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");

/// The pixels of an image.
pub const PIXELS: usize = 64;

/// The digits 0 to 9.
pub const CLASSES: usize = 10;

/// An image and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// From 0 to 1.
    pub pixels: [f32; PIXELS],
    /// Below [`CLASSES`].
    pub class: usize,
}

/// Reads packed lines such as [`DIGITS`]; `None` when one of them is no example.
#[must_use]
pub fn read_digits(packed: &[u8]) -> Option<Vec<Example>> {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).ok()?;
    text.lines().map(example).collect()
}

fn example(line: &str) -> Option<Example> {
    let (pixels, class) = line.rsplit_once(',')?;
    let pixels = pixels.split(',').map(|pixel| pixel.parse::<u8>().ok());
    let pixels = pixels.map(|pixel| Some(f32::from(pixel.filter(|pixel| *pixel <= MOST)?)));
    let pixels: Vec<f32> = pixels
        .map(|pixel| Some(pixel? / f32::from(MOST)))
        .collect::<Option<_>>()?;
    let class = class.parse().ok().filter(|class| *class < CLASSES)?;
    let pixels = pixels.try_into().ok()?;
    Some(Example { pixels, class })
}

/// The darkest pixel.
const MOST: u8 = 16;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn there_are_1797_digits_of_every_class() {
        let examples = read_digits(DIGITS).unwrap();
        assert_eq!(examples.len(), 1797);
        for class in 0..CLASSES {
            let number = examples.iter().filter(|e| e.class == class).count();
            assert!((170..190).contains(&number), "{class}: {number}");
        }
        let darkest = examples.iter().flat_map(|e| e.pixels).fold(0.0, f32::max);
        assert_eq!(darkest, 1.0);
    }

    #[test]
    fn what_is_no_example_is_refused() {
        let packed = |text: &str| {
            let mut file = GzEncoder::new(Vec::new(), Compression::fast());
            file.write_all(text.as_bytes()).unwrap();
            file.finish().unwrap()
        };
        let pixels = "16,".repeat(PIXELS);
        assert!(read_digits(&packed(&format!("{pixels}9"))).is_some());
        for text in [
            format!("{pixels}10"),
            format!("{pixels}x"),
            format!("1,{pixels}9"),
            format!("17,{}9", &pixels[3..]),
            format!("{}9", &pixels[3..]),
            "\n".to_owned(),
        ] {
            assert_eq!(read_digits(&packed(&text)), None, "{text}");
        }
        assert_eq!(read_digits(b"not packed"), None);
    }
}
