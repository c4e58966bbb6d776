//! Walking over the entries: for whoever wants to see them, and to free what is not valid any more.
//!
//! Always in small steps by `SCAN`, which keeps nobody else waiting; never by `KEYS`.

use super::{
    RedisBackend,
    ask::{self, COMMANDS},
    failures,
    topology::{Master, Masters},
};
use crate::{
    Error,
    backend::{Cursor, Failure, Page, Scanned},
    sync::lock,
};
use redis::Value;
use std::{collections::hash_map::Entry, sync::Arc, time::Duration};

/// How many keys the server looks at in a step.
const STEP: usize = 512;

/// How many steps without an entry a page takes at most: a server that is full of other things answers before the caller's patience is over.
const STEPS: usize = 16;

/// How many walks a sweep is, at most, while slots move from one node to another.
const WALKS: usize = 4;

/// Where to go on: in which node, its own cursor, and the keys of its last step for which the page had no room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    /// What the node has given; zero at its end. Nothing before its begin.
    server: Option<u64>,
    /// The address of the node; nothing before the first.
    node: String,
    /// The addresses of those that were walked over. A node that takes over from one of these is a new one.
    done: Vec<String>,
    left: Vec<Vec<u8>>,
}

impl Place {
    fn read(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.split(|byte| *byte == b'\n');
        let server = match std::str::from_utf8(parts.next()?).ok()? {
            "-" => None,
            digits => Some(digits.parse().ok()?),
        };
        let mut nodes = std::str::from_utf8(parts.next()?).ok()?.split(' ').map(str::to_owned);
        let node = nodes.next()?;
        Some(Place { server, node, done: nodes.collect(), left: parts.map(<[u8]>::to_vec).collect() })
    }

    /// No address has a space or a line break, and no key of ours a line break.
    fn write(&self) -> Cursor {
        let mut text = self.server.map_or_else(|| "-".to_owned(), |server| server.to_string());
        text.push('\n');
        text.push_str(&self.node);
        for node in &self.done {
            text.push(' ');
            text.push_str(node);
        }
        let mut text = text.into_bytes();
        for key in &self.left {
            text.push(b'\n');
            text.extend_from_slice(key);
        }
        Cursor(text.into())
    }

    /// Is there nothing more of this node?
    fn is_at_end_of_node(&self) -> bool {
        self.server == Some(0) && self.left.is_empty()
    }

    /// The node to ask: the one where we are, unless it is no master any more, else one that was not walked over. `None`: that was all.
    fn node(&mut self, masters: &Masters) -> Option<Arc<Master>> {
        let find = |address: &str| masters.nodes.iter().find(|master| *master.address == *address);
        if let Some(node) = find(&self.node).filter(|_| self.server != Some(0)) {
            return Some(node.clone());
        }
        if self.server == Some(0) {
            self.done.push(std::mem::take(&mut self.node));
        }
        let next = masters.nodes.iter().find(|master| !self.done.iter().any(|done| **done == *master.address))?;
        (self.server, self.node) = (None, next.address.to_string());
        Some(next.clone())
    }
}

impl RedisBackend {
    pub(super) async fn page(&self, cache: Option<&str>, from: Option<Cursor>, at_most: usize) -> Result<Page, Error> {
        let at_most = at_most.min(COMMANDS / 2);
        let mut entries = Vec::new();
        let mut place = self.place(from)?;
        for _ in 0..STEPS {
            let (keys, next) = self.keys_from(cache, place, at_most).await?;
            entries.extend(self.read(&keys).await?);
            let Some(next) = next else { return Ok(Page::new(entries, None)) };
            place = next;
            if !entries.is_empty() {
                break;
            }
        }
        Ok(Page::new(entries, Some(place.write())))
    }

    /// The keys of a page, which may be there no more, and where to go on.
    #[cfg(feature = "inspect")]
    pub(super) async fn page_of_keys(
        &self,
        cache: Option<&str>,
        from: Option<Cursor>,
        at_most: usize,
    ) -> Result<(Vec<Vec<u8>>, Option<Cursor>), Error> {
        let mut place = self.place(from)?;
        let mut all = Vec::new();
        for _ in 0..STEPS {
            let (keys, next) = self.keys_from(cache, place, at_most.saturating_sub(all.len())).await?;
            all.extend(keys);
            let Some(next) = next else { return Ok((all, None)) };
            place = next;
            if all.len() >= at_most {
                break;
            }
        }
        Ok((all, Some(place.write())))
    }

    fn place(&self, from: Option<Cursor>) -> Result<Place, Error> {
        match from {
            Some(cursor) => Place::read(&cursor).ok_or_else(|| failures::senseless("a foreign cursor")),
            None => Ok(Place::default()),
        }
    }

    /// The keys of one step of a server at most, and where to go on; `None`: that was all.
    async fn keys_from(
        &self,
        cache: Option<&str>,
        mut place: Place,
        at_most: usize,
    ) -> Result<(Vec<Vec<u8>>, Option<Place>), Error> {
        let pattern = self.layout.data_pattern(cache)?;
        let masters = self.topology.known_masters().await?;
        if place.left.is_empty() {
            let Some(node) = place.node(&masters) else { return Ok((Vec::new(), None)) };
            let (next, left) = self.step(&node, &pattern, place.server.unwrap_or_default()).await?;
            (place.server, place.left) = (Some(next), left);
        }
        let rest = place.left.split_off(at_most.max(1).min(place.left.len()));
        let keys = std::mem::replace(&mut place.left, rest);
        let is_end = place.is_at_end_of_node() && place.clone().node(&masters).is_none();
        Ok((keys, (!is_end).then_some(place)))
    }

    /// One step of a server: its next cursor, and the keys of ours that it met.
    async fn step(&self, node: &Arc<Master>, pattern: &str, cursor: u64) -> Result<(u64, Vec<Vec<u8>>), Error> {
        let (next, mut keys) = self.scan_step(node, pattern, cursor).await?;
        keys.retain(|key| self.layout.address(key).is_some());
        Ok((next, keys))
    }

    /// As [`step`](Self::step), with keys of any kind.
    pub(super) async fn scan_step(
        &self,
        node: &Arc<Master>,
        pattern: &str,
        cursor: u64,
    ) -> Result<(u64, Vec<Vec<u8>>), Error> {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(STEP);
        let answers = ask::list(self.topology.send_to(node, &scan).await?)?;
        let Ok([cursor, keys]) = <[Value; 2]>::try_from(answers) else {
            return Err(failures::senseless("a scan without a cursor or without keys"));
        };
        let cursor = ask::bytes(cursor)?.and_then(|digits| std::str::from_utf8(&digits).ok()?.parse().ok());
        let cursor = cursor.ok_or_else(|| failures::senseless("a cursor that is no number"))?;
        let mut found = Vec::new();
        for key in ask::list(keys)? {
            found.extend(ask::bytes(key)?.map(Vec::from));
        }
        Ok((cursor, found))
    }

    /// The entries at the keys that are there still.
    async fn read(&self, keys: &[Vec<u8>]) -> Result<Vec<Scanned>, Error> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut flush = self.topology.batch();
        for key in keys {
            flush.add(key, ask::command("GET", key));
            flush.add(key, ask::command("PTTL", key));
        }
        let mut answers = self.topology.send_all(flush).await?.into_iter();
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let (value, left) = (answers.next().unwrap_or_default(), answers.next().unwrap_or_default());
            // What is not bytes, because somebody else put it there, is nothing instead of an error.
            if ask::is_of_another_type(&value) {
                continue;
            }
            let (Some(address), Some(bytes)) = (self.layout.address(key), ask::bytes(value)?) else { continue };
            // Gone between the two.
            let Some(ttl) = time_left(ask::number(left)?) else { continue };
            entries.push(Scanned::new(address, bytes, ttl));
        }
        Ok(entries)
    }

    /// Removes all entries of the cache that are there from beginning to end.
    ///
    /// An entry that moves from a node before the walk to one behind it is met by none, so that the walk is begun again when slots have moved. What
    /// moved within a slot that is still on its way when the walk ends may be left; without the generation, which was removed before, it is not valid.
    pub(super) async fn sweep(&self, cache: &str) -> Result<(), Error> {
        let pattern = self.layout.data_pattern(Some(cache))?;
        for _ in 0..WALKS {
            self.topology.refresh().await?;
            let masters = self.topology.known_masters().await?;
            for node in &masters.nodes {
                self.sweep_node(node, &pattern).await?;
            }
            self.topology.refresh().await?;
            if self.topology.masters().epoch == masters.epoch {
                return Ok(());
            }
        }
        Err(failures::error(Failure::Busy, "slots move from node to node all the while"))
    }

    async fn sweep_node(&self, node: &Arc<Master>, pattern: &str) -> Result<(), Error> {
        let mut cursor = 0;
        loop {
            let (next, keys) = self.step(node, pattern, cursor).await?;
            for some in keys.chunks(COMMANDS) {
                let mut flush = self.topology.batch();
                for key in some {
                    flush.add(key, ask::command("UNLINK", key));
                }
                ask::done(self.topology.send_all(flush).await?)?;
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

/// What the server says of the time of a key: `Some(None)` is no end, `None` is no key.
pub(super) fn time_left(milliseconds: i64) -> Option<Option<Duration>> {
    match milliseconds {
        -1 => Some(None),
        left if left < 0 => None,
        left => Some(Some(Duration::from_millis(left.unsigned_abs()))),
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
            for (server, done) in [(Some(u64::MAX), vec![]), (None, vec!["h:1".to_owned(), "[::1]:2".to_owned()])] {
                let place = Place { server, node: "h:3".to_owned(), done, left: left.clone() };
                assert_eq!(Place::read(&place.write()).unwrap(), place);
            }
        }
        for foreign in [&b""[..], b"x", b"-1", b"1", b"\xff\n", b"1x\n", b"1\n\xff"] {
            assert!(Place::read(&Cursor(Bytes::from_static(foreign))).is_none(), "{foreign:?}");
        }
    }
}
