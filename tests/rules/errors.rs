//! For each refusal in the code there is a test in which it fires: every variant of every public
//! error is named, as `Enum::Variant`, by some test of the workspace.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::tokens::paths;
use crate::workspace::Source;

/// Variants that no test can make happen, each with the reason. Keep it short.
const CANNOT_FIRE: [(&str, &str); 1] = [(
    "KdfError::ProviderFailed",
    "a provider passed the gate and then refuses lengths that the framework has checked",
)];

/// An error that is an error by its derive, whatever its name, or by its name.
const ERROR_NAMES: [&str; 2] = ["Refusal", "Problem"];

/// The variants of the public errors that `source` defines, as `Enum::Variant`, with their lines.
fn variants(source: &Source) -> Vec<(usize, String)> {
    let mut errors = Errors::default();
    errors.visit_file(&source.live_file());
    errors.0
}

#[derive(Default)]
struct Errors(Vec<(usize, String)>);

impl<'ast> Visit<'ast> for Errors {
    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        let name = item.ident.to_string();
        let derives_error = item.attrs.iter().any(|attribute| {
            let list = attribute
                .meta
                .require_list()
                .map(|list| list.tokens.clone());
            attribute.path().is_ident("derive")
                && list.is_ok_and(|list| {
                    paths(list)
                        .iter()
                        .any(|p| p.segments.last().is_some_and(|s| s == "Error"))
                })
        });
        let named = name.ends_with("Error") || ERROR_NAMES.contains(&name.as_str());
        if matches!(item.vis, syn::Visibility::Public(_)) && (derives_error || named) {
            self.0.extend(item.variants.iter().map(|variant| {
                let line = variant.ident.span().start().line;
                (line, format!("{name}::{}", variant.ident))
            }));
        }
        visit::visit_item_enum(self, item);
    }
}

/// Every pair of neighbours in the paths of the test code, as `A::B`.
fn named_in_tests(sources: &[Source]) -> BTreeSet<String> {
    let tests = sources
        .iter()
        .filter(|source| !source.path.contains("benches/"));
    tests
        .flat_map(|source| paths(source.tests()))
        .flat_map(|path| {
            path.segments
                .windows(2)
                .map(|pair| pair.join("::"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// The variants that no test names.
fn untested(sources: &[Source]) -> Vec<String> {
    let named = named_in_tests(sources);
    let excused = |variant: &str| CANNOT_FIRE.iter().any(|(known, _)| *known == variant);
    let mut found = Vec::new();
    for source in sources
        .iter()
        .filter(|source| !source.path.starts_with("tests/"))
    {
        for (line, variant) in variants(source) {
            if !named.contains(&variant) && !excused(&variant) {
                found.push(format!("{}: {variant}", source.at(line)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assert_none;
    use crate::workspace::sources;

    #[test]
    fn every_refusal_has_a_test_that_names_it() {
        assert_none("no test names", &untested(&sources()));
    }

    #[test]
    fn no_excuse_outlives_its_variant() {
        let sources = sources();
        let known: BTreeSet<_> = sources
            .iter()
            .flat_map(variants)
            .map(|(_, variant)| variant)
            .collect();
        let named = named_in_tests(&sources);
        for (variant, _) in CANNOT_FIRE {
            assert!(known.contains(variant), "{variant} does not exist");
            assert!(!named.contains(variant), "{variant} is named by a test");
        }
    }

    const DEFINITION: &str = "\
#[derive(Debug, Error)]
pub enum OpenError { Short, Forged { at: usize }, Late(u8) }
pub enum Refusal { Full }
pub enum NoMatter { Neither }
enum HiddenError { Private }
fn f() { OpenError::Late(1); }
";

    #[test]
    fn the_rule_fires_on_a_variant_that_no_test_names() {
        let tests = "fn t() { assert!(matches!(f(), Err(a::OpenError::Forged { .. }))); }";
        let sources = [
            Source::of("framework/src/open.rs", DEFINITION),
            Source::of("framework/tests/open.rs", tests),
        ];
        let expected = [
            "framework/src/open.rs:2: OpenError::Short",
            "framework/src/open.rs:2: OpenError::Late",
            "framework/src/open.rs:3: Refusal::Full",
        ];
        assert_eq!(untested(&sources), expected);
    }

    #[test]
    fn a_name_in_a_comment_a_string_or_a_bench_is_no_test() {
        let tests = "// OpenError::Short\nfn t() { let s = \"OpenError::Short\"; }";
        let sources = [
            Source::of("framework/src/open.rs", DEFINITION),
            Source::of("framework/tests/open.rs", tests),
            Source::of("framework/benches/open.rs", "fn b() { OpenError::Short; }"),
        ];
        assert_eq!(untested(&sources).len(), 4);
    }
}
