//! Names of hybrids: `A+B(+C)`, each part `id` or `id@provider`.

/// What every label begins with.
const LABEL_PREFIX: &str = "pqfw-hybrid-1:";
/// The length of a name is one byte of its label.
const MAX_NAME_BYTES: usize = 255;

/// Whether a name has several parts.
pub(crate) fn is_hybrid(name: &str) -> bool {
    parts(name).nth(1).is_some()
}

/// The parts of a name. A `+` before a `-` is none that joins: it belongs to `SPHINCS+-SHA2-128f`.
pub(crate) fn parts(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let text = rest?;
        let joint = text.match_indices('+').find(|(index, _)| {
            !text
                .get(index + 1..)
                .is_some_and(|tail| tail.starts_with('-'))
        });
        let (part, tail) = match joint.and_then(|(index, _)| text.split_at_checked(index)) {
            Some((part, tail)) => (part, tail.strip_prefix('+')),
            None => (text, None),
        };
        rest = tail;
        Some(part)
    })
}

/// The name of the parts in the order given; `None` when it does not fit a label.
pub(crate) fn canonical<'a>(ids: impl Iterator<Item = &'a str>) -> Option<String> {
    let name = ids.collect::<Vec<_>>().join("+");
    (name.len() <= MAX_NAME_BYTES).then_some(name)
}

/// The label that ends the combiner's input: prefix, name, and the length of the name.
pub(crate) fn label(name: &str) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap_or(u8::MAX);
    [LABEL_PREFIX.as_bytes(), name.as_bytes(), &[length]].concat()
}

/// The hybrid, if any, whose label is the beginning of the label of `name`: the labels in use must
/// form a prefix-free set. `known` says whether a text is the name of a hybrid.
///
/// It takes a name whose length, as a character, is the one that follows it in a longer name.
pub(crate) fn shadowed(name: &str, known: impl Fn(&str) -> bool) -> Option<&str> {
    let ends = (1..name.len()).filter(|end| {
        let next = name.as_bytes().get(*end);
        next.is_some_and(|next| usize::from(*next) == *end)
    });
    ends.filter_map(|end| name.get(..end))
        .find(|shorter| is_hybrid(shorter) && known(shorter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(name: &str) -> Vec<&str> {
        parts(name).collect()
    }

    #[test]
    fn a_plus_inside_a_name_does_not_part_it() {
        assert_eq!(
            split("SPHINCS+-SHA2-128f-simple"),
            ["SPHINCS+-SHA2-128f-simple"]
        );
        assert_eq!(
            split("Ed25519+SPHINCS+-SHA2-128f-simple+ML-DSA-65@aws-lc"),
            ["Ed25519", "SPHINCS+-SHA2-128f-simple", "ML-DSA-65@aws-lc"]
        );
        assert_eq!(split("A++B"), ["A", "", "B"]);
        assert_eq!(split("A+"), ["A", ""]);
        assert!(!is_hybrid("X25519"));
        assert!(is_hybrid("X25519+ML-KEM-768"));
    }

    #[test]
    fn a_name_longer_than_its_length_byte_is_none() {
        let long = "a".repeat(200);
        assert_eq!(canonical([long.as_str(), &long].into_iter()), None);
        assert_eq!(canonical(["A", "B"].into_iter()).as_deref(), Some("A+B"));
    }

    #[test]
    fn a_label_that_begins_another_is_found() {
        // 43 bytes, and the byte that follows is `+`, which is 43.
        let shorter = format!("A+{}", "b".repeat(41));
        let longer = format!("{shorter}+C");
        assert!(label(&longer).starts_with(&label(&shorter)));
        assert_eq!(shadowed(&longer, |_| true), Some(shorter.as_str()));
        assert_eq!(shadowed(&longer, |_| false), None);
        assert_eq!(shadowed("X25519+ML-KEM-768", |_| true), None);
    }
}
