//! What stands in a piece of Rust: paths, string literals and enums, with their lines.
//!
//! It works on tokens rather than on the syntax tree, because half of what the rules look for
//! stands inside macros (`assert!`, `matches!`), where there is no tree. Comments are no tokens;
//! attributes, and with them documentation, are left out.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// `a::b::C`, with the line of its first segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// Whether a `!` follows: the name of a macro that is called.
    pub(crate) called: bool,
}

impl Path {
    /// Whether `wanted` ("std::fs") stands somewhere in the path, segment by segment.
    pub(crate) fn contains(&self, wanted: &str) -> bool {
        let wanted: Vec<_> = wanted.split("::").collect();
        self.segments
            .windows(wanted.len())
            .any(|window| window == wanted)
    }

    /// The whole path as text.
    pub(crate) fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Every path outside attributes. A `use` with braces counts as one path for each of its leaves.
pub(crate) fn paths(tokens: TokenStream) -> Vec<Path> {
    let mut found = Vec::new();
    walk_paths(tokens, &[], &mut found);
    found
}

/// Every string literal outside attributes, with its line.
pub(crate) fn strings(tokens: TokenStream) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = without_attributes(tokens).into_iter();
    let mut stack = Vec::new();
    loop {
        match rest.next() {
            Some(TokenTree::Group(group)) => {
                let inner = without_attributes(group.stream()).into_iter();
                stack.push(std::mem::replace(&mut rest, inner));
            }
            Some(TokenTree::Literal(literal)) => {
                let line = literal.span().start().line;
                match syn::Lit::new(literal) {
                    syn::Lit::Str(text) => found.push((line, text.value())),
                    syn::Lit::ByteStr(text) => {
                        found.push((line, String::from_utf8_lossy(&text.value()).into_owned()));
                    }
                    _ => {}
                }
            }
            Some(_) => {}
            None => match stack.pop() {
                Some(outer) => rest = outer,
                None => return found,
            },
        }
    }
}

/// Every attribute, as the text between its brackets, with its line.
pub(crate) fn attributes(tokens: TokenStream) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut after_hash = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if after_hash && group.delimiter() == Delimiter::Bracket => {
                found.push((group.span_open().start().line, group.stream().to_string()));
                after_hash = false;
            }
            TokenTree::Group(group) => {
                found.extend(attributes(group.stream()));
                after_hash = false;
            }
            TokenTree::Punct(punct) => {
                after_hash = punct.as_char() == '#' || (after_hash && punct.as_char() == '!');
            }
            _ => after_hash = false,
        }
    }
    found
}

fn walk_paths(tokens: TokenStream, prefix: &[String], found: &mut Vec<Path>) {
    let tokens = without_attributes(tokens);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Group(group) => walk_paths(group.stream(), &[], found),
            TokenTree::Ident(first) => {
                let line = first.span().start().line;
                let mut segments = prefix.to_vec();
                segments.push(first.to_string());
                let mut leaves = None;
                while is_path_separator(&tokens, at) {
                    match tokens.get(at + 2) {
                        Some(TokenTree::Ident(next)) => segments.push(next.to_string()),
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            leaves = Some(group.stream());
                        }
                        _ => break,
                    }
                    at += 3;
                }
                match leaves {
                    Some(leaves) => walk_leaves(leaves, &segments, found),
                    None => {
                        let called = is_punct(tokens.get(at), '!');
                        found.push(Path {
                            line,
                            segments,
                            called,
                        });
                    }
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// The inside of `use prefix::{…}`, where every path continues the prefix.
fn walk_leaves(leaves: TokenStream, prefix: &[String], found: &mut Vec<Path>) {
    let mut leaf = TokenStream::new();
    for token in leaves {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                walk_paths(std::mem::take(&mut leaf), prefix, found);
            }
            _ => leaf.extend([token]),
        }
    }
    walk_paths(leaf, prefix, found);
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize, spacing| {
        matches!(tokens.get(at), Some(TokenTree::Punct(punct))
            if punct.as_char() == ':' && punct.spacing() == spacing)
    };
    colon(at, Spacing::Joint) && (colon(at + 1, Spacing::Alone) || colon(at + 1, Spacing::Joint))
}

fn without_attributes(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        let bracketed = matches!(&token, TokenTree::Group(group)
            if group.delimiter() == Delimiter::Bracket);
        let before = |back: usize| kept.len().checked_sub(back).and_then(|at| kept.get(at));
        if bracketed && is_punct(before(1), '#') {
            kept.pop();
        } else if bracketed && is_punct(before(1), '!') && is_punct(before(2), '#') {
            kept.truncate(kept.len() - 2);
        } else {
            kept.push(token);
        }
    }
    kept
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(code: &str) -> Vec<String> {
        paths(code.parse().unwrap())
            .iter()
            .map(Path::text)
            .collect()
    }

    #[test]
    fn paths_are_found_in_code_types_and_macros() {
        let code = "fn f(a: x::Y) { assert!(matches!(g(), Err(E::V(_)))); z::<u8>::h() }";
        let found = texts(code);
        for path in ["x::Y", "E::V", "Err", "z"] {
            assert!(
                found.iter().any(|text| text == path),
                "{path} is not in {found:?}"
            );
        }
    }

    #[test]
    fn a_use_with_braces_is_one_path_for_each_leaf() {
        let found = texts("use std::{fs, io::{self, Read as _}, net::TcpStream};");
        let leaves = [
            "std::fs",
            "std::io::self",
            "std::io::Read",
            "std::net::TcpStream",
        ];
        for leaf in leaves {
            assert!(
                found.iter().any(|text| text == leaf),
                "{leaf} is not in {found:?}"
            );
        }
    }

    #[test]
    fn attributes_and_comments_hold_neither_paths_nor_strings() {
        let code = "//! std::fs \"a\"\n/// \"b\"\n#[doc = \"c\"] #[x(std::fs)] fn f() { \"d\"; }";
        assert!(!texts(code).iter().any(|text| text == "std::fs"));
        let strings = strings(code.parse().unwrap());
        assert_eq!(strings, [(3, "d".to_owned())]);
    }

    #[test]
    fn attributes_are_found_with_their_lines() {
        let found = attributes("#![a]\nmod m {\n#[b(c)]\nfn f() {} }".parse().unwrap());
        assert_eq!(found, [(1, "a".to_owned()), (3, "b (c)".to_owned())]);
    }

    #[test]
    fn a_path_contains_whole_segments() {
        let segments = ["std", "fs", "read"].map(Into::into).into();
        let path = Path {
            line: 1,
            segments,
            called: false,
        };
        assert!(path.contains("std::fs"));
        assert!(path.contains("fs::read"));
        assert!(!path.contains("std::read"));
        assert!(!path.contains("s::read"));
    }
}
