//! Hosts, as `Host` and URIs write them.

use http::uri::Authority;

/// In lower case, without the port that is the scheme's. `None`: it is no host, or something that is no port comes after it, which would be in what handlers
/// make of it and in no key.
#[must_use]
pub fn normalised(authority: &str, scheme: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host();
    let after = authority.as_str().strip_prefix(host).filter(|_| !host.is_empty())?;
    let name = host.to_ascii_lowercase();
    if after.is_empty() {
        return Some(name);
    }
    // The digits alone: a number has other forms, such as `+80`.
    let digits = after.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let port: u16 = digits.parse().ok()?;
    let default = if scheme == "https" { 443 } else { 80 };
    Some(if port == default { name } else { format!("{name}:{port}") })
}

/// As [`normalised`], parsed; most hosts are written so already.
pub(crate) fn canonical(authority: &str, scheme: &str) -> Option<Authority> {
    if is_plain(authority, scheme) { authority.parse().ok() } else { normalised(authority, scheme)?.parse().ok() }
}

/// Whether it is canonical beyond doubt: a name of the usual letters, with a port or without.
pub(crate) fn is_plain(authority: &str, scheme: &str) -> bool {
    let colon = authority.bytes().position(|byte| byte == b':');
    let (name, port) = match colon {
        Some(at) => (authority.get(..at).unwrap_or_default(), authority.get(at + 1..)),
        None => (authority, None),
    };
    let is_usual = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    let default = if scheme == "https" { "443" } else { "80" };
    let is_port = |port: &str| {
        // As many digits as every port may have.
        matches!(port.len(), 1..=4) && !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit())
    };
    !name.is_empty() && name.bytes().all(is_usual) && port.is_none_or(|port| is_port(port) && port != default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_a_host_is_a_port() {
        for (authority, scheme, expected) in [
            ("EXAMPLE.com", "http", Some("example.com")),
            ("example.com:80", "http", Some("example.com")),
            ("example.com:80", "https", Some("example.com:80")),
            ("a-1.example:8080", "http", Some("a-1.example:8080")),
            ("example.com:65535", "http", Some("example.com:65535")),
            ("example.com:080", "http", Some("example.com")),
            ("example.com:0", "http", Some("example.com:0")),
            ("a_b.example", "http", Some("a_b.example")),
            ("example.com:80:80", "http", None),
            ("a/b", "http", None),
            ("example.com:443", "https", Some("example.com")),
            ("example.com:08080", "http", Some("example.com:8080")),
            ("[::1]", "http", Some("[::1]")),
            ("[::1]:81", "http", Some("[::1]:81")),
            ("example.com:", "http", None),
            ("example.com:evil", "http", None),
            ("example.com:99999", "http", None),
            ("example.com:+80", "http", None),
            ("user@example.com", "http", None),
            ("", "http", None),
            (":80", "http", None),
        ] {
            assert_eq!(canonical(authority, scheme).as_ref().map(Authority::as_str), expected, "{authority} {scheme}");
            assert_eq!(normalised(authority, scheme).as_deref(), expected, "{authority}");
        }
    }
}
