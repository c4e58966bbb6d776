//! Which start of a server has the data, and whether it may be older than what was seen before.
//!
//! Beside the data stands a *boot key*: the run id of the server process that wrote it, a time of that server at which it ran (renewed every ten seconds), and a
//! *number* for the lineage of the data. Whoever connects compares the run id:
//!
//! - the same: nothing has happened;
//! - another process, which started after that time: it has read the data from a disk, where they may be old, invalid entries among them. The number is
//!   replaced;
//! - another process, which ran already at that time: a replica that took over. The number stays.
//!
//! Every entry is of a generation that has the number in it, so that a new number makes all that the server has invalid at once.

use super::{
    failures,
    layout::Layout,
    server_clock::{Asked, Estimate},
};
use crate::{Error, backend::Fingerprint};
use redis::{RedisError, Value, aio::MultiplexedConnection};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    ops::RangeInclusive,
    sync::Arc,
};

/// After so many milliseconds the time is renewed.
const RENEW: u64 = 10_000;

/// The boot keys of a backend's masters.
#[derive(Debug, Clone)]
pub(super) struct Boot {
    layout: Arc<Layout>,
    is_cluster: bool,
    /// So that not every process renews at the same moment.
    patience: u64,
}

/// What a look at it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    key: String,
    run: String,
    number: u64,
    ahead: Estimate,
}

impl Verdict {
    /// Where it stands.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// Of the lineage of the data.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// How far its clock is ahead of ours.
    pub(super) fn ahead(&self) -> Estimate {
        self.ahead
    }
}

/// KEYS: the boot key. ARGV: run id, now, started, both in milliseconds, the number of a new lineage. The number that counts.
const CHECK: &str = "
local b=redis.call('GET',KEYS[1])
if b then
  local run,stamp,number=string.match(b,'^(%S+) (%d+) (%x+)$')
  if run==ARGV[1] and tonumber(ARGV[2])-tonumber(stamp)<10000 then return number end
  if run then
    if run~=ARGV[1] and tonumber(ARGV[3])>tonumber(stamp) then number=ARGV[4] end
    redis.call('SET',KEYS[1],ARGV[1]..' '..ARGV[2]..' '..number)
    return number
  end
end
redis.call('SET',KEYS[1],ARGV[1]..' '..ARGV[2]..' '..ARGV[4])
return ARGV[4]";

impl Boot {
    pub(super) fn new(layout: &Arc<Layout>, is_cluster: bool) -> Self {
        let patience = RENEW + RandomState::new().build_hasher().finish() % (RENEW / 2);
        Boot { layout: Arc::clone(layout), is_cluster, patience }
    }

    /// Is it time to renew it? By what the key holds and the time of the server.
    pub(super) fn is_old(&self, stamp: Option<&Value>, time: Option<&Value>) -> bool {
        let Some(now) = time.and_then(millis) else { return false };
        match stamp {
            Some(Value::BulkString(text)) => {
                read(text).is_none_or(|(_, then, _)| now.saturating_sub(then) > self.patience)
            }
            Some(Value::Nil) => true,
            _ => false,
        }
    }

    /// Compares, and writes what has changed.
    ///
    /// # Errors
    /// Of the connection, or of a server that lets this user ask nothing.
    pub(super) async fn check(&self, connection: &mut MultiplexedConnection) -> Result<Verdict, Error> {
        let mut about = redis::Pipeline::with_capacity(3);
        about.cmd("INFO").arg("server").cmd("TIME");
        if self.is_cluster {
            about.cmd("CLUSTER").arg("NODES");
        }
        let asked = Asked::now();
        let answers = connection.send_packed_commands(&about, 0, about.len()).await;
        let answered = asked.answered();
        let mut answers = answers.map_err(|said| failures::from_redis(&said))?.into_iter();
        let (Some(info), Some(time)) = (answers.next(), answers.next()) else {
            return Err(failures::senseless("less answers than questions"));
        };
        if let Value::ServerError(said) = info {
            return Err(failures::from_redis(&RedisError::from(said)));
        }
        let ahead = answered.estimate(&time);
        let (info, now) = (text(&info).unwrap_or_default(), millis(&time).unwrap_or(0));
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        let run = field("run_id:").to_owned();
        let uptime: u64 = field("uptime_in_seconds:").parse().unwrap_or(0);
        // The latest moment that it can have been: a replica that is taken for a restart costs entries, the other way round they would be wrong.
        let started = now.saturating_sub(uptime.saturating_mul(1_000));
        let fresh = number_of(&run);
        let key = match answers.next().as_ref().and_then(text) {
            // A node without slots has nothing that could be old.
            Some(nodes) => match own_slots(&nodes) {
                slots if !slots.is_empty() => self.layout.boot(Some(&slots)),
                _ => return Ok(Verdict { key: self.layout.boot(None), run, number: fresh, ahead }),
            },
            None => self.layout.boot(None),
        };
        let mut check = redis::cmd("EVAL");
        check.arg(CHECK).arg(1).arg(&key).arg(&run).arg(now).arg(started).arg(Fingerprint(fresh).to_string());
        let answer = connection.send_packed_command(&check).await.map_err(|said| failures::from_redis(&said))?;
        if crate::far::without_boot() {
            return Ok(Verdict { key, run, number: 1, ahead });
        }
        let number = match answer {
            Value::BulkString(digits) => super::layout::fingerprint(&digits).map_or(fresh, |number| number.0),
            // It takes no writes now: what the key says counts, as the script would have it.
            _ => {
                let mut get = redis::cmd("GET");
                get.arg(&key);
                let there = connection.send_packed_command(&get).await.map_err(|said| failures::from_redis(&said))?;
                match text(&there).as_deref().and_then(|text| read(text.as_bytes())) {
                    Some((known, stamp, number)) if known == run || started <= stamp => number,
                    _ => fresh,
                }
            }
        };
        Ok(Verdict { key, run, number, ahead })
    }
}

/// The slots of the node that was asked, of what `CLUSTER NODES` says.
fn own_slots(nodes: &str) -> Vec<RangeInclusive<u16>> {
    let is_own = |line: &&str| line.split(' ').nth(2).is_some_and(|flags| flags.contains("myself"));
    let Some(own) = nodes.lines().find(is_own) else { return Vec::new() };
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => Some(first.parse().ok()?..=last.parse().ok()?),
        None => part.parse().ok().map(|slot| slot..=slot),
    };
    // Those in brackets are on their way.
    own.split(' ').skip(8).filter(|part| !part.starts_with('[')).filter_map(range).collect()
}

/// The number of a lineage that begins with this run.
fn number_of(run: &str) -> u64 {
    let hash = blake3::hash(run.as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// Run id, time, number.
fn read(text: &[u8]) -> Option<(String, u64, u64)> {
    let text = std::str::from_utf8(text).ok()?;
    let mut parts = text.split(' ');
    let (run, stamp, number) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    Some((run.to_owned(), stamp, super::layout::fingerprint(number.as_bytes())?.0))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    }
}

/// What `TIME` says, in milliseconds.
pub(super) fn millis(time: &Value) -> Option<u64> {
    let Value::Array(parts) = time else { return None };
    let number = |at: usize| text(parts.get(at)?)?.parse::<u64>().ok();
    Some(number(0)?.saturating_mul(1_000).saturating_add(number(1)? / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_script_writes() {
        assert_eq!(read(b"abc 17 00000000000000ff"), Some(("abc".to_owned(), 17, 255)));
        for text in ["", "abc", "abc 17", "abc x 00000000000000ff", "abc 17 ff"] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        let time = Value::Array(vec![Value::BulkString(b"12".to_vec()), Value::BulkString(b"345678".to_vec())]);
        assert_eq!(millis(&time), Some(12_345));
        assert_ne!(number_of("a"), number_of("b"));
    }

    #[test]
    fn finds_its_own_slots() {
        let nodes = "a 127.0.0.1:1@2 master - 0 0 1 connected 0-5460\nb 127.0.0.1:2@3 myself,master - 0 0 2 connected 5461-10922 [5461->-a]\n";
        assert_eq!(own_slots(nodes), [5_461..=10_922]);
        assert_eq!(own_slots("b 127.0.0.1:2@3 myself,master - 0 0 2 connected [7-<-a] 9 12-13\n"), [9..=9, 12..=13]);
        assert_eq!(own_slots("b 127.0.0.1:2@3 myself,slave a 0 0 2 connected\n"), []);
    }

    #[test]
    fn is_renewed_when_it_is_old_or_gone() {
        let boot = Boot::new(&Arc::new(Layout::new("shop").unwrap()), false);
        let time = Value::Array(vec![Value::BulkString(b"100".to_vec()), Value::BulkString(b"0".to_vec())]);
        let stamp = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        assert!(boot.is_old(Some(&Value::Nil), Some(&time)));
        assert!(boot.is_old(Some(&stamp("abc 80000 00000000000000ff")), Some(&time)));
        assert!(!boot.is_old(Some(&stamp("abc 99000 00000000000000ff")), Some(&time)));
        assert!(!boot.is_old(Some(&Value::Nil), None));
    }
}
