//! The global model as it is served: signed, whole or in ranges, and not again to who has it.
//!
//! ```text
//! digest = SHA-256(parts: "qflare-2/model" ‖ version ‖ SHA-256 of the file ‖ round, u64 ‖ length, u64)
//! ```

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::transport::Response;

use super::message::Message;
use super::{label, parts};
use crate::error::Refusal;
use crate::json::{base64_url, hex};
use crate::service::{Global, version};
use crate::state::ModelName;

/// What the server signs of a model.
pub(super) fn digest(sha256: &AdmittedHash, name: &ModelName, length: u64) -> Vec<u8> {
    sha256.digest(&[&parts(&[
        label::MODEL.as_bytes(),
        version(name).as_bytes(),
        &name.hash,
        &name.round.to_be_bytes(),
        &length.to_be_bytes(),
    ])])
}

/// Answers with the model, a range of it, or that it is the one that the asker has.
pub(super) fn answer(
    global: &Global,
    asked: &Message,
    signature: &[u8],
) -> Result<Response, Refusal> {
    let etag = format!("\"{}\"", hex(&global.name.hash));
    let (length, version) = (global.length(), global.version());
    let about = Message::default()
        .with("etag", etag.clone())
        .with("model-version", version)
        .with("model-round", global.name.round.to_string())
        .with("model-length", length.to_string())
        .with("pqfw-signature", base64_url(signature));
    let (status, message) = if asked.field("if-none-match") == Some(&etag) {
        (304, about)
    } else if let Some(wanted) = asked.field("range") {
        let (from, to) = range(wanted, length).ok_or(Refusal::Range(length))?;
        let file = global.model.to_safetensors();
        let piece = file.get(from..to).ok_or(Refusal::Range(length))?.to_vec();
        let last = to.saturating_sub(1);
        let about = about.with("content-range", format!("bytes {from}-{last}/{length}"));
        (
            206,
            Message {
                body: piece,
                ..about
            },
        )
    } else {
        let body = global.model.to_safetensors();
        (200, Message { body, ..about })
    };
    let body = message.encode();
    let body = body.map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Response { status, body })
}

/// `bytes=A-B` and `bytes=A-` (RFC 9110 section 14.1.2); one range, not empty.
fn range(text: &str, length: u64) -> Option<(usize, usize)> {
    let (from, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    let from = number(from)?;
    let to = match last {
        "" => length,
        last => number(last)?.checked_add(1)?.min(length),
    };
    let fits = from < to;
    let range = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
    fits.then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_within_the_file_and_not_empty() {
        for (text, expected) in [
            ("bytes=0-0", Some((0, 1))),
            ("bytes=0-9", Some((0, 10))),
            ("bytes=3-", Some((3, 10))),
            ("bytes=3-99", Some((3, 10))),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("bytes=-5", None),
            ("bytes=+1-5", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("bytes=0-18446744073709551615", None),
        ] {
            assert_eq!(range(text, 10), expected, "{text}");
        }
    }
}
