//! "Did you mean": the nearest of the names that exist.

/// Gives the candidate nearest to `wanted`, if any is near enough to be a likely slip.
#[must_use]
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(wanted);
    let near = folded.chars().count().div_ceil(3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Case and separators are the commonest slips, so they cost nothing.
pub(super) fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' ' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_nonsense_is_not() {
        let names = ["ML-KEM-768", "ML-KEM-512", "Kyber-768"];
        assert_eq!(nearest("mlkem768", names), Some("ML-KEM-768"));
        assert_eq!(nearest("ML-KEN-768", names), Some("ML-KEM-768"));
        assert_eq!(nearest("kiber768", names), Some("Kyber-768"));
        assert_eq!(nearest("completely-else", names), None);
    }
}
