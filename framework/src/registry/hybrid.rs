//! Hybrids by name: `A+B(+C)`.

/// Whether a name has parts. A `+` before a `-` belongs to a name such as `SPHINCS+-SHA2-128f`.
pub(crate) fn is_hybrid(name: &str) -> bool {
    parts(name).nth(1).is_some()
}

/// The parts of a name, each `id` or `id@provider`.
pub(crate) fn parts(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(name);
    std::iter::from_fn(move || {
        let text = rest?;
        let plus = text
            .match_indices('+')
            .map(|(index, _)| index)
            .find(|index| !text[index + 1..].starts_with('-'));
        let (part, tail) = match plus {
            Some(index) => (&text[..index], Some(&text[index + 1..])),
            None => (text, None),
        };
        rest = tail;
        Some(part)
    })
}
