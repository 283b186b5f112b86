//! Looks for secret bytes where none may be: in the texts of errors, and in public values.

use crate::catalogue::{AlgorithmInfo, Kat};

/// So many bytes of a secret in one place are no accident: by chance, once in 2^64.
const WINDOW: usize = 8;

/// Whether `text` holds eight neighbouring bytes of `secret`, in hexadecimal or as a list of
/// numbers, however they are parted.
pub(super) fn text_holds(text: &str, secret: &[u8]) -> bool {
    let text = text.to_lowercase();
    let bare: String = text.replace("0x", "");
    let bare: String = bare.chars().filter(char::is_ascii_hexdigit).collect();
    let numbers = numbers(&text);
    secret.windows(WINDOW).any(|window| {
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        bare.contains(&hex) || numbers.windows(WINDOW).any(|numbers| numbers == window)
    })
}

/// The decimal numbers in a text that fit in a byte.
fn numbers(text: &str) -> Vec<u8> {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// Whether `public` holds eight neighbouring bytes of `secret`, none of which `is_public` by
/// specification.
pub(super) fn bytes_hold(public: &[u8], secret: &[u8], is_public: &[bool]) -> bool {
    let mut windows = secret.windows(WINDOW).enumerate();
    windows.any(|(offset, window)| {
        let mut marks = is_public.iter().skip(offset).take(WINDOW);
        let secret = marks.all(|public| !public);
        secret && public.windows(WINDOW).any(|found| found == window)
    })
}

/// Which bytes of an encoded private key stand in the public key by specification. The known
/// answers of the row say so; `None` when they hold no pair of keys.
pub(super) fn public_by_specification(
    info: &AlgorithmInfo,
    private: &str,
    public: &str,
) -> Option<Vec<bool>> {
    let kat = Kat::parse(&info.known_answers).ok()?;
    let mut pairs = kat.cases.iter().filter_map(|case| {
        let (private, public) = (case.value(private)?, case.value(public)?);
        let mut marks = vec![false; private.len()];
        for (offset, window) in private.windows(WINDOW).enumerate() {
            if public.windows(WINDOW).any(|found| found == window) {
                let shared = marks.iter_mut().skip(offset).take(WINDOW);
                shared.for_each(|mark| *mark = true);
            }
        }
        Some(marks)
    });
    pairs.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{KemSizes, Sizes};

    const SECRET: [u8; 10] = [0x00, 0x1f, 0xe2, 0x33, 0xa4, 0x55, 0x66, 0x77, 0x88, 0x99];

    #[test]
    fn secrets_are_found_however_they_are_written() {
        for text in [
            format!("{SECRET:?}"),
            format!("{SECRET:02x?}"),
            format!("{SECRET:#04X?}"),
            format!("key {} of", "001fe233a45566778899"),
            "key 00:1F:E2:33:A4:55:66:77".to_owned(),
        ] {
            assert!(text_holds(&text, &SECRET), "{text}");
        }
        for text in [
            "1184 bytes, expected 2400",
            "",
            "001fe233a45566",
            "damaged key",
        ] {
            assert!(!text_holds(text, &SECRET), "{text}");
        }
    }

    #[test]
    fn what_the_known_answers_share_is_no_leak() {
        let sizes = KemSizes {
            seed: None,
            encapsulation_key: 8,
            decapsulation_key: 10,
            ciphertext: 1,
            shared_secret: 1,
        };
        let answers = "dk = 09090102030405060708\nek = 0102030405060708\n";
        let info = AlgorithmInfo::new("A", Sizes::Kem(sizes), "a test").known_answers(answers);
        let marks = public_by_specification(&info, "dk", "ek").unwrap();
        assert_eq!(marks, [[false; 2].as_slice(), &[true; 8]].concat());
        assert_eq!(public_by_specification(&info, "sk", "vk"), None);
        // Eight bytes across the border are no leak: but for one they are public.
        assert!(!bytes_hold(&SECRET, &SECRET, &marks));
        assert!(bytes_hold(&SECRET[..8], &SECRET, &[]));
        assert!(bytes_hold(&SECRET, &SECRET, &[false; 10]));
        assert!(!bytes_hold(&SECRET[..7], &SECRET, &[]));
    }
}
