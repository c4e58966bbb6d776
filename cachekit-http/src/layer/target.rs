//! What a request is about: its absolute URI, as it was before routers took parts of it away.

use crate::fields::authority;
use http::{
    HeaderMap, Uri, header,
    request::Parts,
    uri::{self, Authority, PathAndQuery},
};
use std::mem;

/// The host of requests that name none.
const NOBODY: &str = "localhost";

/// The absolute URI of a request. `None`: its host is none, or its scheme is not HTTP's.
///
/// The scheme is always `scheme`: some requests to a server have one and others have not, and both are for the same.
pub(super) fn of(parts: &Parts, scheme: &str) -> Option<Uri> {
    let uri = original(parts);
    let theirs = uri.scheme_str().unwrap_or(scheme);
    if theirs != scheme && !matches!(theirs, "http" | "https") {
        return None;
    }
    let host = match uri.authority() {
        Some(authority) => authority::canonical(authority.as_str(), theirs)?,
        None => of_field(&parts.headers, scheme)?,
    };
    let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    if !path.as_str().starts_with('/') {
        return None;
    }
    let mut target = uri::Parts::default();
    (target.scheme, target.authority, target.path_and_query) = (Some(scheme.parse().ok()?), Some(host), Some(path));
    Uri::from_parts(target).ok()
}

/// What [`of`] gives as text, at once: of a request whose host is written as it is kept.
pub(super) fn plain_text(parts: &Parts, scheme: &str) -> Option<String> {
    let uri = original(parts);
    let host = match (uri.scheme_str(), uri.authority()) {
        (None, None) => {
            let mut hosts = parts.headers.get_all(header::HOST).iter();
            let (Some(host), None) = (hosts.next(), hosts.next()) else { return None };
            host.to_str().ok()?
        }
        (theirs, Some(authority)) if theirs.is_none_or(|theirs| theirs == scheme) => authority.as_str(),
        _ => return None,
    };
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    (path.starts_with('/') && authority::is_plain(host, scheme)).then(|| joined(scheme, host, path))
}

/// The path of a request, as [`of`] has it.
pub(super) fn path(parts: &Parts) -> &str {
    original(parts).path()
}

/// An absolute URI as text.
pub(super) fn text(target: &Uri) -> String {
    let (scheme, host) = (target.scheme_str().unwrap_or_default(), target.authority().map_or("", Authority::as_str));
    joined(scheme, host, target.path_and_query().map_or("/", PathAndQuery::as_str))
}

fn joined(scheme: &str, host: &str, path: &str) -> String {
    let mut text = String::with_capacity(scheme.len() + 3 + host.len() + path.len());
    for part in [scheme, "://", host, path] {
        text.push_str(part);
    }
    text
}

/// The URI that a layer outside has given a request, where it has done more than take the front of its path away: handlers depend on it.
pub(super) fn rewritten(parts: &Parts) -> Option<String> {
    let (outer, inner) = (original(parts), &parts.uri);
    let is_rest = outer.path().ends_with(inner.path()) && outer.query() == inner.query();
    (!is_rest).then(|| inner.path_and_query().map_or(String::new(), ToString::to_string))
}

/// Shows a request with its URI from before routers took parts of it away.
pub(super) fn outside<R>(parts: &mut Parts, look: impl FnOnce(&Parts) -> R) -> R {
    let outer = original(parts).clone();
    let inner = mem::replace(&mut parts.uri, outer);
    let seen = look(parts);
    parts.uri = inner;
    seen
}

#[cfg(feature = "axum")]
fn original(parts: &Parts) -> &Uri {
    parts.extensions.get::<axum::extract::OriginalUri>().map_or(&parts.uri, |original| &original.0)
}

#[cfg(not(feature = "axum"))]
fn original(parts: &Parts) -> &Uri {
    &parts.uri
}

fn of_field(fields: &HeaderMap, scheme: &str) -> Option<Authority> {
    let mut hosts = fields.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => Some(Authority::from_static(NOBODY)),
        (Some(host), None) => authority::canonical(host.to_str().ok()?, scheme),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn uri(request: http::request::Builder) -> Option<String> {
        let parts = request.body(()).unwrap().into_parts().0;
        let whole = of(&parts, "http").map(|uri| {
            assert_eq!(text(&uri), uri.to_string());
            uri.to_string()
        });
        if let Some(plain) = plain_text(&parts, "http") {
            assert_eq!(whole.as_deref(), Some(&*plain));
        }
        whole
    }

    #[test]
    fn most_targets_are_there_at_once() {
        let of_host = |uri: &str, host: &str| {
            plain_text(&Request::get(uri).header("host", host).body(()).unwrap().into_parts().0, "http")
        };
        assert_eq!(of_host("/a?b=%41", "example.com").as_deref(), Some("http://example.com/a?b=%41"));
        assert_eq!(of_host("http://a.example:8080/x", "other").as_deref(), Some("http://a.example:8080/x"));
        for (uri, host) in
            [("/", "A.example"), ("/", "a.example:80"), ("/", ""), ("https://a.example/", "a"), ("*", "a")]
        {
            assert_eq!(of_host(uri, host), None, "{uri} {host}");
        }
    }

    #[test]
    fn hosts_are_normalised_and_queries_are_not() {
        let of_host = |host: &str| uri(Request::get("/a?b=%41&c").header("host", host));
        assert_eq!(of_host("EXAMPLE.com:80").as_deref(), Some("http://example.com/a?b=%41&c"));
        assert_eq!(of_host("example.com:8080").as_deref(), Some("http://example.com:8080/a?b=%41&c"));
        assert_eq!(uri(Request::get("https://A.example:443/x")).as_deref(), Some("http://a.example/x"));
        assert_eq!(uri(Request::get("/x")).as_deref(), Some("http://localhost/x"));
        for bad in ["", "a b", "user@example.com", "a/b"] {
            assert_eq!(of_host(bad), None, "{bad}");
        }
        assert_eq!(uri(Request::get("/x").header("host", "a").header("host", "b")), None);
        assert_eq!(uri(Request::options("*")), None);
    }

    #[cfg(feature = "axum")]
    #[test]
    fn the_uri_is_the_one_before_nesting() {
        let original = axum::extract::OriginalUri(Uri::from_static("/outer/x"));
        let asked = |inner: &str| {
            let original = original.clone();
            Request::get(inner).extension(original)
        };
        assert_eq!(uri(asked("/x")).as_deref(), Some("http://localhost/outer/x"));
        for (inner, expected) in [("/x", None), ("/de/x", Some("/de/x")), ("/x?a", Some("/x?a"))] {
            assert_eq!(rewritten(&asked(inner).body(()).unwrap().into_parts().0).as_deref(), expected);
        }
    }
}
