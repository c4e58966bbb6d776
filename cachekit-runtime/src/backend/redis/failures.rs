//! In what way Redis failed.

use super::NAME;
use crate::{Error, backend::Failure};
use redis::{ErrorKind, RedisError, ServerErrorKind};

/// An error of this backend.
pub(super) fn error(failure: Failure, message: impl std::fmt::Display) -> Error {
    Error::backend(NAME, failure, message)
}

/// What the client library or the server said, as an error of ours.
pub(super) fn from_redis(said: &RedisError) -> Error {
    error(failure(said), said)
}

/// An answer that is none to what was asked.
pub(super) fn senseless(answer: &str) -> Error {
    error(Failure::Protocol, format!("a senseless answer: {answer}"))
}

/// The connection that said this cannot be used any more: what comes next on it may be the answer to something else.
pub(super) fn is_fatal(said: &RedisError) -> bool {
    matches!(said.kind(), ErrorKind::Io | ErrorKind::Parse | ErrorKind::UnexpectedReturnType)
}

fn failure(said: &RedisError) -> Failure {
    match said.kind() {
        ErrorKind::Io if said.is_timeout() => Failure::Timeout,
        // The library gives only the text of what the TLS library said.
        ErrorKind::Io if is_tls_refusal(&said.to_string()) => Failure::Misconfigured,
        ErrorKind::Io => Failure::Unreachable,
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Failure::Protocol,
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig | ErrorKind::RESP3NotSupported => {
            Failure::Misconfigured
        }
        ErrorKind::Server(ServerErrorKind::ResponseError) => refused(&said.to_string()),
        _ => said.code().map_or(Failure::Other, by_code),
    }
}

/// We refuse the server's certificate, or it refuses ours or our way of TLS.
fn is_tls_refusal(text: &str) -> bool {
    text.contains("invalid peer certificate") || text.contains("received fatal alert")
}

/// By the word that an error of the server begins with.
fn by_code(code: &str) -> Failure {
    match code {
        "OOM" | "READONLY" | "MISCONF" | "NOREPLICAS" => Failure::NotWritable,
        "LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN" | "UNKILLABLE" => Failure::Busy,
        "NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED" | "NOPROTO" => Failure::Misconfigured,
        "WRONGTYPE" => Failure::Protocol,
        _ => Failure::Other,
    }
}

/// By the text of an error that begins with `ERR`, which says no more than that.
fn refused(text: &str) -> Failure {
    let text = text.to_ascii_lowercase();
    if text.contains("switch database") || text.contains("db index") || text.contains("invalid password") {
        Failure::Misconfigured
    } else if text.contains("unknown command") || text.contains("max number of clients") {
        Failure::Unreachable
    } else {
        Failure::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn server(line: &str) -> RedisError {
        let parsed = redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        parsed.extract_error().unwrap_err()
    }

    #[test]
    fn the_words_of_the_server() {
        for (line, expected) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", Failure::NotWritable),
            ("READONLY You can't write against a read only replica.", Failure::NotWritable),
            ("MISCONF Redis is configured to save RDB snapshots", Failure::NotWritable),
            ("LOADING Redis is loading the dataset in memory", Failure::Busy),
            ("BUSY Redis is busy running a script.", Failure::Busy),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Failure::Busy),
            ("MASTERDOWN Link with MASTER is down", Failure::Busy),
            ("CLUSTERDOWN The cluster is down", Failure::Busy),
            ("NOAUTH Authentication required.", Failure::Misconfigured),
            ("WRONGPASS invalid username-password pair or user is disabled.", Failure::Misconfigured),
            ("NOPERM this user has no permissions to run the 'get' command", Failure::Misconfigured),
            ("ERR DB index is out of range", Failure::Misconfigured),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", Failure::Protocol),
            ("ERR max number of clients reached", Failure::Unreachable),
            ("ERR something else", Failure::Other),
            ("UNHEARD of", Failure::Other),
        ] {
            assert_eq!(failure(&server(line)), expected, "{line}");
            assert!(!is_fatal(&server(line)), "{line}");
        }
    }

    #[test]
    fn what_the_connection_suffered() {
        for (kind, expected) in [
            (io::ErrorKind::ConnectionRefused, Failure::Unreachable),
            (io::ErrorKind::UnexpectedEof, Failure::Unreachable),
            (io::ErrorKind::TimedOut, Failure::Timeout),
        ] {
            let said = RedisError::from(io::Error::from(kind));
            assert_eq!(failure(&said), expected, "{kind:?}");
            assert!(is_fatal(&said), "{kind:?}");
        }
        let said = RedisError::from((ErrorKind::Parse, "no RESP"));
        assert_eq!(failure(&said), Failure::Protocol);
        assert!(is_fatal(&said));
    }
}
