//! What deployed ends print, word for word, and text from a peer made harmless for a terminal.

use std::fmt::Write;
use std::net::SocketAddr;

/// After a client was given the key.
pub const KEY_SENT: &str = "Public key sent. Waiting for encrypted messages...";
/// After a client said `exit`.
pub const CLIENT_EXIT: &str = "Client requested to exit.";
/// The server's last line.
pub const SERVER_END: &str = "Server shutting down.";
/// The client's first line.
pub const CLIENT_BEGIN: &str =
    "Received server public key. Type messages to send. Type 'exit' to quit.";
/// Before each line that is typed.
pub const PROMPT: &str = "> ";
/// The client's last line.
pub const CLIENT_END: &str = "Client exiting.";

/// The server's first line; a URL without its scheme, as deployed servers have no URLs.
#[must_use]
pub fn listening(url: &str) -> String {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    format!("Server listening on {address}")
}

/// A client has come: its address as Python prints a socket's.
#[must_use]
pub fn connected(peer: &str) -> String {
    let address = peer.split_once("://").map_or(peer, |(_, address)| address);
    match address.parse() {
        Ok(SocketAddr::V4(at)) => format!("Connected by ('{}', {})", at.ip(), at.port()),
        Ok(SocketAddr::V6(at)) => {
            let (ip, port, flow, scope) = (at.ip(), at.port(), at.flowinfo(), at.scope_id());
            format!("Connected by ('{ip}', {port}, {flow}, {scope})")
        }
        Err(_) => format!("Connected by ({})", escape(peer)),
    }
}

/// A message was opened.
#[must_use]
pub fn decrypted(message: &str) -> String {
    format!("Decrypted from client: {}", escape(message))
}

/// Whether a message ends the session, as Python's `strip().lower() == "exit"` finds.
#[must_use]
pub fn is_exit(message: &str) -> bool {
    // Python takes the four separators of ASCII for space as well.
    let space = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
    message.trim_matches(space).eq_ignore_ascii_case("exit")
}

/// Text without what moves a cursor, changes a colour, ends a line or turns the reading direction.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_formatting(c) {
            // A String takes whatever is written to it.
            let _ = write!(escaped, "{}", c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The same, cut after a line's worth: for a peer's text inside an error.
pub(crate) fn escape_short(text: &str) -> String {
    let short: String = text.chars().take(SHORT).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    escape(&short) + more
}

/// Characters of a peer's text inside an error.
const SHORT: usize = 40;

/// Unicode's line ends, directional controls, invisible joiners and the tag characters.
fn is_formatting(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_python_prints_them() {
        assert_eq!(
            listening("tcp://127.0.0.1:5000"),
            "Server listening on 127.0.0.1:5000"
        );
        assert_eq!(listening("memory:a"), "Server listening on memory:a");
        assert_eq!(
            connected("tcp://127.0.0.1:41"),
            "Connected by ('127.0.0.1', 41)"
        );
        assert_eq!(connected("[::1]:41"), "Connected by ('::1', 41, 0, 0)");
        assert_eq!(connected("a\nb"), "Connected by (a\\nb)");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(
            decrypted("aß😀 'x' \\"),
            "Decrypted from client: aß😀 'x' \\"
        );
        let evil = "a\r\nb\u{1b}[2J\u{9b}1m\u{202e}\u{2028}\u{7}";
        assert_eq!(
            escape(evil),
            "a\\r\\nb\\u{1b}[2J\\u{9b}1m\\u{202e}\\u{2028}\\u{7}"
        );
    }

    #[test]
    fn exit_is_trimmed_and_in_any_case() {
        for yes in ["exit", " Exit\t", "EXIT\r\n", "\x1cexit\u{a0}"] {
            assert!(is_exit(yes), "{yes:?}");
        }
        for no in ["", "exit now", "e xit", "exit\0"] {
            assert!(!is_exit(no), "{no:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(escape_short(&"ß".repeat(41)), "ß".repeat(40) + "…");
        assert_eq!(escape_short(&"ß".repeat(40)), "ß".repeat(40));
    }
}
