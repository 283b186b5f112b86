//! Hybrid groups of TLS 1.3: bare concatenations of secrets, safe only inside TLS's key schedule.
//!
//! They are no KEMs of the catalogue: outside TLS nothing binds their ciphertexts to their secrets.

/// Name, code point in the IANA registry of TLS supported groups, and what a suite names instead.
pub const TLS_GROUPS: [(&str, u16, &str); 3] = [
    ("X25519MLKEM768", 0x11EC, "`X25519+ML-KEM-768` or `X-Wing`"),
    ("SecP256r1MLKEM768", 0x11EB, "`P-256+ML-KEM-768`"),
    ("SecP384r1MLKEM1024", 0x11ED, "`P-384+ML-KEM-1024`"),
];

/// The group of that name, in whatever case, and what to name instead of it in a suite.
#[must_use]
pub fn tls_group(name: &str) -> Option<(&'static str, &'static str)> {
    TLS_GROUPS
        .into_iter()
        .find(|(group, _, _)| group.eq_ignore_ascii_case(name))
        .map(|(group, _, fix)| (group, fix))
}
