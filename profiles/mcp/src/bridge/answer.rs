//! Errors that the bridge itself answers with, in JSON-RPC 2.0.

use serde_json::json;

/// What the bridge answers with. But for the two that JSON-RPC itself names, the codes lie outside
/// -32768..-32000, which JSON-RPC keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// What came is not one JSON value, or too long: nothing was forwarded.
    Parse,
    /// A message that no allow-list can be kept with: nothing was forwarded.
    Invalid,
    /// The channel was lost before the answer came. Whether the call was carried out is not known.
    ChannelLost,
    /// There is no channel: nothing was forwarded.
    NoChannel,
    /// The tool is not on this peer's list: nothing was forwarded.
    ToolNotAllowed,
    /// The answer is longer than messages may be.
    AnswerTooLong,
    /// More calls are under way than may be: nothing was forwarded.
    Busy,
}

impl Code {
    /// The number.
    #[must_use]
    pub fn number(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::Invalid => -32600,
            Self::ChannelLost => 1001,
            Self::NoChannel => 1002,
            Self::ToolNotAllowed => 1003,
            Self::AnswerTooLong => 1004,
            Self::Busy => 1005,
        }
    }
}

/// A line that answers `id`, as it was written, with an error.
#[must_use]
pub fn error(id: Option<&str>, code: Code, message: &str) -> String {
    let (id, number) = (id.unwrap_or("null").trim(), code.number());
    let message = json!(format!("pqfw: {message}"));
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{number},\"message\":{message}}}}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_identifier_as_it_was_written() {
        assert_eq!(
            error(Some(" 1.50\r"), Code::ChannelLost, "a \"b\""),
            "{\"jsonrpc\":\"2.0\",\"id\":1.50,\"error\":{\"code\":1001,\"message\":\"pqfw: a \\\"b\\\"\"}}\n"
        );
        assert!(error(None, Code::Parse, "x").contains("\"id\":null,\"error\":{\"code\":-32700"));
    }

    #[test]
    fn what_is_ours_lies_outside_what_json_rpc_keeps_for_itself() {
        for code in [
            Code::ChannelLost,
            Code::NoChannel,
            Code::ToolNotAllowed,
            Code::AnswerTooLong,
            Code::Busy,
        ] {
            assert!(!(-32768..=-32000).contains(&code.number()));
        }
    }
}
