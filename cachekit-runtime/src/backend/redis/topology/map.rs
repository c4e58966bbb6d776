//! What `CLUSTER SLOTS` says.

use crate::{
    Error,
    backend::redis::{ask, failures},
};
use redis::Value;

/// A node as the answer names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) host: String,
    pub(super) port: u16,
}

/// The slots from `first` to `last` and their nodes, of which the first is the master.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) first: u16,
    pub(super) last: u16,
    pub(super) nodes: Vec<Named>,
}

/// Reads the answer of the node at `asked`, for whom no host of a node means its own.
pub(super) fn read(answer: Value, asked: &str) -> Result<Vec<Range>, Error> {
    ask::list(answer)?.into_iter().map(|range| read_range(range, asked)).collect()
}

fn read_range(range: Value, asked: &str) -> Result<Range, Error> {
    let mut parts = ask::list(range)?.into_iter();
    let mut slot = || {
        let number = ask::number(parts.next().unwrap_or_default())?;
        u16::try_from(number).map_err(|_| failures::senseless("a slot that is none"))
    };
    let (first, last) = (slot()?, slot()?);
    let mut nodes = Vec::new();
    for (at, node) in parts.enumerate() {
        match read_node(node, asked)? {
            Some(node) => nodes.push(node),
            // Without its master a range is of no use.
            None if at == 0 => break,
            None => {}
        }
    }
    Ok(Range { first, last, nodes })
}

/// `None`: the answer does not say where it is.
fn read_node(node: Value, asked: &str) -> Result<Option<Named>, Error> {
    let mut parts = ask::list(node)?.into_iter();
    let host = match ask::bytes(parts.next().unwrap_or_default())? {
        None => asked.to_owned(),
        Some(host) if host.is_empty() => asked.to_owned(),
        Some(host) if &host[..] == b"?" => return Ok(None),
        Some(host) => match std::str::from_utf8(&host) {
            Ok(host) => host.to_owned(),
            Err(_) => return Err(failures::senseless("a host that is no text")),
        },
    };
    let port = ask::number(parts.next().unwrap_or_default())?;
    let port = u16::try_from(port).map_err(|_| failures::senseless("a port that is none"))?;
    Ok(Some(Named { host, port }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Value {
        redis::parse_redis_value(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_answer_is_read() {
        let node = |host: &str, port| format!("*4\r\n{host}\r\n:{port}\r\n$2\r\nid\r\n*0\r\n");
        let text = format!(
            "*4\r\n*4\r\n:0\r\n:99\r\n{}{}*3\r\n:100\r\n:100\r\n{}*3\r\n:101\r\n:102\r\n{}*4\r\n:103\r\n:104\r\n{}{}",
            node("$9\r\n127.0.0.1", 1),
            node("$1\r\n?", 2),
            node("$-1", 3),
            node("$0\r\n", 4),
            node("$1\r\n?", 5),
            node("$1\r\nh", 6),
        );
        let named = |host: &str, port| Named { host: host.to_owned(), port };
        let expected = [
            Range { first: 0, last: 99, nodes: vec![named("127.0.0.1", 1)] },
            Range { first: 100, last: 100, nodes: vec![named("asked", 3)] },
            Range { first: 101, last: 102, nodes: vec![named("asked", 4)] },
            Range { first: 103, last: 104, nodes: vec![] },
        ];
        assert_eq!(read(parsed(&text), "asked").unwrap(), expected);
        assert_eq!(read(parsed("*0\r\n"), "asked").unwrap(), []);
    }

    #[test]
    fn what_makes_no_sense_is_an_error() {
        for text in [
            ":1\r\n",
            "*1\r\n:1\r\n",
            "*1\r\n*1\r\n:1\r\n",
            "*1\r\n*3\r\n:0\r\n:99999\r\n*0\r\n",
            "*1\r\n*3\r\n:0\r\n:-1\r\n*0\r\n",
            "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$1\r\nh\r\n:70000\r\n",
            "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$1\r\nh\r\n",
            "-ERR This instance has cluster support disabled\r\n",
        ] {
            assert!(read(parsed(text), "asked").is_err(), "{text:?}");
        }
    }
}
