//! What proxies and clients say that was asked for, beside the URI: other hosts, schemes, paths and methods.
//!
//! Frameworks make links and redirects out of these fields, and hardly any response says so in `Vary`. Whoever sends one that the cache does not know of puts a page of their own
//! making into it: Kettle, "Practical Web Cache Poisoning", 2018.

use http::HeaderMap;

/// Whether a field says of a request what its URI says too.
fn is_known(name: &str) -> bool {
    matches!(
        name,
        "front-end-https"
            | "x-forwarded-host"
            | "x-forwarded-path"
            | "x-forwarded-port"
            | "x-forwarded-prefix"
            | "x-forwarded-proto"
            | "x-forwarded-protocol"
            | "x-forwarded-scheme"
            | "x-forwarded-server"
            | "x-forwarded-ssl"
            | "x-forwarded-uri"
            | "x-host"
            | "x-http-host-override"
            | "x-http-method"
            | "x-http-method-override"
            | "x-method-override"
            | "x-original-host"
            | "x-original-uri"
            | "x-original-url"
            | "x-rewrite-url"
            | "x-url-scheme"
    )
}

/// These fields of a request as one text, in the order of their names; `None` without any. Of `Forwarded` (RFC 7239) the hosts and schemes count: the rest tells who asks.
pub fn proxied(request: &HeaderMap) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for (name, value) in request {
        let name = name.as_str();
        // Most fields of most requests begin with another letter.
        if !name.starts_with(['f', 'x']) {
            continue;
        }
        // Quotes are escaped, so no value can pretend to be another field.
        let escaped = |value: &[u8]| format!("{name}=\"{}\"", value.escape_ascii());
        if is_known(name) {
            said.push(escaped(value.as_bytes()));
        } else if name == "forwarded" {
            said.extend(hosts_and_schemes(value.as_bytes()).map(escaped));
        }
    }
    // Lines of one field stay in their order: the sort is stable.
    said.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
    (!said.is_empty()).then(|| said.join(";"))
}

/// What a value of `Forwarded` says of hosts and schemes, as it is written. Cut where a comma or semicolon stands, within quotes too: then there is more than was meant, and nothing less.
fn hosts_and_schemes(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| matches!(byte, b',' | b';')).map(<[u8]>::trim_ascii).filter(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        !(name.eq_ignore_ascii_case(b"for") || name.eq_ignore_ascii_case(b"by"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn of(fields: &[(&'static str, &'static str)]) -> Option<String> {
        let fields = fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        proxied(&fields.collect())
    }

    #[test]
    fn other_fields_say_nothing_of_what_was_asked_for() {
        let others =
            [("host", "a"), ("accept", "*/*"), ("x-forwarded-for", "10.0.0.1"), ("x-request-id", "7"), ("from", "me")];
        assert_eq!(of(&others), None);
    }

    #[test]
    fn all_that_says_it_is_told_apart() {
        let cases: &[&[(&str, &str)]] = &[
            &[("x-forwarded-host", "a")],
            &[("x-forwarded-host", "b")],
            &[("x-forwarded-host", "")],
            &[("x-forwarded-host", "a"), ("x-forwarded-host", "b")],
            &[("x-forwarded-host", "b"), ("x-forwarded-host", "a")],
            &[("x-forwarded-host", "a\";x-host=\"b")],
            &[("x-forwarded-host", "a"), ("x-host", "b")],
            &[("x-host", "a")],
            &[("x-original-url", "/a")],
            &[("x-rewrite-url", "/a")],
            &[("forwarded", "host=a")],
            &[("forwarded", "proto=https;host=a")],
            &[("forwarded", "for=x, host=b")],
        ];
        let all: Vec<String> = cases.iter().map(|fields| of(fields).unwrap_or_else(|| panic!("{fields:?}"))).collect();
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one), "{one}");
        }
    }

    #[test]
    fn who_asks_does_not_count_and_neither_does_the_order_of_names() {
        assert_eq!(of(&[("forwarded", "for=192.0.2.60;by=203.0.113.43")]), None);
        assert_eq!(of(&[("forwarded", "For=\"[2001:db8::1]:4711\"; host=a")]), of(&[("forwarded", "by=x;host=a")]));
        let [there, back] = [[("x-host", "a"), ("x-rewrite-url", "/b")], [("x-rewrite-url", "/b"), ("x-host", "a")]];
        assert_eq!(of(&there), of(&back));
    }
}
