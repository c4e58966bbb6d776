//! Which host a request is for, and which page has sent it.

use super::refusal::Refusal;
use http::{HeaderMap, HeaderName, StatusCode, header, request::Parts, uri::Authority};
use std::net::IpAddr;

/// The host that the request is for, if it may be: `localhost`, an address, or one that was named. A name that is not ours may be a stranger's that leads here.
pub(super) fn host(parts: &Parts, named: &[String]) -> Result<String, Refusal> {
    let given = match only(&parts.headers, header::HOST)? {
        Some(host) => host,
        // HTTP/2 has it in the URI.
        None => parts.uri.authority().map(Authority::as_str).unwrap_or_default(),
    };
    let host = given.to_ascii_lowercase();
    let is_ours = host.parse::<Authority>().is_ok_and(|authority| {
        let name = authority.host();
        !host.contains('@') && (name == "localhost" || is_address(name) || named.contains(&host))
    });
    if is_ours {
        return Ok(host);
    }
    Err(Refusal::new(
        StatusCode::MISDIRECTED_REQUEST,
        "foreign_host",
        "this is not reached by that name",
        "ask by `localhost` or an address, or let the service name the host: `Admin::new(…).host(\"admin.example.com\")`",
    ))
}

/// No page of another origin may ask anything.
pub(super) fn check(parts: &Parts, host: &str, named: &[String]) -> Result<(), Refusal> {
    let foreign = Refusal::new(
        StatusCode::FORBIDDEN,
        "foreign_origin",
        "the page of another site has sent this",
        "open the page of this service, or ask from a program that sends no `Origin`",
    );
    if let Some(origin) = only(&parts.headers, header::ORIGIN)? {
        let origin = origin.to_ascii_lowercase();
        let from = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        if !from.is_some_and(|from| from == host || named.iter().any(|named| named == from)) {
            return Err(foreign);
        }
    }
    let site = only(&parts.headers, HeaderName::from_static("sec-fetch-site"))?;
    // A link on another page may lead to this one; what it shows is not that page's to read.
    let is_visit = parts.headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate") && parts.method == "GET";
    match site {
        Some("cross-site" | "same-site") if !is_visit => Err(foreign),
        _ => Ok(()),
    }
}

fn is_address(host: &str) -> bool {
    host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok()
}

/// The only one of that name. Of several, others may look at another one than we do.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, Refusal> {
    let mut all = headers.get_all(&name).iter();
    let first = all.next();
    match (first.map(|value| value.to_str()), all.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "bad_header",
            format!("`{name}` is there more than once, or is no text"),
            "send it once",
        )),
    }
}
