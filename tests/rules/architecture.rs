//! Every crate of the workspace is named in `docs/ARCHITECTURE.md`, by its folder.

/// The folders that `document` does not name.
fn unnamed<'a>(document: &str, folders: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let inside = |c: char| c.is_alphanumeric() || "-_/".contains(c);
    let words: Vec<_> = document
        .split(|c| !inside(c))
        .map(|word| word.trim_matches('/'))
        .collect();
    folders
        .into_iter()
        .filter(|folder| !words.contains(folder))
        .map(Into::into)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::{members, text};

    #[test]
    fn every_crate_is_named_in_the_architecture() {
        let members = members();
        let folders = members.iter().map(|member| member.path.as_str());
        let found = unnamed(&text("docs/ARCHITECTURE.md"), folders);
        assert_none("docs/ARCHITECTURE.md does not name", &found);
    }

    #[test]
    fn the_rule_fires_on_a_crate_that_is_not_named() {
        let document = "`algorithms/ml-kem/` and algorithms/ml-kem-adapter, framework.";
        let folders = ["algorithms/ml-kem", "algorithms/ml", "framework", "cli"];
        assert_eq!(unnamed(document, folders), ["algorithms/ml", "cli"]);
    }
}
