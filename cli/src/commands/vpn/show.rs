//! What a node says, for people.

use serde_json::Value;

use crate::output::{Output, Tone};

/// Home, and nothing below: ECMA-48 sections 8.3.21 and 8.3.39.
pub(super) const CLEAR: &[u8] = b"\x1b[H\x1b[J";

/// A value as text; nothing where there is none. What came from a peer is escaped.
pub(super) fn text(of: &Value, key: &str) -> String {
    match of.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.escape_debug().to_string(),
        Some(other) => other.to_string(),
    }
}

fn duration(secs: Option<u64>) -> String {
    match secs {
        None => String::new(),
        Some(secs) if secs < 60 => format!("{secs} s"),
        Some(secs) if secs < 3600 => format!("{} min {} s", secs / 60, secs % 60),
        Some(secs) => format!("{} h {} min", secs / 3600, secs % 3600 / 60),
    }
}

fn secs(of: &Value, key: &str) -> String {
    duration(of.get(key).and_then(Value::as_u64))
}

pub(super) fn status(status: &Value, output: &Output) {
    let line = |name: &str, value: String| {
        let name = output.paint(Tone::Faint, &format!("{name:<10}"));
        output.line(&format!("{name} {value}"));
    };
    line("node", text(status, "nickname"));
    line("peer id", text(status, "peer_id"));
    line("url", text(status, "url"));
    line("up", secs(status, "uptime_secs"));
    line("interface", text(status, "interface"));
    let keys = match status.get("temporary_keys").and_then(Value::as_bool) {
        Some(true) => "temporary: gone with the process",
        _ => "kept in files",
    };
    line("keys", keys.into());
    let sessions = text(status, "sessions");
    line(
        "sessions",
        format!("{sessions}, {} peers known", text(status, "peers_known")),
    );
    for (name, packets, bytes) in [
        ("sent", "packets_sent", "bytes_sent"),
        ("received", "packets_received", "bytes_received"),
    ] {
        let (packets, bytes) = (text(status, packets), text(status, bytes));
        line(name, format!("{packets} datagrams, {bytes} bytes"));
    }
    line("refused", text(status, "refused"));
}

/// One line, without what changes all the time.
pub(super) fn line(status: &Value, sessions: &Value) -> String {
    let up: Vec<_> = rows(sessions, "sessions")
        .map(|row| format!("{} at {}", text(row, "peer"), text(row, "endpoint")))
        .collect();
    let number = text(status, "sessions");
    match up.is_empty() {
        true => format!("{number} sessions"),
        false => format!("{number} sessions: {}", up.join(", ")),
    }
}

fn rows<'a>(answer: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let rows = answer.get(key).and_then(Value::as_array);
    rows.into_iter().flatten()
}

pub(super) fn sessions(answer: &Value, output: &Output) {
    let row = |row: &Value| {
        vec![
            (Tone::Strong, text(row, "peer")),
            (Tone::Plain, text(row, "name")),
            (Tone::Plain, text(row, "endpoint")),
            (Tone::Plain, text(row, "role")),
            (Tone::Plain, text(row, "trusted")),
            (Tone::Plain, secs(row, "up_secs")),
            (Tone::Plain, secs(row, "keys_secs")),
            (Tone::Plain, text(row, "rekeys")),
        ]
    };
    let rows: Vec<_> = rows(answer, "sessions").map(row).collect();
    let heads = [
        "PEER", "NAME", "ENDPOINT", "ROLE", "TRUSTED", "UP", "KEYS", "REKEYS",
    ];
    output.table(&heads, &rows);
}

pub(super) fn peers(answer: &Value, output: &Output) {
    let row = |row: &Value| {
        let (tone, up) = match row.get("up").and_then(Value::as_bool) {
            Some(true) => (Tone::Good, "up"),
            _ => (Tone::Faint, "down"),
        };
        vec![
            (Tone::Strong, text(row, "peer")),
            (Tone::Plain, text(row, "name")),
            (Tone::Plain, text(row, "known")),
            (tone, up.to_owned()),
        ]
    };
    let rows: Vec<_> = rows(answer, "peers").map(row).collect();
    output.table(&["PEER", "NAME", "KNOWN", "STATE"], &rows);
}

pub(super) fn logs(answer: &Value, output: &Output) {
    for row in rows(answer, "logs") {
        let at = output.paint(Tone::Faint, &text(row, "at"));
        output.line(&format!("{at} {}", text(row, "text")));
    }
}
