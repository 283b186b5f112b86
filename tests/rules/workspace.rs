//! The repository as the rules see it: members with their manifests, sources with their test code
//! told apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use toml_edit::{DocumentMut, Item};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file, by its path from the root.
pub(crate) fn text(path: &str) -> String {
    let full = root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|error| panic!("{}: {error}", full.display()))
}

/// A crate of the workspace.
pub(crate) struct Member {
    /// Its folder from the root: `algorithms/ml-kem`.
    pub(crate) path: String,
    manifest: DocumentMut,
}

impl Member {
    /// Whether it needs the crate `name` with a feature alone.
    pub(crate) fn needs_only_by_feature(&self, name: &str) -> bool {
        let dependency = self
            .manifest
            .get("dependencies")
            .and_then(|all| all.get(name));
        let optional = dependency.and_then(|one| one.get("optional"));
        optional.and_then(Item::as_bool) == Some(true)
    }

    /// Reads a manifest.
    pub(crate) fn of(path: &str, manifest: &str) -> Self {
        let manifest = manifest
            .parse()
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        Self {
            path: path.into(),
            manifest,
        }
    }

    /// The package's name.
    pub(crate) fn name(&self) -> &str {
        self.manifest["package"]["name"].as_str().unwrap()
    }

    /// What it depends on to be built and run, on any platform; not for its tests.
    pub(crate) fn dependencies(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut add = |tables: &Item| {
            for table in ["dependencies", "build-dependencies"] {
                let Some(table) = tables.get(table).and_then(Item::as_table_like) else {
                    continue;
                };
                names.extend(table.iter().map(|(key, value)| {
                    value
                        .get("package")
                        .and_then(Item::as_str)
                        .unwrap_or(key)
                        .to_owned()
                }));
            }
        };
        add(self.manifest.as_item());
        let targets = self.manifest.get("target").and_then(Item::as_table_like);
        targets
            .into_iter()
            .flat_map(|table| table.iter())
            .for_each(|(_, target)| add(target));
        names
    }
}

/// Every member of the workspace, in the order of `Cargo.toml`.
pub(crate) fn members() -> Vec<Member> {
    let workspace: DocumentMut = text("Cargo.toml").parse().unwrap();
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let paths = members.iter().map(|path| path.as_str().unwrap());
    paths
        .map(|path| Member::of(path, &text(&format!("{path}/Cargo.toml"))))
        .collect()
}

/// One Rust file.
pub(crate) struct Source {
    /// Its path from the root.
    pub(crate) path: String,
    /// What stands in it.
    pub(crate) text: String,
    /// The lines of its test code, first and last.
    tests: Vec<(usize, usize)>,
}

impl Source {
    /// Reads a file and tells its test code apart: everything under a folder `tests`, `benches`,
    /// `examples` or `fuzz`, and every item under `#[cfg(test)]` or `#[test]`.
    pub(crate) fn of(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut finder = TestItems::default();
        finder.visit_file(&file);
        let folders = ["tests", "benches", "examples", "fuzz"];
        let within = path.split_once("/src/").map_or(path, |(_, within)| within);
        if within.split('/').any(|part| folders.contains(&part)) {
            finder.0.push((1, usize::MAX));
        }
        Self {
            path: path.into(),
            text: text.into(),
            tests: finder.0,
        }
    }

    /// The code that is built for users.
    pub(crate) fn live(&self) -> TokenStream {
        self.keep(self.all(), false)
    }

    /// The same as a tree.
    pub(crate) fn live_file(&self) -> syn::File {
        syn::parse2(self.live()).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// The code that is built for tests alone.
    pub(crate) fn tests(&self) -> TokenStream {
        self.keep(self.all(), true)
    }

    /// Everything.
    pub(crate) fn all(&self) -> TokenStream {
        self.text
            .parse()
            .unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// `path:line`, for a finding.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }

    /// The lines that are not test code.
    pub(crate) fn live_lines(&self) -> usize {
        (1..=self.text.lines().count())
            .filter(|line| !self.is_test(*line))
            .count()
    }

    fn is_test(&self, line: usize) -> bool {
        self.tests
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&line))
    }

    /// Goes into groups, since the two kinds of code can stand within one module or `impl`. Live
    /// code stays complete, so that it can be parsed; test code is a heap of tokens.
    fn keep(&self, tokens: TokenStream, tests: bool) -> TokenStream {
        let kept = tokens.into_iter().filter_map(|token| match token {
            TokenTree::Group(group) if tests || !self.is_test(group.span_open().start().line) => {
                let mut kept = Group::new(group.delimiter(), self.keep(group.stream(), tests));
                kept.set_span(group.span());
                Some(TokenTree::Group(kept))
            }
            other => (self.is_test(other.span().start().line) == tests).then_some(other),
        });
        kept.collect()
    }
}

/// Every Rust file of the repository; files that a `#[cfg(test)] mod name;` brings in are test
/// code.
pub(crate) fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in [
        "framework",
        "algorithms",
        "transports",
        "profiles",
        "cli",
        "tests",
    ] {
        find_rust(folder, &mut paths);
    }
    paths.sort();
    let mut sources: Vec<_> = paths
        .iter()
        .map(|path| Source::of(path, &text(path)))
        .collect();
    let test_files: BTreeSet<_> = sources.iter().flat_map(test_modules).collect();
    for source in &mut sources {
        if test_files.contains(&source.path) {
            source.tests.push((1, usize::MAX));
        }
    }
    sources
}

fn find_rust(folder: &str, paths: &mut Vec<String>) {
    let entries = fs::read_dir(root().join(folder));
    for entry in entries.into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            if name != "target" && !name.starts_with('.') {
                find_rust(&path, paths);
            }
        } else if name.ends_with(".rs") {
            paths.push(path);
        }
    }
}

/// The files that `#[cfg(test)] mod name;` in `source` may mean.
fn test_modules(source: &Source) -> Vec<String> {
    let file = syn::parse_file(&source.text).unwrap();
    let stem = source.path.strip_suffix(".rs").unwrap();
    let (parent, own) = stem.rsplit_once('/').unwrap();
    let folder = if ["lib", "main", "mod"].contains(&own) {
        parent
    } else {
        stem
    };
    let names = file.items.iter().filter_map(|item| match item {
        syn::Item::Mod(module) if module.content.is_none() && is_test(&module.attrs) => {
            Some(module.ident.to_string())
        }
        _ => None,
    });
    names
        .flat_map(|name| {
            [
                format!("{folder}/{name}.rs"),
                format!("{folder}/{name}/mod.rs"),
            ]
        })
        .collect()
}

#[derive(Default)]
struct TestItems(Vec<(usize, usize)>);

impl TestItems {
    fn note(&mut self, attributes: &[syn::Attribute], spanned: &impl Spanned) -> bool {
        let test = is_test(attributes);
        if test {
            let span = spanned.span();
            self.0.push((span.start().line, span.end().line));
        }
        test
    }
}

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes: &[syn::Attribute] = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if !self.note(attributes, item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.attrs, item);
    }
}

/// `#[test]`, `#[tokio::test]`, `#[cfg(test)]`, `#[cfg(all(test, …))]`; `cfg(any(test, …))` is not.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path
            .segments
            .last()
            .is_some_and(|last| last.ident == "test")
        {
            return true;
        }
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        let condition = list.tokens.to_string();
        path.is_ident("cfg") && (condition == "test" || condition.starts_with("all (test"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::paths;

    const MIXED: &str = "\
fn live() { a::live(); }

#[cfg(test)]
mod tests {
    #[test]
    fn test() { a::test(); }
}

impl X {
    #[cfg(test)]
    fn only_in_tests() { a::test(); }
    fn always() { a::live(); }
}
";

    #[test]
    fn test_code_is_told_apart() {
        let source = Source::of("a/src/lib.rs", MIXED);
        let has = |tokens, wanted: &str| paths(tokens).iter().any(|path| path.contains(wanted));
        assert!(has(source.live(), "a::live") && !has(source.live(), "a::test"));
        assert!(has(source.tests(), "a::test") && !has(source.tests(), "a::live"));
        assert_eq!(source.live_lines(), 6);
    }

    #[test]
    fn a_file_in_a_folder_of_tests_is_test_code() {
        assert_eq!(Source::of("a/tests/b.rs", MIXED).live_lines(), 0);
        assert_eq!(Source::of("tests/b/c.rs", MIXED).live_lines(), 0);
        assert_eq!(Source::of("a/src/tests/b.rs", MIXED).live_lines(), 0);
        assert!(Source::of("tests/example-plugin/src/lib.rs", MIXED).live_lines() > 0);
    }

    #[test]
    fn a_module_of_tests_in_its_own_file_is_found() {
        let source = Source::of("a/src/b.rs", "#[cfg(test)]\nmod tests;\nmod live;");
        assert_eq!(
            test_modules(&source),
            ["a/src/b/tests.rs", "a/src/b/tests/mod.rs"]
        );
    }

    #[test]
    fn dependencies_are_read_from_every_table_but_that_of_tests() {
        let manifest = "
            [package]
            name = 'm'
            [dependencies]
            a.workspace = true
            b = { version = '1', package = 'c' }
            [build-dependencies]
            d = '1'
            [dev-dependencies]
            e = '1'
            [target.'cfg(unix)'.dependencies]
            f = '1'
        ";
        let names = Member::of("m", manifest).dependencies();
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["a", "c", "d", "f"]);
    }

    #[test]
    fn the_repository_is_found() {
        assert!(
            members()
                .iter()
                .any(|member| member.name() == "pqfw-framework")
        );
        assert!(
            sources()
                .iter()
                .any(|source| source.path == "tests/rules/workspace.rs")
        );
    }
}
