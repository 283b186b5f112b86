//! Profiles never name an algorithm in Rust: names live in TOML, and code asks its suite.

use pqfw_framework::catalogue::builtin;

use crate::tokens::strings;
use crate::workspace::Source;

/// The algorithms that the string literals of `source` name, by id or alias.
fn named(source: &Source, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for (line, text) in strings(source.live()) {
        let name = names
            .iter()
            .find(|name| fold(name) == fold(&text) || is_word_of(name, &text));
        found.extend(name.map(|name| format!("{}: {name} in {text:?}", source.at(line))));
    }
    found
}

/// As the registry compares names.
fn fold(name: &str) -> String {
    let kept = name.chars().filter(|c| !matches!(c, '-' | '_' | ' ' | '.'));
    kept.flat_map(char::to_lowercase).collect()
}

fn is_word_of(name: &str, text: &str) -> bool {
    let (name, text) = (name.to_lowercase(), text.to_lowercase());
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(&name).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + name.len()..]);
        !letter(before.chars().next_back()) && !letter(after.chars().next())
    })
}

fn catalogue_names() -> Vec<String> {
    let rows = builtin().into_iter();
    rows.flat_map(|row| std::iter::once(row.id).chain(row.aliases))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::sources;

    #[test]
    fn profiles_name_no_algorithm() {
        let names = catalogue_names();
        let sources = sources();
        let profiles = sources
            .iter()
            .filter(|source| source.path.starts_with("profiles/"));
        let found: Vec<_> = profiles.flat_map(|source| named(source, &names)).collect();
        assert_none("profiles ask their suite and name no algorithm", &found);
    }

    fn planted(code: &str) -> usize {
        named(
            &Source::of("profiles/x/src/lib.rs", code),
            &catalogue_names(),
        )
        .len()
    }

    #[test]
    fn the_rule_fires_on_ids_and_aliases_in_strings_and_macros() {
        assert_eq!(planted(r#"const K: &str = "ML-KEM-768";"#), 1);
        assert_eq!(
            planted(r#"fn f() { g("mlkem768"); h!(kyber = "uses Kyber-768!") }"#),
            2
        );
        assert_eq!(planted(r#"fn f() { g(b"AES-256-GCM") }"#), 1);
    }

    #[test]
    fn comments_documentation_tests_and_longer_words_are_free() {
        assert_eq!(
            planted("//! ML-KEM-768\n/// Kyber-768\n// AES-256-GCM\nfn f() {}"),
            0
        );
        assert_eq!(
            planted("#[cfg(test)]\nmod tests { const K: &str = \"ML-KEM-768\"; }"),
            0
        );
        assert_eq!(planted(r#"const INFO: &[u8] = b"qu3-aes-gcm-key";"#), 0);
        assert_eq!(
            planted(r#"const SHIPPED: &str = include_str!("../kyber.toml");"#),
            0
        );
    }
}
