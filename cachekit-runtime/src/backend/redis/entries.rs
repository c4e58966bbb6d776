//! Entries without regard to who else fills them: what every backend does.

use super::{
    RedisBackend,
    ask::{self, COMMANDS, millis},
    layout, scripts,
};
use crate::{
    Error,
    backend::{Address, Each, Fingerprint},
};
use bytes::Bytes;
use redis::{Cmd, Value};
use std::{collections::HashMap, time::Duration};

impl RedisBackend {
    pub(super) async fn get_one(&self, address: &Address) -> Result<Option<Bytes>, Error> {
        let key = self.layout.data(address)?;
        ask::bytes(self.topology.send(&key, redis::cmd("GET").arg(&key)).await?)
    }

    /// Single reads in one flush: in a cluster they go to different nodes.
    pub(super) async fn get_all(&self, addresses: &[Address]) -> Result<Vec<Option<Bytes>>, Error> {
        let mut found = Vec::with_capacity(addresses.len());
        let mut rest = addresses;
        while !rest.is_empty() {
            let mut flush = self.topology.batch();
            for address in rest {
                let key = self.layout.data(address)?;
                flush.add(&key, ask::command("GET", &key));
                if flush.is_full() {
                    break;
                }
            }
            rest = rest.get(flush.len()..).unwrap_or_default();
            for answer in self.topology.send_all(flush).await? {
                found.push(ask::bytes(answer)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn set_one(&self, address: &Address, bytes: &Bytes, ttl: Option<Duration>) -> Result<(), Error> {
        if ttl.is_some_and(|ttl| ttl.is_zero()) {
            // Over at once; the server would refuse it.
            return self.remove_one(address).await.map(drop);
        }
        let keys = self.fill_keys(address).await?;
        let answer = self.script(&scripts::SET, &keys.data, |call| {
            keys.add(call);
            call.arg(&bytes[..]);
            add_end(call, ttl);
            call.arg(&keys.fingerprint);
        });
        ask::done([answer.await?])
    }

    pub(super) async fn remove_one(&self, address: &Address) -> Result<bool, Error> {
        let key = self.layout.data(address)?;
        Ok(ask::number(self.topology.send(&key, redis::cmd("UNLINK").arg(&key)).await?)? > 0)
    }

    /// Every fingerprint that was announced before this began is reached; entries of one that is announced later were computed later too.
    pub(super) async fn invalidate(&self, addresses: &[Address]) -> Result<(), Error> {
        self.invalidate_each(addresses).await?.into_iter().collect()
    }

    /// As [`invalidate`](Self::invalidate); of each entry, whether it is done.
    pub(super) async fn invalidate_each(&self, addresses: &[Address]) -> Result<Each<()>, Error> {
        let mut caches: HashMap<&str, Result<Vec<Fingerprint>, Error>> = HashMap::new();
        for address in addresses {
            self.layout.data(address)?;
            caches.entry(address.cache()).or_insert_with(|| Ok(Vec::new()));
        }
        self.read_fingerprints(&mut caches).await?;
        // Without the set it is not known under which fingerprints there are entries, if it was lost: then all of the cache is made invalid.
        for (cache, fingerprints) in &mut caches {
            if fingerprints.as_ref().is_ok_and(Vec::is_empty)
                && let Err(error) = self.remove_generation(cache).await
            {
                *fingerprints = Err(error);
            }
        }
        let keys = |address: &Address| -> Vec<String> {
            let known = caches.get(address.cache()).and_then(|known| known.as_deref().ok()).unwrap_or_default();
            let own = (!known.contains(&address.fingerprint())).then_some(address.fingerprint());
            let fingerprints = known.iter().copied().chain(own);
            fingerprints.map(|fingerprint| self.layout.data_of(address.id(), fingerprint)).collect()
        };
        let fill = |call: &mut Cmd, address: &Address| {
            let (signal, keys) = (self.layout.signal(address.id()), keys(address));
            call.arg(keys.len() + 1).arg(&signal).arg(keys).arg(self.layout.news());
            signal
        };
        let answers = self.script_each(&scripts::INVALIDATE, addresses, fill).await;
        let mut done = Vec::with_capacity(addresses.len());
        for (address, answer) in addresses.iter().zip(answers) {
            let one = match answer {
                Ok(answer) if ask::is_try_again(&answer) => {
                    self.invalidate_in_motion(&self.layout.signal(address.id()), keys(address)).await
                }
                answer => answer.and_then(|answer| ask::done([answer])),
            };
            // Under which fingerprints there are entries was perhaps not known.
            let known = caches.get(address.cache()).and_then(|known| known.as_ref().err()).cloned();
            done.push(known.map_or(one, Err));
        }
        Ok(done)
    }

    /// While a slot is being moved from one node to another, a command with several keys runs on neither, because the signal is nowhere. So it is done
    /// key by key; the signal last, as in the script.
    async fn invalidate_in_motion(&self, signal: &str, keys: Vec<String>) -> Result<(), Error> {
        let mut flush = self.topology.batch();
        for key in keys {
            flush.add(&key, ask::command("UNLINK", &key));
        }
        ask::done(self.topology.send_all(flush).await?)?;
        let mut touch = ask::command("SET", signal);
        touch.arg("");
        ask::done([self.topology.send(signal, &touch).await?])?;
        ask::done([self.topology.send(signal, &ask::command("UNLINK", signal)).await?])?;
        // Who may not publish invalidates all the same.
        self.topology.send(signal, &self.publishing(signal)).await.map(drop)
    }

    /// Tells those who hear of invalidations by a channel.
    pub(super) fn publishing(&self, key: &str) -> Cmd {
        let mut publish = ask::command("PUBLISH", self.layout.news());
        publish.arg(key);
        publish
    }

    async fn read_fingerprints(
        &self,
        caches: &mut HashMap<&str, Result<Vec<Fingerprint>, Error>>,
    ) -> Result<(), Error> {
        let mut all: Vec<_> = caches.iter_mut().collect();
        for some in all.chunks_mut(COMMANDS) {
            let mut flush = self.topology.batch();
            for (cache, _) in some.iter() {
                let set = self.layout.fingerprints(cache)?;
                flush.add(&set, ask::command("SMEMBERS", &set));
            }
            let answers = self.topology.send_each(flush).await;
            for ((_, fingerprints), answer) in some.iter_mut().zip(answers) {
                let read = |member: &Value| match member {
                    Value::BulkString(digits) => layout::fingerprint(digits),
                    _ => None,
                };
                **fingerprints = answer.and_then(ask::list).map(|members| members.iter().filter_map(read).collect());
            }
        }
        Ok(())
    }
}

/// Milliseconds, or nothing for no end.
pub(super) fn add_end(call: &mut Cmd, ttl: Option<Duration>) {
    match ttl {
        Some(ttl) => call.arg(millis(ttl)),
        None => call.arg(""),
    };
}
