//! What a provider says of its code is what is built: `"ml-kem 0.3.4"` agrees with `Cargo.lock`.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::DocumentMut;

use crate::tokens::{paths, strings};
use crate::workspace::Source;

/// Package to its versions in the lock file.
type Locked = BTreeMap<String, BTreeSet<String>>;

fn locked(lock_file: &str) -> Locked {
    let lock: DocumentMut = lock_file.parse().unwrap();
    let mut locked = Locked::new();
    for package in lock["package"].as_array_of_tables().unwrap() {
        let field = |name: &str| package[name].as_str().unwrap().to_owned();
        locked
            .entry(field("name"))
            .or_default()
            .insert(field("version"));
    }
    locked
}

/// The pairs `package version` in the string literals of `source`, with their lines.
fn claims(source: &Source, locked: &Locked) -> Vec<(usize, String, String)> {
    let mut found = Vec::new();
    for (line, text) in strings(source.live()) {
        let words: Vec<_> = text.split([' ', '(', ')', ',', ';']).collect();
        for pair in words.windows(2) {
            let numbered = pair[1].split('.').count() >= 3
                && pair[1].starts_with(|first: char| first.is_ascii_digit());
            if numbered && locked.contains_key(pair[0]) {
                found.push((line, pair[0].to_owned(), pair[1].to_owned()));
            }
        }
    }
    found
}

/// The claims of a crate that are not what is built; a crate with a provider makes at least one.
fn wrong(sources: &[&Source], locked: &Locked) -> Vec<String> {
    let (mut found, mut providers, mut claimed) = (Vec::new(), Vec::new(), false);
    for source in sources {
        let new = paths(source.live())
            .into_iter()
            .find(|p| p.contains("ProviderInfo::new"));
        providers.extend(new.map(|path| source.at(path.line)));
        for (line, package, version) in claims(source, locked) {
            claimed = true;
            let built = &locked[&package];
            if !built.contains(&version) {
                found.push(format!(
                    "{}: {package} {version}; built is {built:?}",
                    source.at(line)
                ));
            }
        }
    }
    if let Some(at) = providers.first().filter(|_| !claimed) {
        found.push(format!(
            "{at}: a provider without `package version` of a locked package"
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::{members, sources, text};

    #[test]
    fn providers_name_the_versions_that_are_built() {
        let locked = locked(&text("Cargo.lock"));
        let sources = sources();
        let mut found = Vec::new();
        for member in members()
            .iter()
            .filter(|member| member.path.starts_with("algorithms/"))
        {
            let folder = format!("{}/src/", member.path);
            let own: Vec<_> = sources
                .iter()
                .filter(|s| s.path.starts_with(&folder))
                .collect();
            found.extend(wrong(&own, &locked));
        }
        assert_none("provider versions", &found);
    }

    const LOCK: &str = "[[package]]\nname = 'ml-kem'\nversion = '0.3.4'";

    fn planted(version: &str) -> Vec<String> {
        let code = format!("fn provider() {{ ProviderInfo::new(\"rustcrypto\", {version:?}) }}");
        wrong(
            &[&Source::of("algorithms/x/src/lib.rs", &code)],
            &locked(LOCK),
        )
    }

    #[test]
    fn the_rule_fires_on_another_version_and_on_none() {
        assert_eq!(planted("ml-kem 0.3.4"), Vec::<String>::new());
        assert_eq!(planted("ml-kem 0.3.4 (portable)"), Vec::<String>::new());
        assert_eq!(planted("ml-kem 0.3.3").len(), 1);
        assert_eq!(planted("ml-kem").len(), 1);
        assert_eq!(planted("mlkem 0.3.4").len(), 1);
    }
}
