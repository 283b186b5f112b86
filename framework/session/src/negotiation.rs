//! Which suite two ends speak: a pure function of two ordered lists
//! (`docs/protocols/channel.md` section 1).

/// The first entry of the responder's list that is in the initiator's offer: its positions in the
/// responder's list and in the offer.
#[must_use]
pub fn agree(responder: &[impl AsRef<str>], offer: &[impl AsRef<str>]) -> Option<(usize, usize)> {
    responder.iter().enumerate().find_map(|(own, suite)| {
        let offered = offer.iter().position(|o| o.as_ref() == suite.as_ref())?;
        Some((own, offered))
    })
}

/// The KEM of a suite's name.
pub(crate) fn kem_of(suite: &str) -> &str {
    suite.split('/').next().unwrap_or_default()
}

/// Whether a list can be one: 1 to 64 names of printable ASCII, none twice.
pub(crate) fn is_list(suites: &[String]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    (1..=MOST_SUITES).contains(&suites.len())
        && suites
            .iter()
            .all(|suite| is_name(suite, 1, 255) && seen.insert(suite))
}

/// Whether a text is printable ASCII without spaces, of a length within these bounds.
pub(crate) fn is_name(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// How many suites an end offers at most.
pub const MOST_SUITES: usize = 64;
