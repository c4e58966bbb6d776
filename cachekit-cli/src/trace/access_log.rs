//! The common and the combined log format, as Apache and nginx write them:
//! `host ident user [time] "GET /path HTTP/1.1" status bytes "referer" "agent"`.
//!
//! The key is the URL of a GET or HEAD: what a cache of responses could have answered. Other methods are no requests for a key.

use super::{Sink, input::Input};
use std::io;

pub(super) fn read(input: &mut Input, sink: &mut Sink<'_>) -> io::Result<u64> {
    let mut skipped = 0;
    input.lines(|line| match key(line) {
        Some(url) => sink(url),
        None => {
            skipped += u64::from(!line.trim_ascii().is_empty());
            Ok(true)
        }
    })?;
    Ok(skipped)
}

/// Is it a line of such a log, whatever was asked in it?
pub(super) fn is_line(line: &[u8]) -> bool {
    request(line).is_some()
}

/// The URL of a line; `None`: it is none of these, or no GET and no HEAD.
pub(super) fn key(line: &[u8]) -> Option<&[u8]> {
    let mut words = request(line)?.split(|byte| *byte == b' ');
    let (method, url) = (words.next()?, words.next()?);
    (matches!(method, b"GET" | b"HEAD") && !url.is_empty()).then_some(url)
}

/// What was asked, as it stands between the first quotes: of a client that speaks no HTTP anything at all.
fn request(line: &[u8]) -> Option<&[u8]> {
    let begin = line.iter().position(|byte| *byte == b'"')?;
    let (before, rest) = (line.get(..begin)?, line.get(begin + 1..)?);
    // A quote within has a backslash before it, as a backslash has.
    let mut is_escaped = false;
    let end = rest.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    })?;
    let (request, after) = (rest.get(..end)?, rest.get(end + 1..)?);
    // The time stands in brackets before the request, the status behind it.
    let is_log = before.trim_ascii_end().ends_with(b"]") && after.trim_ascii_start().first()?.is_ascii_digit();
    is_log.then_some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_manuals_are_read() {
        // Apache's own, and nginx's default.
        for (line, url) in [
            (
                "127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 2326",
                "/apache_pb.gif",
            ),
            (
                "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"HEAD /a?b=c HTTP/1.1\" 200 - \"http://x/\" \"Mozilla/4.08 [en]\"",
                "/a?b=c",
            ),
            ("h - - [t] \"GET /a?q=\\\"x\\\" HTTP/1.1\" 200 1", "/a?q=\\\"x\\\""),
            ("example.org:443 ::1 - - [10/Oct/2000:13:55:36 +0000] \"GET /v HTTP/2.0\" 304 0", "/v"),
        ] {
            assert_eq!(key(line.as_bytes()), Some(url.as_bytes()), "{line}");
        }
        for other in [
            "",
            "17",
            "{\"a\":\"GET /x\"}",
            "h - - [t] \"POST /a HTTP/1.1\" 200 1",
            "h - - [t] \"\\x16\\x03\" 400 0",
            "h - - [t] \"GET\" 400 0",
        ] {
            assert_eq!(key(other.as_bytes()), None, "{other}");
            assert_eq!(is_line(other.as_bytes()), other.starts_with("h - -"), "{other}");
        }
    }
}
