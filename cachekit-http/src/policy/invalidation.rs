//! Which requests make stored responses invalid (RFC 9111 §4.4).

use crate::fields::authority;
use http::{HeaderMap, Method, StatusCode, Uri, header};

/// Whether the method is known to change nothing: the safe ones of RFC 9110 §9.2.1, and of the registry. What is not known may.
#[must_use]
pub fn is_safe(method: &Method) -> bool {
    matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PROPFIND" | "REPORT" | "SEARCH" | "QUERY" | "PRI")
}

/// Whether a response to an unsafe method invalidates: it is no error.
#[must_use]
pub fn invalidates(method: &Method, status: StatusCode) -> bool {
    !is_safe(method) && (status.is_success() || status.is_redirection())
}

/// The URIs that `Location` and `Content-Location` name, as far as they are of the same origin; absolute, or paths from the root.
///
/// `base` is the URI of the request with scheme and host. Whether clients use `http` or `https` is not known here, so that is one origin; each with its own port.
#[must_use]
pub fn named(base: &Uri, fields: &HeaderMap) -> Vec<Uri> {
    [header::LOCATION, header::CONTENT_LOCATION]
        .iter()
        .filter_map(|name| resolve(base, fields.get(name)?.to_str().ok()?))
        .collect()
}

/// A reference against its base (RFC 3986 §5.2); `None` where it is of another origin or nothing.
fn resolve(base: &Uri, reference: &str) -> Option<Uri> {
    let reference = reference.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let host = authority::normalised(base.authority()?.as_str(), scheme)?;
    let path = if let Some(rest) = reference.strip_prefix("//") {
        of_host(rest, scheme, &host)?
    } else if let Some((theirs, rest)) = reference.split_once("://").filter(|(theirs, _)| !theirs.contains(['/', '?']))
    {
        let theirs = theirs.to_ascii_lowercase();
        of_host(rest, &theirs, &host).filter(|_| matches!(&*theirs, "http" | "https"))?
    } else if reference.is_empty() || reference.starts_with('/') {
        match reference {
            "" => base.path_and_query()?.as_str().to_owned(),
            path => path.to_owned(),
        }
    } else if reference.starts_with('?') {
        format!("{}{reference}", base.path())
    } else {
        let folder = base.path().rfind('/').map_or("/", |at| &base.path()[..=at]);
        format!("{folder}{reference}")
    };
    Uri::builder().scheme(scheme).authority(host).path_and_query(without_dots(&path)).build().ok()
}

/// The path of what follows the two slashes, if it is of this host.
fn of_host(rest: &str, scheme: &str, host: &str) -> Option<String> {
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (theirs, path) = rest.split_at(end);
    (authority::normalised(theirs, scheme)? == host).then(|| match path {
        "" => "/".to_owned(),
        path if path.starts_with('?') => format!("/{path}"),
        path => path.to_owned(),
    })
}

/// RFC 3986 §5.2.4.
fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    if !path.contains("/.") {
        return format!("{path}{query}");
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn what_is_not_known_to_be_safe_is_not() {
        for (method, status, expected) in [
            ("POST", 200, true),
            ("PUT", 204, true),
            ("DELETE", 303, true),
            ("M-SEARCH", 200, true),
            ("POST", 500, false),
            ("POST", 404, false),
            ("GET", 200, false),
            ("OPTIONS", 200, false),
            ("QUERY", 200, false),
        ] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(invalidates(&method, StatusCode::from_u16(status).unwrap()), expected, "{method} {status}");
        }
    }

    #[test]
    fn references_are_resolved_within_the_origin() {
        // RFC 9111 §4.4: another origin must not be able to invalidate.
        let base = Uri::from_static("http://a.example:80/x/y?q=1");
        for (reference, expected) in [
            ("/z", Some("/z")),
            ("z", Some("/x/z")),
            ("../z?a=b#c", Some("/z?a=b")),
            ("./", Some("/x/")),
            ("?p=2", Some("/x/y?p=2")),
            ("", Some("/x/y?q=1")),
            ("http://A.example:80/z", Some("/z")),
            ("//a.example:80/z", Some("/z")),
            ("http://a.example:80", Some("/")),
            ("/go?to=http://b.example/", Some("/go?to=http://b.example/")),
            ("http://b.example/z", None),
            ("https://a.example:80/z", None),
            ("http://a.example/z", Some("/z")),
            ("https://A.example:443/z", Some("/z")),
            ("https://a.example/z", Some("/z")),
            ("ftp://a.example/z", None),
            ("http://a.example:evil/z", None),
            ("//b.example/z", None),
            ("/..//../..", Some("/")),
            ("\u{7f}", None),
        ] {
            let Ok(value) = HeaderValue::from_bytes(reference.as_bytes()) else { continue };
            let fields: HeaderMap = [(header::LOCATION, value)].into_iter().collect();
            let named: Vec<String> =
                named(&base, &fields).iter().map(|uri| uri.path_and_query().unwrap().to_string()).collect();
            assert_eq!(named, expected.map(str::to_owned).into_iter().collect::<Vec<_>>(), "{reference}");
        }
    }
}
