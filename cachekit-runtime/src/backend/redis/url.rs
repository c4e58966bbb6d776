//! What a URL says, and how it is shown without its secrets.

use super::failures;
use crate::{Error, backend::Failure};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// The forms that are understood, for messages.
const FORMS: &str =
    "`redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS) or `redis+unix:///path[?db=…&user=…&pass=…]`";

/// Reads the URL. What is wrong with it is said without its secrets.
pub(super) fn parse(url: &str) -> Result<ConnectionInfo, Error> {
    let wrong = |what: String| {
        let message = format!("the URL `{}` {what}; expected is {FORMS}", redacted(url));
        failures::error(Failure::Misconfigured, message)
    };
    let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("redis" | "valkey" | "redis+unix" | "valkey+unix" | "unix") => {}
        Some("rediss" | "valkeys") if cfg!(feature = "redis-tls") => {}
        Some("rediss" | "valkeys") => return Err(wrong("needs the feature `redis-tls` of cachekit".to_owned())),
        Some(other) => return Err(wrong(format!("has the unknown scheme `{other}`"))),
        None => return Err(wrong("has no scheme".to_owned())),
    }
    let read = url.into_connection_info().map_err(|error| wrong(format!("cannot be read ({error})")))?;
    if matches!(read.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err(wrong("asks for TLS without a check of the certificate, which is not supported".to_owned()));
    }
    let settings = read
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("cachekit", env!("CARGO_PKG_VERSION"));
    if settings.db() < 0 {
        return Err(wrong("names a database below zero".to_owned()));
    }
    // Requests are flushed when there are no more of them: waiting for a fuller packet would only add to every answer.
    let tcp = read.tcp_settings().clone().set_nodelay(true);
    Ok(read.set_redis_settings(settings).set_tcp_settings(tcp))
}

/// The URL without passwords: neither the one before the `@` nor one among the parameters.
pub(super) fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
    // The last `@`: a password that was not escaped may have others.
    let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(user, place)| (Some(user), place));
    let place = place.split_once('?').map_or(place.to_owned(), |(place, _)| format!("{place}?…"));
    let user = match user {
        None => String::new(),
        Some(user) => match user.split_once(':') {
            Some((name, _)) => format!("{name}:***@"),
            None => "***@".to_owned(),
        },
    };
    match scheme {
        Some(scheme) => format!("{scheme}://{user}{place}"),
        None => format!("{user}{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let tcp = |url: &str| {
            let read = parse(url).unwrap();
            let settings = read.redis_settings();
            let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
            assert_eq!(settings.protocol(), ProtocolVersion::RESP3);
            assert!(read.tcp_settings().nodelay());
            (read.addr().to_string(), text(settings.username()), text(settings.password()), settings.db())
        };
        let expected =
            |place: &str, user: &str, password: &str, db| (place.to_owned(), user.into(), password.into(), db);
        assert_eq!(tcp("redis://localhost"), expected("localhost:6379", "-", "-", 0));
        assert_eq!(tcp("redis://localhost:7000/3"), expected("localhost:7000", "-", "-", 3));
        assert_eq!(tcp("redis://:s%40cret@[::1]:1"), expected("::1:1", "-", "s@cret", 0));
        assert_eq!(tcp("redis://app:secret@h:1/2"), expected("h:1", "app", "secret", 2));
        assert_eq!(tcp("valkey://h:1"), expected("h:1", "-", "-", 0));
        assert_eq!(tcp("redis+unix:///run/r.sock?db=2&user=u&pass=p"), expected("/run/r.sock", "u", "p", 2));
        assert_eq!(tcp("unix:///run/r.sock"), expected("/run/r.sock", "-", "-", 0));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, said) in [
            ("http://app:hunter2@h", "unknown scheme `http`"),
            ("app:hunter2@h", "no scheme"),
            ("redis://app:hunter2@", "cannot be read"),
            ("redis://app:hun/ter2@h:1", "cannot be read"),
            ("redis://app:hun#ter2@h:1", "cannot be read"),
            ("redis://app:hun@ter2@h:x", "cannot be read"),
            ("redis://app:hunter2@h/db", "cannot be read"),
            ("redis://app:hunter2@h/-1", "below zero"),
            ("redis+unix:///run/r?pass=hunter2&db=x", "cannot be read"),
        ] {
            let error = parse(url).unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(said), "{url}: {text}");
            assert!(!text.contains("hun") && !text.contains("ter2"), "{url}: {text}");
            assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }), "{url}");
        }
    }

    #[test]
    fn tls_without_its_feature_or_without_checks_is_refused() {
        assert_eq!(parse("rediss://h").is_ok(), cfg!(feature = "redis-tls"));
        assert!(parse("rediss://h#insecure").is_err());
    }

    #[test]
    fn a_shown_url_keeps_what_is_no_secret() {
        assert_eq!(redacted("redis://app:x@h:1/2"), "redis://app:***@h:1/2");
        assert_eq!(redacted("redis://secret@h"), "redis://***@h");
        assert_eq!(redacted("redis://h:1"), "redis://h:1");
        assert_eq!(redacted("unix:///a?db=1"), "unix:///a?…");
    }
}
