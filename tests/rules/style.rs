//! What no source may hold, and what each begins with: the part of the house style that a machine
//! can check and clippy does not.

use crate::tokens::{attributes, paths};
use crate::workspace::Source;

/// Lines of a file, its tests not counted. The house aims for 200 and asks questions at 400.
const MOST_LINES: usize = 500;

/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];

/// Written in halves, so that this file does not hold them.
const WORDS: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];

fn breaches(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let mut breach = |line, what: &str| found.push(format!("{}: {what}", source.at(line)));
    for path in paths(source.all()) {
        let name = path.segments.last().map(String::as_str);
        if path.called && matches!(name, Some("todo" | "unimplemented")) {
            breach(
                path.line,
                "unfinished; finish it, or return an error that says so",
            );
        }
    }
    for (line, attribute) in attributes(source.all()) {
        if attribute == "ignore" {
            breach(line, "#[ignore] without a reason");
        }
    }
    for (index, text) in source.text.lines().enumerate() {
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        if words.any(|word| WORDS.contains(&word)) {
            breach(index + 1, "a note to oneself; do it, or open an issue");
        }
    }
    let free = source.path.ends_with("build.rs") || source.path.contains("fuzz_targets/");
    if !free && !source.text.starts_with("//!") {
        breach(1, "does not begin with what it is for (`//!`)");
    }
    let excused = LONGER.iter().any(|(path, _)| *path == source.path);
    if source.live_lines() > MOST_LINES && !excused {
        breach(source.live_lines(), "too long; what is the second idea?");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::sources;

    #[test]
    fn the_house_style_is_kept() {
        let found: Vec<_> = sources().iter().flat_map(breaches).collect();
        assert_none("style", &found);
    }

    fn planted(path: &str, code: &str) -> usize {
        breaches(&Source::of(path, code)).len()
    }

    #[test]
    fn the_rule_fires_on_each_breach() {
        let bad = [
            "//! A.\nfn f() { todo!() }".to_owned(),
            "//! A.\nfn f() { unimplemented!(\"later\") }".to_owned(),
            "//! A.\n#[test]\n#[ignore]\nfn f() {}".to_owned(),
            format!("//! A.\n// {}: later\nfn f() {{}}", WORDS[0]),
            "fn f() {}".to_owned(),
            format!("//! A.\n{}", "fn f() {}\n".repeat(MOST_LINES)),
        ];
        for code in bad {
            assert_eq!(
                planted("cli/src/a.rs", &code),
                1,
                "{}",
                &code[..code.len().min(60)]
            );
        }
    }

    #[test]
    fn what_is_allowed_is_silent() {
        assert_eq!(
            planted("cli/src/a.rs", "//! A.\nfn todo(todo: T) { todo }"),
            0
        );
        assert_eq!(
            planted("cli/src/a.rs", "//! A.\n#[ignore = \"slow\"]\nfn f() {}"),
            0
        );
        assert_eq!(planted("tests/fuzz/fuzz_targets/a.rs", "fn f() {}"), 0);
        assert_eq!(planted("cli/build.rs", "fn main() {}"), 0);
        let longest = format!("//! A.\n{}", "fn f() {}\n".repeat(MOST_LINES - 1));
        assert_eq!(planted("cli/src/a.rs", &longest), 0);
        assert_eq!(
            planted(
                "cli/tests/a.rs",
                &longest.repeat(2).replacen("\n//! A.", "", 1)
            ),
            0
        );
    }
}
