//! What a node of a cluster says when it does not run a command: it has not run it, so it may be asked elsewhere.

use redis::{ServerError, ServerErrorKind};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    /// The slot belongs to another node.
    Moved { slot: u16, host: String, port: u16 },
    /// The slot is being moved there, and these keys are not here (any more).
    Ask { host: String, port: u16 },
}

impl Redirect {
    pub(super) fn is_one(said: &ServerError) -> bool {
        matches!(said.kind(), Some(ServerErrorKind::Moved | ServerErrorKind::Ask))
    }

    /// `None`: it is none. A node that does not know the host of the other one means its own (`asked`).
    pub(super) fn read(said: &ServerError, asked: &str) -> Option<Self> {
        let kind = said.kind().filter(|_| Redirect::is_one(said))?;
        let (slot, address) = said.details()?.split_once(' ')?;
        // The last colon: an address of IPv6 has others, and stands here without brackets.
        let (host, port) = address.trim().rsplit_once(':')?;
        let (slot, port) = (slot.parse().ok()?, port.parse().ok()?);
        let host = match host {
            "" | "?" => asked.to_owned(),
            host => host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        };
        match kind {
            ServerErrorKind::Moved => Some(Redirect::Moved { slot, host, port }),
            _ => Some(Redirect::Ask { host, port }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::Value;

    fn read(line: &str) -> Option<Redirect> {
        match redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap() {
            Value::ServerError(said) => Redirect::read(&said, "asked"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn redirects_are_read() {
        let moved = |slot, host: &str, port| Some(Redirect::Moved { slot, host: host.to_owned(), port });
        assert_eq!(read("MOVED 3999 127.0.0.1:6381"), moved(3_999, "127.0.0.1", 6_381));
        assert_eq!(read("MOVED 3999 :6381"), moved(3_999, "asked", 6_381));
        assert_eq!(read("MOVED 3999 ?:6381"), moved(3_999, "asked", 6_381));
        assert_eq!(read("MOVED 16383 ::1:6381"), moved(16_383, "::1", 6_381));
        assert_eq!(read("ASK 1 h.example:7"), Some(Redirect::Ask { host: "h.example".to_owned(), port: 7 }));
    }

    #[test]
    fn anything_else_is_none() {
        for line in [
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "CLUSTERDOWN The cluster is down",
            "MOVED",
            "MOVED 1",
            "MOVED x h:1",
            "MOVED 1 h",
            "MOVED 1 h:x",
            "MOVED 99999999 h:1",
            "ERR MOVED 1 h:1",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
