//! `pqfw plugin new`: a crate that builds and passes at once.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::args::plugin::New;
use crate::error::CliError;
use crate::output::{Output, Tone};

/// What a name may have: cargo's own limit for crates.
const LONGEST_NAME: usize = 64;

/// The files of a crate and their templates.
const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("README.md", include_str!("template/README.md.in")),
    ("src/lib.rs", include_str!("template/lib.rs.in")),
    ("src/kem.rs", include_str!("template/kem.rs.in")),
    ("src/main.rs", include_str!("template/main.rs.in")),
    (
        "tests/conformance.rs",
        include_str!("template/conformance.rs.in"),
    ),
];

pub(super) fn run(args: &New, output: &Output) -> Result<(), CliError> {
    let names = Names::of(&args.name)?;
    let directory = args
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from(&args.name));
    if directory.exists() {
        let text = format!(
            "{} is there already; name another with --path",
            directory.display()
        );
        return Err(CliError::operation(text));
    }
    let source = Source::of(args.framework.as_deref())?;
    let mut written = Vec::new();
    for (name, template) in FILES {
        let path = directory.join(name);
        let text = fill(template, &names, &source);
        let parent = path.parent().unwrap_or(&directory);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| CliError::operation(format!("{}: {error}", path.display())))?;
        written.push(path.display().to_string());
    }
    if output.json {
        output.document(&json!({ "algorithm": names.algorithm, "files": written }));
        return Ok(());
    }
    for path in &written {
        output.line(&output.paint(Tone::Faint, path));
    }
    let next = format!("cd {} && cargo test", directory.display());
    output.line(&format!("next: {}", output.paint(Tone::Strong, &next)));
    Ok(())
}

/// One name in the three ways in which it is written.
struct Names {
    /// `my-kem`.
    krate: String,
    /// `my_kem`.
    module: String,
    /// `MyKem`.
    kind: String,
    /// `My-Kem`.
    algorithm: String,
}

impl Names {
    fn of(name: &str) -> Result<Self, CliError> {
        let words: Vec<_> = name.split('-').collect();
        let plain = |word: &&str| {
            let mut letters = word.bytes();
            letters
                .next()
                .is_some_and(|first| first.is_ascii_lowercase())
                && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if name.len() > LONGEST_NAME || !words.iter().all(plain) {
            return Err(CliError::usage(format!(
                "`{}` is no name for a crate here: lower-case words of letters and digits, joined \
                 by `-`, at most {LONGEST_NAME} bytes; for example my-kem",
                name.escape_debug()
            )));
        }
        let titled = words.iter().map(|word| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_ascii_uppercase())
        });
        let titled: Vec<_> = titled.collect();
        Ok(Self {
            krate: name.into(),
            module: words.join("_"),
            kind: titled.concat(),
            algorithm: titled.join("-"),
        })
    }
}

/// Where the new crate takes pqfw from.
struct Source {
    framework: String,
    cli: String,
}

impl Source {
    /// A checkout, or the repository.
    fn of(checkout: Option<&Path>) -> Result<Self, CliError> {
        let Some(checkout) = checkout else {
            let git = format!("git = {:?}", env!("CARGO_PKG_REPOSITORY"));
            return Ok(Self {
                framework: git.clone(),
                cli: git,
            });
        };
        let part = |name: &str| {
            let path = checkout.join(name);
            let manifest = path.join("Cargo.toml");
            if !manifest.is_file() {
                let text = format!("--framework: {} is not there", manifest.display());
                return Err(CliError::usage(text));
            }
            let path = path.canonicalize().map_err(CliError::operation)?;
            Ok(format!("path = {:?}", path.display().to_string()))
        };
        Ok(Self {
            framework: part("framework")?,
            cli: part("cli")?,
        })
    }
}

fn fill(template: &str, names: &Names, source: &Source) -> String {
    let values = [
        ("{{crate}}", &names.krate),
        ("{{module}}", &names.module),
        ("{{type}}", &names.kind),
        ("{{algorithm}}", &names.algorithm),
        ("{{framework}}", &source.framework),
        ("{{cli}}", &source.cli),
    ];
    let fill = |text: String, (mark, value): (&str, &String)| text.replace(mark, value);
    values.into_iter().fold(template.to_owned(), fill)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_four_ways() {
        let names = Names::of("my-kem2").unwrap();
        assert_eq!(names.module, "my_kem2");
        assert_eq!(names.kind, "MyKem2");
        assert_eq!(names.algorithm, "My-Kem2");
    }

    #[test]
    fn a_name_that_cargo_or_the_shell_would_trip_over_is_refused() {
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in [
            "", "-", "my--kem", "My-Kem", "2kem", "my_kem", "../kem", "kem\"", &long,
        ] {
            assert!(Names::of(name).is_err(), "{name}");
        }
        assert!(Names::of(&"a".repeat(LONGEST_NAME)).is_ok());
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let (names, source) = (Names::of("my-kem").unwrap(), Source::of(None).unwrap());
        for (name, template) in FILES {
            let text = fill(template, &names, &source);
            assert!(!text.contains("{{") && !text.contains("}}"), "{name}");
        }
    }
}
