//! Fields of one connection (RFC 9110 §7.6.1), which are neither stored nor sent on.

use super::list::members;
use http::{HeaderMap, HeaderName, header};

/// Never stored (RFC 9111 §3.1).
const OF_ONE_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Takes away the fields of one hop, and those that `Connection` names.
pub fn remove_hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> =
        members(fields, &header::CONNECTION).filter_map(|name| HeaderName::from_bytes(name).ok()).collect();
    for name in named {
        // A sender cannot take away what makes a response what it is.
        if !matches!(name, header::CACHE_CONTROL | header::VARY | header::CONTENT_LENGTH | header::DATE) {
            fields.remove(name);
        }
    }
    for name in OF_ONE_HOP {
        fields.remove(name);
    }
}

/// Whether a request asks for another protocol: only if `Connection` names the field (RFC 9110 §7.8).
#[must_use]
pub fn is_upgrade(request: &HeaderMap) -> bool {
    request.contains_key(header::UPGRADE)
        && members(request, &header::CONNECTION).any(|name| name.eq_ignore_ascii_case(b"upgrade"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn fields_that_connection_names_go_but_those_that_protect() {
        let mut fields = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Secret, cache-control, bad name"),
            ("x-secret", "1"),
            ("cache-control", "private"),
            ("te", "trailers"),
            ("proxy-authentication-info", "x"),
            ("kept", "1"),
        ] {
            fields.insert(name, HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut fields);
        let mut left: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cache-control", "kept"]);
    }
}
