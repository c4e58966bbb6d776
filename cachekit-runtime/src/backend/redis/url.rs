//! What a URL says, and how it is shown without its secrets.

mod hosts;

use super::failures;
use crate::{Error, backend::Failure};
use hosts::Hosts;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// The forms that are understood, for messages.
const FORMS: &str = "`redis://[user:password@]host[:port][/database]`, `rediss://…` (TLS), \
     `redis+unix:///path[?db=…&user=…&pass=…]`, `redis-cluster://[user:password@]host[:port],host[:port]…` or \
     `redis-sentinel://[user:password@]host[:port],host[:port]…/name-of-the-master[/database]`";

/// Where a Redis is.
pub(super) enum Servers {
    /// One server.
    Single(ConnectionInfo),
    /// Nodes of a cluster, through which all others are found.
    Cluster(Vec<ConnectionInfo>),
    /// Sentinels.
    Sentinel {
        /// Where they are, and as whom they are asked.
        sentinels: Vec<ConnectionInfo>,
        /// What they call the master.
        service: String,
        /// As the master is reached, but for its address.
        master: ConnectionInfo,
    },
}

/// Reads the URL. What is wrong with it is said without its secrets.
pub(super) fn parse(url: &str) -> Result<Servers, Error> {
    let wrong = |what: String| {
        let message = format!("the URL `{}` {what}; expected is {FORMS}", redacted(url));
        failures::error(Failure::Misconfigured, message)
    };
    let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("has no scheme".to_owned()))?;
    let scheme = scheme.to_ascii_lowercase();
    match &*scheme {
        "rediss" | "valkeys" | "rediss-cluster" | "valkeys-cluster" | "rediss-sentinel" | "valkeys-sentinel"
            if !cfg!(feature = "redis-tls") =>
        {
            Err(wrong("needs the feature `redis-tls` of cachekit".to_owned()))
        }
        "redis" | "valkey" | "redis+unix" | "valkey+unix" | "unix" | "rediss" | "valkeys" => {
            server(url).map(Servers::Single).map_err(wrong)
        }
        _ => match scheme.split_once('-') {
            Some((single @ ("redis" | "valkey" | "rediss" | "valkeys"), "cluster")) => {
                Hosts::read(rest).and_then(|hosts| hosts.cluster(single)).map(Servers::Cluster).map_err(wrong)
            }
            Some((single @ ("redis" | "valkey" | "rediss" | "valkeys"), "sentinel")) => {
                Hosts::read(rest).and_then(|hosts| hosts.sentinel(single)).map_err(wrong)
            }
            _ => Err(wrong(format!("has the unknown scheme `{scheme}`"))),
        },
    }
}

/// Reads the URL of one server. The error is what is wrong, without the URL.
fn server(url: &str) -> Result<ConnectionInfo, String> {
    let read = url.into_connection_info().map_err(|error| format!("cannot be read ({error})"))?;
    if matches!(read.addr(), ConnectionAddr::TcpTls { insecure: true, .. }) {
        return Err("asks for TLS without a check of the certificate, which is not supported".to_owned());
    }
    let settings = read
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3)
        .set_lib_name("cachekit", env!("CARGO_PKG_VERSION"));
    if settings.db() < 0 {
        return Err("names a database below zero".to_owned());
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
    // With a question mark before it, it may stand in a parameter, and what follows it in a password.
    if user.is_some_and(|user| user.contains('?')) {
        return scheme.map_or_else(|| "***".to_owned(), |scheme| format!("{scheme}://***"));
    }
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
            let Servers::Single(read) = parse(url).unwrap() else { panic!("{url}") };
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
            ("redis+unix:///run/r?pass=hun@ter2&db=x", "cannot be read"),
            ("redis-cluster://app:hunter2@", "names no host"),
            ("redis-cluster://app:hunter2@h:1,", "has an empty host"),
            ("redis-cluster://app:hunter2@h:1/3", "only the database 0"),
            ("redis-cluster://app:hunter2@h:1?x=1", "unknown parameter `x`"),
            ("redis-cluster://app:hun/ter2@h:1", "cannot be read"),
            ("redis-cluster://app:hunter2@h:x,h:1", "cannot be read"),
            ("redis-sentinel://app:hunter2@h:1", "name of the master"),
            ("redis-sentinel://app:hunter2@h:1/", "name of the master"),
            ("redis-sentinel://app:hunter2@h:1/main/x", "cannot be read"),
            ("redis-sentinel://app:hunter2@h:1/main/1/2", "more than a database after the name of the master"),
            ("redis-sentinel://h:1/main?sentinel_passwort=hunter2", "unknown parameter `sentinel_passwort`"),
            ("redis-sentinel://h:1/main?sentinel_user=hunter2", "without `sentinel_password`"),
            ("redis-sentinel://h:1/ma%ff", "cannot be read"),
            ("redis-replica://app:hunter2@h:1", "unknown scheme `redis-replica`"),
        ] {
            let Err(error) = parse(url) else { panic!("{url}") };
            let text = format!("{error} {error:?}");
            assert!(text.contains(said), "{url}: {text}");
            assert!(!text.contains("hun") && !text.contains("ter2"), "{url}: {text}");
            assert!(matches!(error, Error::Backend { failure: Failure::Misconfigured, .. }), "{url}");
        }
    }

    #[test]
    fn tls_without_its_feature_or_without_checks_is_refused() {
        for url in ["rediss://h", "rediss-cluster://h,i", "rediss-sentinel://h,i/main"] {
            assert_eq!(parse(url).is_ok(), cfg!(feature = "redis-tls"), "{url}");
        }
        assert!(parse("rediss://h#insecure").is_err());
    }

    #[test]
    fn a_shown_url_keeps_what_is_no_secret() {
        assert_eq!(redacted("redis://app:x@h:1/2"), "redis://app:***@h:1/2");
        assert_eq!(redacted("redis://secret@h"), "redis://***@h");
        assert_eq!(redacted("redis://h:1"), "redis://h:1");
        assert_eq!(redacted("unix:///a?db=1"), "unix:///a?…");
        assert_eq!(redacted("unix:///a?pass=b@c"), "unix://***");
        assert_eq!(
            redacted("redis-sentinel://a:x@h:1,i:2/m?sentinel_password=y"),
            "redis-sentinel://a:***@h:1,i:2/m?…"
        );
    }
}
