//! Which tools a peer may call.
//!
//! The filter reads a message as every parser reads it, or refuses it: servers that take the first of
//! two equal keys, the last of them, or `Name` for `name` all call the tool that was looked at here.

use std::collections::{BTreeMap, BTreeSet};

use pqfw_framework::keys::Fingerprint;

use super::answer::Code;
use super::message::{Message, Shape};

/// The tools of every peer, as a profile has them.
#[derive(Clone, Debug, Default)]
pub struct AllowLists(BTreeMap<String, BTreeSet<String>>);

/// Stands for every peer that has no list of its own.
pub const ANY_PEER: &str = "*";

impl AllowLists {
    /// Makes them; empty: there is no such thing here, and every tool may be called.
    ///
    /// # Errors
    /// The first peer that is no fingerprint and not [`ANY_PEER`]: its list would never be used.
    pub fn new(lists: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        let is_peer = |peer: &str| peer == ANY_PEER || Fingerprint::parse(peer).is_some();
        if let Some(bad) = lists.keys().find(|peer| !is_peer(peer)) {
            return Err(format!(
                "mcp.tools: `{}` is no fingerprint and not `*`; write `sha256:` and 64 lower-case \
                 hexadecimal digits",
                bad.escape_debug()
            ));
        }
        let set = |tools: &Vec<String>| tools.iter().cloned().collect();
        Ok(Self(
            lists
                .iter()
                .map(|(peer, tools)| (peer.clone(), set(tools)))
                .collect(),
        ))
    }

    /// Whether there is nothing to enforce.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What one peer may call; `None`: everything. A peer without a list may call nothing.
    #[must_use]
    pub fn of(&self, peer: &Fingerprint) -> Option<AllowList> {
        if self.is_empty() {
            return None;
        }
        let list = self
            .0
            .get(&peer.to_string())
            .or_else(|| self.0.get(ANY_PEER));
        Some(AllowList(list.cloned().unwrap_or_default()))
    }
}

/// The tools of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList(BTreeSet<String>);

/// Why a message is not forwarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The code of the answer.
    pub code: Code,
    /// Why.
    pub reason: String,
}

impl AllowList {
    /// Looks at a message, and at the line that it was read from.
    ///
    /// # Errors
    /// [`Refused`]; nothing is to be forwarded then.
    pub fn check(&self, line: &str, message: &Message<'_>) -> Result<(), Refused> {
        let invalid = |reason: &str| {
            Err(Refused {
                code: Code::Invalid,
                reason: format!("{reason}, and this server has an allow-list of tools"),
            })
        };
        match message.shape {
            Shape::Object => {}
            Shape::Array => return invalid("the message is a batch"),
            Shape::Scalar => return invalid("the message is no object"),
        }
        if line.trim_end().contains('\r') {
            // Readers of text that take a carriage return for the end of a line would read more
            // messages than one.
            return invalid("a carriage return in the middle of the message");
        }
        if message.ambiguous {
            return invalid("a key at the top of the message is there twice, or nearly so");
        }
        if !message.calls {
            return Ok(());
        }
        match message.method.as_deref() {
            Some("tools/call") => {}
            Some(_) => return Ok(()),
            None => return invalid("`method` is no string"),
        }
        let Some(params) = message.params() else {
            return invalid("`params` is no object");
        };
        if params.ambiguous {
            return invalid("a key in `params` is there twice, or nearly so");
        }
        match params.name.as_deref() {
            None => invalid("`params.name` is no string"),
            Some(name) if self.0.contains(name) => Ok(()),
            Some(name) => Err(Refused {
                code: Code::ToolNotAllowed,
                reason: format!(
                    "the tool `{}` is not allowed to this peer",
                    name.escape_debug()
                ),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: &str = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

    fn lists(text: &[(&str, &[&str])]) -> Result<AllowLists, String> {
        let owned = |tools: &&[&str]| tools.iter().map(|tool| (*tool).to_owned()).collect();
        AllowLists::new(
            &text
                .iter()
                .map(|(peer, tools)| ((*peer).to_owned(), owned(tools)))
                .collect(),
        )
    }

    fn check(line: &str) -> Result<(), Code> {
        let peer = Fingerprint::parse(PEER).unwrap();
        let list = lists(&[(PEER, &["echo"])]).unwrap().of(&peer).unwrap();
        let message = Message::read(line).unwrap();
        list.check(line, &message).map_err(|refused| refused.code)
    }

    #[test]
    fn each_peer_has_its_list_and_without_one_nothing() {
        let (mine, other) = (PEER, PEER.replace("0a", "0b"));
        let peer = Fingerprint::parse(mine).unwrap();
        assert_eq!(lists(&[]).unwrap().of(&peer), None);
        let of = |text: &[(&str, &[&str])]| lists(text).unwrap().of(&peer).unwrap().0;
        assert!(of(&[(&other, &["a"])]).is_empty());
        assert!(of(&[(mine, &["a"]), (ANY_PEER, &["b"])]).contains("a"));
        assert!(!of(&[(mine, &["a"]), (ANY_PEER, &["b"])]).contains("b"));
        assert!(of(&[(&other, &["a"]), (ANY_PEER, &["b"])]).contains("b"));
        assert!(lists(&[("alice", &[])]).unwrap_err().contains("`alice`"));
    }

    #[test]
    fn a_tool_on_the_list_is_called_and_others_are_not() {
        let call = |name: &str| {
            let params = format!("{{\"name\":{name},\"arguments\":{{\"name\":\"x\"}}}}");
            format!("{{\"id\":1,\"method\":\"tools/call\",\"params\":{params}}}\r\n")
        };
        assert_eq!(check(&call("\"echo\"")), Ok(()));
        assert_eq!(check(&call("\"e\\u0063ho\"")), Ok(()));
        for name in ["\"other\"", "\"Echo\"", "\"echo \"", "\"\""] {
            assert_eq!(check(&call(name)), Err(Code::ToolNotAllowed), "{name}");
        }
        for name in ["7", "null", "[\"echo\"]", "\"\\ud800\""] {
            assert_eq!(check(&call(name)), Err(Code::Invalid), "{name}");
        }
        for fine in [
            "{\"id\":1,\"method\":\"tools/list\"}",
            "{\"id\":1,\"result\":{\"name\":\"x\"}}",
            "{\"method\":\"notifications/initialized\",\"params\":{\"a\":1,\"a\":2}}",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn what_another_parser_could_read_otherwise_is_refused() {
        for line in [
            "[{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\"}}]",
            "7",
            "{\"id\":1,\"method\":\"tools/call\",\"method\":\"ping\"}",
            "{\"id\":1,\"method\":\"ping\",\"Method\":\"tools/call\",\"params\":{\"name\":\"x\"}}",
            "{\"id\":1,\"method\":7}",
            "{\"id\":1,\"method\":\"tools/call\"}",
            "{\"id\":1,\"method\":\"tools/call\",\"params\":[\"echo\"]}",
            "{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"name\":\"x\"}}",
            "{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"Name\":\"x\"}}",
            "{\"id\":1,\"method\":\"tools/call\",\"params\":{}}",
            "{\"a\":\r{\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"x\"}}\r}",
        ] {
            assert_eq!(check(line), Err(Code::Invalid), "{line}");
        }
    }
}
