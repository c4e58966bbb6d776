//! What was said of a service: its URL, and who asks.

use super::read_all;
use crate::{args::Live, failure::Failure};
use cachekit_runtime::inspect::redacted_url;
use std::{net::IpAddr, sync::Arc};
use ureq::{
    http::{Uri, uri::Authority},
    tls::{Certificate, RootCerts, TlsConfig},
};

const TOKEN: &str = "CACHEKIT_ADMIN_TOKEN";

const EXAMPLE: &str =
    "say where the service mounts `cachekit::admin::router`, such as `--admin http://127.0.0.1:3001/caches`";

pub(super) struct Said {
    /// Without a slash at its end.
    pub(super) base: String,
    pub(super) token: Option<String>,
    /// What is sent can be read on its way.
    pub(super) is_readable: bool,
    /// It is on this machine.
    pub(super) is_here: bool,
}

pub(super) fn read(said: Live<'_>) -> Result<Said, Failure> {
    let text = said.url.0.trim();
    let shown = redacted_url(text);
    let wrong = |what: &str| Failure::usage(format_args!("{shown}: {what}")).next(EXAMPLE);
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return Err(wrong("the URL of a service begins with `http://` or `https://`"));
    }
    // Before anything is cut off: a password that was not escaped may have `#`, `?` and `/`.
    if text.contains('@') {
        return Err(Failure::usage(format_args!("{shown}: a service takes no user and no password in its URL"))
            .next(format_args!("put the token into {TOKEN}, or into a file and say `--admin-token-file FILE`")));
    }
    // What a browser shows behind the page.
    let base = text.split(['#', '?']).next().unwrap_or_default();
    let authority = base.parse::<Uri>().ok().and_then(|uri| uri.authority().cloned());
    let Some(authority) = authority.filter(|authority| !authority.host().is_empty()) else {
        return Err(wrong("this is no URL"));
    };
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if !port.is_empty() && authority.port_u16().is_none() {
        // It may be a password, so it is not shown.
        let host = authority.host();
        return Err(Failure::usage(format_args!("{host}: what stands behind the host is no port")).next(EXAMPLE));
    }
    let is_here = is_here(&authority);
    let token = token(said)?;
    let base = base.trim_end_matches('/').to_owned();
    Ok(Said { token, is_readable: base.starts_with("http:") && !is_here, is_here, base })
}

fn is_here(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn token(said: Live<'_>) -> Result<Option<String>, Failure> {
    let (from, text) = match said.token_file {
        Some(file) => {
            let read = read_all(file).map_err(|error| Failure::other(format_args!("{}: {error}", file.display())));
            (file.display().to_string(), read.map_err(|failure| failure.next("write the token into it, on one line"))?)
        }
        None => match std::env::var(TOKEN) {
            Ok(text) => (TOKEN.to_owned(), text),
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => (TOKEN.to_owned(), "\0".to_owned()),
        },
    };
    match text.trim() {
        "" if said.token_file.is_some() => {
            Err(Failure::other(format_args!("{from} is empty")).next("write the token into it, on one line"))
        }
        "" => Ok(None),
        token if token.bytes().all(|byte| (0x21..0x7f).contains(&byte) || byte == b' ') => Ok(Some(token.to_owned())),
        _ => Err(Failure::usage(format_args!(
            "what {from} has is no token: it has other characters than ASCII has to show"
        ))
        .next("see that it has the token alone, on one line")),
    }
}

/// The certificates that this machine trusts, as connections to a Redis do.
pub(super) fn tls() -> TlsConfig {
    let trusted = rustls_native_certs::load_native_certs().certs;
    let trusted: Vec<Certificate<'static>> =
        trusted.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(trusted)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_however_it_is_written() {
        let is_here = |text: &str| is_here(&text.parse().expect("an authority"));
        for here in ["localhost:1", "LocalHost", "127.0.0.1:1", "127.8.8.8", "[::1]:1"] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in ["localhost.example", "10.0.0.5:1", "[::2]"] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
