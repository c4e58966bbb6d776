//! What tools ask of a Redis: which caches there are, entries without their values, and what the servers are like.

use super::{RedisBackend, ask, failures, layout, scan, server_clock::Asked, topology::Master, url};
use crate::{
    Error,
    backend::{Address, Cursor, Failure, Fingerprint},
    envelope::{Outline, outline},
};
use redis::{AsyncConnectionConfig, Value, aio::MultiplexedConnection};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A cache, and the fingerprints under which programs have made known to have entries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shapes {
    /// The name, as it stands in addresses.
    pub cache: String,
    /// In ascending order. They stay after the last program that used one has ended.
    pub fingerprints: Vec<Fingerprint>,
}

/// An entry without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// Where it is.
    pub address: Address,
    /// What its first bytes say; `None`: no entry of cachekit, or of a later one.
    pub outline: Option<Outline>,
    /// How many bytes it takes, the key left out.
    pub bytes: u64,
    /// What is left of its time; `None`: no end.
    pub ttl: Option<Duration>,
}

/// Some of the entries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The entries.
    pub entries: Vec<Listed>,
    /// Where to go on, also by a [scan](crate::backend::Backend::scan); `None`: that was all.
    pub next: Option<Cursor>,
}

/// Whether changes can be heard of at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tracking {
    /// By `CLIENT TRACKING`.
    Supported,
    /// The server refuses it, as it says.
    Refused(String),
}

/// A server that takes writes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Server {
    /// `host:port`, or the path of a socket.
    pub address: String,
    /// What `INFO` says, by name; empty where this user may not ask.
    pub info: Vec<(String, String)>,
    /// How many milliseconds its clock is ahead of this machine's.
    pub ahead: i64,
    /// The estimate of that is wrong by at most so much.
    pub error: Duration,
    /// How long it took to answer one question.
    pub round_trip: Duration,
    /// Whether changes can be heard of at once.
    pub tracking: Tracking,
}

impl Server {
    /// A figure of `INFO`.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&str> {
        self.info.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }
}

/// A URL as it can be shown: without its secrets.
#[must_use]
pub fn redacted_url(url: &str) -> String {
    url::redacted(url)
}

impl RedisBackend {
    /// The caches that have fingerprints, by name. Walks over all keys of the servers in small steps.
    ///
    /// # Errors
    /// Those of the servers.
    pub async fn shapes(&self) -> Result<Vec<Shapes>, Error> {
        let pattern = self.layout.fingerprints_pattern();
        let mut keys: Vec<String> = Vec::new();
        for node in &self.topology.known_masters().await?.nodes {
            let mut cursor = 0;
            loop {
                let (next, some) = self.scan_step(node, &pattern, cursor).await?;
                keys.extend(some.into_iter().filter_map(|key| String::from_utf8(key).ok()));
                if next == 0 {
                    break;
                }
                cursor = next;
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let mut all = Vec::with_capacity(keys.len());
        for some in keys.chunks(ask::COMMANDS) {
            let mut flush = self.topology.batch();
            for key in some {
                flush.add(key, ask::command("SMEMBERS", key));
            }
            for (key, answer) in some.iter().zip(self.topology.send_all(flush).await?) {
                let Some(cache) = self.layout.cache_of_fingerprints(key) else { continue };
                all.push(Shapes { cache: cache.to_owned(), fingerprints: members(answer)? });
            }
        }
        Ok(all)
    }

    /// The fingerprints under which programs have made known to have entries of the cache, in ascending order.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn fingerprints(&self, cache: &str) -> Result<Vec<Fingerprint>, Error> {
        let set = self.layout.fingerprints(cache)?;
        members(self.topology.send(&set, &ask::command("SMEMBERS", &set)).await?)
    }

    /// What is left of an entry's time; `Some(None)`: no end, `None`: it is not there.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn time_left(&self, address: &Address) -> Result<Option<Option<Duration>>, Error> {
        let key = self.layout.data(address)?;
        Ok(scan::time_left(ask::number(self.topology.send(&key, &ask::command("PTTL", &key)).await?)?))
    }

    /// As [`scan`](crate::backend::Backend::scan), without the values. A page has more entries than asked for only by what one step of a server gives.
    ///
    /// # Errors
    /// Those of the servers.
    pub async fn listing(&self, cache: Option<&str>, from: Option<Cursor>, at_most: usize) -> Result<Listing, Error> {
        let (keys, next) = self.page_of_keys(cache, from, at_most).await?;
        let mut entries = Vec::with_capacity(keys.len());
        for some in keys.chunks(ask::COMMANDS / 3) {
            let mut flush = self.topology.batch();
            for key in some {
                flush.add(key, ask::command("STRLEN", key));
                flush.add(key, ask::command("PTTL", key));
                let mut first = ask::command("GETRANGE", key);
                first.arg(0).arg(Outline::BYTES - 1);
                flush.add(key, first);
            }
            let mut answers = self.topology.send_all(flush).await?.into_iter();
            let mut answer = || answers.next().unwrap_or_default();
            for key in some {
                let (length, left, first) = (answer(), answer(), answer());
                if ask::is_of_another_type(&length) {
                    continue;
                }
                let Some(address) = self.layout.address(key) else { continue };
                let Some(ttl) = scan::time_left(ask::number(left)?) else { continue };
                let bytes = ask::number(length)?.unsigned_abs();
                let outline = ask::bytes(first)?.and_then(|first| outline(&first));
                entries.push(Listed { address, outline, bytes, ttl });
            }
        }
        Ok(Listing { entries, next })
    }

    /// The servers that take writes: what they say of themselves, their clocks, and whether they let us hear of changes. Each is asked on a connection of
    /// its own, and gets `patience` for all of its answers.
    ///
    /// # Errors
    /// Those of the first server that cannot be asked, or takes longer.
    pub async fn servers(&self, patience: Duration) -> Result<Vec<Server>, Error> {
        self.topology.refresh().await?;
        let mut all = Vec::new();
        for master in &self.topology.known_masters().await?.nodes {
            let asked = tokio::time::timeout(patience, self.ask_server(master, patience));
            let late = |_| failures::error(Failure::Timeout, format_args!("{}: within {patience:?}", master.address));
            all.push(asked.await.map_err(late)??);
        }
        Ok(all)
    }

    /// On a connection of its own, which ends with the questions: tracking is a state of a connection.
    async fn ask_server(&self, master: &Arc<Master>, patience: Duration) -> Result<Server, Error> {
        let config = AsyncConnectionConfig::new().set_connection_timeout(Some(patience)).set_response_timeout(None);
        let opening = master.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = opening.await.map_err(|said| failures::from_redis(&said))?;
        let info = match send(&mut connection, redis::cmd("INFO").arg("everything")).await? {
            Value::ServerError(_) => Vec::new(),
            said => ask::text(said)?.lines().filter_map(field).collect(),
        };
        let asked = Asked::now();
        let time = send(&mut connection, &redis::cmd("TIME")).await?;
        let round_trip = asked.answered();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let (said, took) = (super::boot::millis(&time).unwrap_or_default(), round_trip.took());
        let middle = i64::try_from(now).unwrap_or(0) - i64::try_from(took.as_millis() / 2).unwrap_or(0);
        let ahead = i64::try_from(said).unwrap_or(0) - middle;
        let mut track = redis::cmd("CLIENT");
        track.arg("TRACKING").arg("ON").arg("BCAST").arg("PREFIX").arg(self.layout.signals());
        let tracking = match send(&mut connection, &track).await? {
            Value::ServerError(said) => Tracking::Refused(failures::from_redis(&said.into()).to_string()),
            _ => Tracking::Supported,
        };
        let error = took / 2 + Duration::from_millis(1);
        Ok(Server { address: master.address.to_string(), info, ahead, error, round_trip: took, tracking })
    }
}

fn members(answer: Value) -> Result<Vec<Fingerprint>, Error> {
    let read = |member: Value| match member {
        Value::BulkString(digits) => layout::fingerprint(&digits),
        _ => None,
    };
    let mut fingerprints: Vec<_> = ask::list(answer)?.into_iter().filter_map(read).collect();
    fingerprints.sort_unstable();
    Ok(fingerprints)
}

async fn send(connection: &mut MultiplexedConnection, command: &redis::Cmd) -> Result<Value, Error> {
    connection.send_packed_command(command).await.map_err(|said| failures::from_redis(&said))
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().split_once(':')?;
    Some((name.to_owned(), value.to_owned()))
}
