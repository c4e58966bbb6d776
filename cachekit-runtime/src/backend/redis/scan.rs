//! Walking over the entries: for whoever wants to see them, and to free what is not valid any more.
//!
//! Always in small steps by `SCAN`, which keeps nobody else waiting; never by `KEYS`.

use super::{
    RedisBackend,
    ask::{self, COMMANDS},
    failures,
};
use crate::{
    Error,
    backend::{Cursor, Page, Scanned},
    sync::lock,
};
use redis::{Pipeline, Value};
use std::{collections::hash_map::Entry, time::Duration};

/// How many keys the server looks at in a step.
const STEP: usize = 512;

/// How many steps without an entry a page takes at most: a server that is full of other things answers before the caller's patience is over.
const STEPS: usize = 16;

/// Where to go on: the server's own cursor, and the keys of its last step for which the page had no room.
struct Place {
    server: u64,
    left: Vec<Vec<u8>>,
}

impl Place {
    fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.split(|byte| *byte == b'\n');
        let server = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        Some(Place { server, left: parts.map(<[u8]>::to_vec).collect() })
    }

    /// No key of ours has a line break.
    fn write(&self) -> Cursor {
        let mut text = self.server.to_string().into_bytes();
        for key in &self.left {
            text.push(b'\n');
            text.extend_from_slice(key);
        }
        Cursor(text.into())
    }
}

impl RedisBackend {
    pub(super) async fn page(&self, cache: Option<&str>, from: Option<Cursor>, at_most: usize) -> Result<Page, Error> {
        let pattern = self.layout.data_pattern(cache)?;
        let at_most = at_most.max(1);
        let (mut place, mut begun) = match from {
            Some(cursor) => (Place::read(&cursor).ok_or_else(|| failures::senseless("a foreign cursor"))?, true),
            None => (Place { server: 0, left: Vec::new() }, false),
        };
        let mut entries = Vec::new();
        for _ in 0..STEPS {
            if place.left.is_empty() && !(begun && place.server == 0) {
                (place.server, place.left) = self.step(&pattern, place.server).await?;
                begun = true;
            }
            let room = (at_most - entries.len()).min(COMMANDS);
            let rest = place.left.split_off(room.min(place.left.len()));
            let keys = std::mem::replace(&mut place.left, rest);
            entries.extend(self.read(&keys).await?);
            let is_end = place.server == 0 && place.left.is_empty();
            if is_end {
                return Ok(Page::new(entries, None));
            }
            if !entries.is_empty() {
                break;
            }
        }
        Ok(Page::new(entries, Some(place.write())))
    }

    /// One step of the server: its next cursor, and the keys of ours that it met.
    async fn step(&self, pattern: &str, cursor: u64) -> Result<(u64, Vec<Vec<u8>>), Error> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
        let answers = ask::list(self.topology.send(&scan).await?)?;
        let Ok([cursor, keys]) = <[Value; 2]>::try_from(answers) else {
            return Err(failures::senseless("a scan without a cursor or without keys"));
        };
        let cursor = ask::bytes(cursor)?.and_then(|digits| std::str::from_utf8(&digits).ok()?.parse().ok());
        let cursor = cursor.ok_or_else(|| failures::senseless("a cursor that is no number"))?;
        let mut ours = Vec::new();
        for key in ask::list(keys)? {
            ours.extend(ask::bytes(key)?.filter(|key| self.layout.address(key).is_some()).map(Vec::from));
        }
        Ok((cursor, ours))
    }

    /// The entries at the keys that are there still.
    async fn read(&self, keys: &[Vec<u8>]) -> Result<Vec<Scanned>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut flush = Pipeline::with_capacity(keys.len() + 1);
        // Not single reads: what is not bytes, because somebody else put it there, is nothing instead of an error.
        flush.cmd("MGET").arg(keys);
        for key in keys {
            flush.cmd("PTTL").arg(key);
        }
        let mut answers = self.topology.send_all(&flush).await?.into_iter();
        let values = ask::list(answers.next().unwrap_or_default())?;
        let mut entries = Vec::with_capacity(keys.len());
        for ((key, value), left) in keys.iter().zip(values).zip(answers) {
            let (Some(address), Some(bytes)) = (self.layout.address(key), ask::bytes(value)?) else { continue };
            let ttl = match ask::number(left)? {
                -1 => None,
                // Gone between the two.
                left if left < 0 => continue,
                left => Some(Duration::from_millis(left.unsigned_abs())),
            };
            entries.push(Scanned::new(address, bytes, ttl));
        }
        Ok(entries)
    }

    /// Removes all entries of the cache that are there from beginning to end.
    pub(super) async fn sweep(&self, cache: &str) -> Result<(), Error> {
        let pattern = self.layout.data_pattern(Some(cache))?;
        let mut cursor = 0;
        loop {
            let (next, keys) = self.step(&pattern, cursor).await?;
            if !keys.is_empty() {
                ask::number(self.topology.send(redis::cmd("UNLINK").arg(keys)).await?)?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// As [`sweep`](Self::sweep), in a task of its own. A wish during a sweep of the same cache is another sweep after it, because what is behind
    /// its cursor may not have been swept.
    pub(super) fn sweep_in_background(&self, cache: &str) {
        // The caller has just had an answer, so it is within a runtime; and if not, the space is freed by time.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        match lock(&self.sweeps).entry(cache.to_owned()) {
            Entry::Occupied(mut running) => {
                *running.get_mut() = true;
                return;
            }
            Entry::Vacant(free) => {
                free.insert(false);
            }
        }
        let mut sweeping = Sweeping { backend: self.clone(), cache: Some(cache.to_owned()) };
        runtime.spawn(async move {
            while let Some(cache) = &sweeping.cache {
                if let Err(error) = sweeping.backend.sweep(cache).await {
                    // Nothing depends on it: what is left goes by its ttl, by eviction, or with the next sweep.
                    tracing::debug!(cache, %error, "the sweep after a clear was given up");
                    return;
                }
                sweeping.once_more();
            }
        });
    }
}

/// A sweep in the background.
struct Sweeping {
    backend: RedisBackend,
    /// Until it is done.
    cache: Option<String>,
}

impl Sweeping {
    /// Done, unless there was another wish.
    fn once_more(&mut self) {
        let Some(cache) = &self.cache else { return };
        let mut sweeps = lock(&self.backend.sweeps);
        match sweeps.get_mut(cache) {
            Some(again) if *again => *again = false,
            _ => {
                sweeps.remove(cache);
                drop(sweeps);
                self.cache = None;
            }
        }
    }
}

/// Also when the task is dropped with its runtime.
impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(cache) = &self.cache {
            lock(&self.backend.sweeps).remove(cache);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for left in [vec![], vec![b"ck:shop:d:{a:1}:0".to_vec(), b"b".to_vec()]] {
            let place = Place { server: u64::MAX, left: left.clone() };
            let read = Place::read(&place.write()).unwrap();
            assert_eq!((read.server, read.left), (u64::MAX, left));
        }
        for foreign in [&b""[..], b"x", b"-1", b"\xff", b"1x\n"] {
            assert!(Place::read(&Cursor(Bytes::from_static(foreign))).is_none());
        }
    }
}
