//! What goes to stdout and stderr: tables and colours for people, JSON for machines.

use std::io::{self, IsTerminal, Write};
use std::process;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::error::{CliError, exit_code};

/// The way this run prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    color_out: bool,
    color_err: bool,
}

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tone {
    Plain,
    Strong,
    Good,
    Bad,
    Warning,
    Faint,
}

impl Tone {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        // no-color.org: present and not empty.
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json,
            color_out: wanted && io::stdout().is_terminal(),
            color_err: wanted && io::stderr().is_terminal(),
        }
    }

    /// Whether a person looks at stdout.
    pub(crate) fn is_terminal(self) -> bool {
        io::stdout().is_terminal()
    }

    /// A bar for long work: on stderr, when that is a terminal.
    pub(crate) fn progress(self, length: usize) -> ProgressBar {
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(u64::try_from(length).ok(), target);
        match ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// The same streams, for a command whose JSON is one document of its own.
    pub(crate) fn for_people(self) -> Self {
        Self {
            json: false,
            ..self
        }
    }

    /// Text in its colour, for stdout.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.color_out, tone, text)
    }

    /// Text in its colour, for stderr.
    pub(crate) fn paint_err(&self, tone: Tone, text: &str) -> String {
        paint(self.color_err, tone, text)
    }

    /// One line to stdout.
    pub(crate) fn line(&self, text: &str) {
        write_or_end(&mut io::stdout().lock(), text.as_bytes(), true);
    }

    /// Bytes to stdout, as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        write_or_end(&mut io::stdout().lock(), bytes, false);
    }

    /// One line to stderr.
    pub(crate) fn line_err(&self, text: &str) {
        // Nobody reads stderr any more: there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// A JSON document, or one line of a JSON stream.
    pub(crate) fn document(&self, value: &serde_json::Value) {
        self.line(&value.to_string());
    }

    /// Rows in aligned columns below a faint heading.
    pub(crate) fn table(&self, headings: &[&str], rows: &[Vec<(Tone, String)>]) {
        let mut widths: Vec<_> = headings
            .iter()
            .map(|heading| heading.chars().count())
            .collect();
        for row in rows {
            for (width, (_, cell)) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let heading: Vec<_> = headings
            .iter()
            .map(|heading| (Tone::Faint, (*heading).to_owned()))
            .collect();
        for row in std::iter::once(&heading).chain(rows) {
            let last = row.len().saturating_sub(1);
            let cells =
                row.iter()
                    .zip(&widths)
                    .enumerate()
                    .map(|(index, ((tone, cell), width))| {
                        let pad = if index == last {
                            0
                        } else {
                            width - cell.chars().count()
                        };
                        format!("{}{}", self.paint(*tone, cell), " ".repeat(pad))
                    });
            self.line(&cells.collect::<Vec<_>>().join("  "));
        }
    }

    /// An error: one line on stderr, the chain below it on request; JSON on stdout with `--json`.
    pub(crate) fn error(&self, error: &CliError, verbose: bool) {
        if self.json {
            let code = exit_code(error.failure);
            let value = serde_json::json!({ "error": error.message, "exit_code": code });
            self.document(&value);
        }
        self.line_err(&format!(
            "{} {}",
            self.paint_err(Tone::Bad, "error:"),
            error.message
        ));
        if verbose {
            for cause in &error.chain {
                self.line_err(&format!("  caused by: {cause}"));
            }
        }
    }
}

fn paint(color: bool, tone: Tone, text: &str) -> String {
    if !color {
        return text.to_owned();
    }
    let style = tone.style();
    format!("{style}{text}{style:#}")
}

/// Writes, and ends the process quietly when the reader of a pipe has gone.
fn write_or_end(stream: &mut impl Write, bytes: &[u8], newline: bool) {
    let end: &[u8] = if newline { b"\n" } else { b"" };
    let written = stream.write_all(bytes).and_then(|()| stream.write_all(end));
    if let Err(error) = written.and_then(|()| stream.flush()) {
        if error.kind() != io::ErrorKind::BrokenPipe {
            let _ = writeln!(
                io::stderr().lock(),
                "error: cannot write to stdout: {error}"
            );
            process::exit(1);
        }
        process::exit(0);
    }
}
