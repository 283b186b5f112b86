//! The listings of the guides are code that is built and tested: each names its file, and stands in it.

/// The guides whose listings are parts of files.
const GUIDES: [&str; 3] = [
    "docs/guide/add-an-algorithm.md",
    "docs/guide/add-a-transport.md",
    "docs/guide/add-a-profile.md",
];

/// A listing: the line of the guide where it begins, the file that it names, its text.
struct Listing {
    line: usize,
    file: Option<String>,
    text: String,
}

/// Every block of Rust or TOML in a guide, with the comment above it that names its file.
fn listings(guide: &str) -> Vec<Listing> {
    let mut found = Vec::new();
    let mut above = "";
    let mut lines = guide.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block = lines.by_ref().take_while(|(_, line)| *line != "```");
            let text: Vec<_> = block.map(|(_, line)| line).collect();
            if ["rust", "toml"].contains(&language) {
                let file = above.strip_prefix("<!-- ");
                let file = file.and_then(|file| file.strip_suffix(" -->"));
                found.push(Listing {
                    line: index + 1,
                    file: file.map(str::to_owned),
                    text: text.join("\n") + "\n",
                });
            }
        }
        above = line;
    }
    found
}

/// What is wrong with a guide's listings. `read` gives a file of the repository.
fn strays(guide: &str, read: impl Fn(&str) -> String) -> Vec<String> {
    let stray = |listing: Listing| match listing.file {
        None => Some(format!("line {}: names no file", listing.line)),
        Some(file) if read(&file).contains(&listing.text) => None,
        Some(file) => Some(format!("line {}: does not stand in {file}", listing.line)),
    };
    listings(guide).into_iter().filter_map(stray).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::text;

    #[test]
    fn every_listing_of_the_guides_is_built_and_tested() {
        for guide in GUIDES {
            let guide_text = text(guide);
            assert!(!listings(&guide_text).is_empty(), "{guide}");
            assert_none(guide, &strays(&guide_text, text));
        }
    }

    #[test]
    fn the_rule_fires_on_a_listing_that_is_nowhere() {
        let strays = |guide: &str| strays(guide, |_| "fn a() {}\nfn b() {}\n".into()).len();
        assert_eq!(strays("<!-- f -->\n```rust\nfn b() {}\n```\n"), 0);
        assert_eq!(strays("<!-- f -->\n```rust\nfn c() {}\n```\n"), 1);
        assert_eq!(strays("```toml\nfn b() {}\n```\n"), 1);
        assert_eq!(strays("<!-- f -->\n\n```rust\nfn b() {}\n```\n"), 1);
        assert_eq!(strays("```sh\nfn c() {}\n```\n"), 0);
    }
}
