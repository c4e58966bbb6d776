//! What it takes to fill an entry that others fill and invalidate too.

use super::{
    RedisBackend,
    ask::{self, millis},
    entries::add_end,
    failures, scripts,
};
use crate::{
    Error,
    backend::{Address, BackendFuture, Claim, Fingerprint, HEAD, Looked, Witness, each},
};
use bytes::Bytes;
use redis::{Cmd, Value};
use std::{
    hash::{BuildHasher, RandomState},
    time::{Duration, SystemTime},
};

/// The keys of an entry that is filled: where it is, where the fingerprints of its cache are, and where its generation is.
pub(super) struct FillKeys {
    pub(super) data: String,
    /// The set of the fingerprints and the generation, unless the announcement is done.
    to_announce: Option<(String, String)>,
    pub(super) fingerprint: String,
}

impl FillKeys {
    /// Where the entry is.
    pub(super) fn data(&self) -> &str {
        &self.data
    }

    pub(super) fn add(&self, call: &mut Cmd) {
        match &self.to_announce {
            Some((fingerprints, generation)) => call.arg(3).arg(&self.data).arg(fingerprints).arg(generation),
            None => call.arg(1).arg(&self.data),
        };
    }
}

impl RedisBackend {
    /// The keys for a script that puts something at the address. In a cluster this announces the fingerprint, which has to be known before anything is
    /// at the address: whoever finds a marker there may fill with it as the witness.
    pub(super) async fn fill_keys(&self, address: &Address) -> Result<FillKeys, Error> {
        if self.topology.is_sharded() {
            // Another node would be asked for nothing.
            self.topology.takes_fills(self.layout.data(address)?.as_bytes())?;
            self.add_fingerprint(address.cache(), address.fingerprint()).await?;
        }
        self.announced_keys(address)
    }

    /// As [`fill_keys`](Self::fill_keys), of a fingerprint that a cluster has been told.
    pub(super) fn announced_keys(&self, address: &Address) -> Result<FillKeys, Error> {
        let to_announce = match self.topology.is_sharded() {
            true => None,
            false => Some((self.layout.fingerprints(address.cache())?, self.layout.generation(address.cache())?)),
        };
        Ok(FillKeys { data: self.layout.data(address)?, to_announce, fingerprint: address.fingerprint().to_string() })
    }

    /// One command where one server has both, together with what others look at now; in a cluster one for each, to both nodes at once. An entry of a
    /// generation that was removed between the two was valid when the look began.
    pub(super) async fn look_at(&self, address: &Address) -> Result<Looked, Error> {
        let place = self.large.place(address.id());
        let looked = self.look_for(address, place.is_large()).await?;
        place.seen(looked.bytes.as_ref().map_or(0, Bytes::len));
        Ok(looked)
    }

    async fn look_for(&self, address: &Address, is_large: bool) -> Result<Looked, Error> {
        // Boxed where it is not what most looks do, whose future stays small.
        if is_large {
            return Box::pin(self.look_at_large(address)).await;
        }
        if let Some(noted) = self.topology.gather(&self.layout, address)? {
            let (data, generation) = noted.answer().await?;
            return Ok(self.looked_at(address, ask::bytes(data)?, generation));
        }
        Box::pin(self.look_by_itself(address)).await
    }

    /// The entry on the connection for what is large, the generation on the other, at the same time.
    async fn look_at_large(&self, address: &Address) -> Result<Looked, Error> {
        let (data, generation) = (self.layout.data(address)?, self.layout.generation(address.cache())?);
        let entry: BackendFuture<'_, Value> =
            Box::pin(async { self.topology.send_large(&data, &ask::command("GET", &data)).await });
        let version: BackendFuture<'_, Value> =
            Box::pin(async { self.topology.send(&generation, &ask::command("GET", &generation)).await });
        let mut answers = each(vec![entry, version]).await.into_iter();
        let mut answer = || answers.next().unwrap_or_else(|| Ok(Value::default()));
        let (entry, version) = (answer()?, answer()?);
        self.looked(address, entry, version)
    }

    /// In a cluster, or before there is a connection.
    async fn look_by_itself(&self, address: &Address) -> Result<Looked, Error> {
        let data = self.layout.data(address)?;
        let generation = self.layout.generation(address.cache())?;
        let answers = if self.topology.is_sharded() {
            let mut both = self.topology.batch();
            both.add(&data, ask::command("GET", &data));
            both.add(&generation, ask::command("GET", &generation));
            self.topology.send_all(both).await?
        } else {
            let mut both = Cmd::with_capacity(3, 4 + data.len() + generation.len());
            both.arg("MGET").arg(&data).arg(generation);
            ask::list(self.topology.send(&data, &both).await?)?
        };
        let Ok([data, generation]) = <[Value; 2]>::try_from(answers) else {
            return Err(failures::senseless("another number of values than of keys"));
        };
        // A generation that cannot be read is none: every entry is invalid then.
        self.looked(address, data, generation)
    }

    /// As [`look_at`](Self::look_at), with the head of the entry alone.
    pub(super) async fn look_at_head_of(&self, address: &Address) -> Result<Looked, Error> {
        let (data, generation) = (self.layout.data(address)?, self.layout.generation(address.cache())?);
        let mut range = ask::command("GETRANGE", &data);
        range.arg(0).arg(HEAD - 1);
        let mut both = self.topology.batch();
        both.add(&data, range);
        both.add(&generation, ask::command("GET", &generation));
        let answers = self.topology.send_all(both).await?;
        let Ok([head, generation]) = <[Value; 2]>::try_from(answers) else {
            return Err(failures::senseless("another number of answers than of questions"));
        };
        let mut looked = self.looked(address, head, generation)?;
        // What is not there has an empty range.
        looked.bytes = looked.bytes.filter(|bytes| !bytes.is_empty());
        Ok(looked)
    }

    /// A generation is what the cache's key says, together with the lineages of the data on the entry's server and on its own: what either of them has back from
    /// before a restart is of another one.
    pub(super) fn looked(&self, address: &Address, data: Value, generation: Value) -> Result<Looked, Error> {
        let generation = ask::bytes(generation)?.and_then(|digits| read_generation(&digits));
        Ok(self.looked_at(address, ask::bytes(data)?, generation))
    }

    fn looked_at(&self, address: &Address, data: Option<Bytes>, generation: Option<u64>) -> Looked {
        let lineage = match self.topology.is_sharded() {
            true => both(
                self.topology.lineage(self.layout.signal(address.id()).as_bytes()),
                self.topology.lineage(self.layout.generation_of(address.cache()).as_bytes()),
            ),
            false => self.topology.lineage(&[]),
        };
        Looked::new(data, generation.map(|generation| generation ^ lineage))
    }

    /// It lives twice as long as asked for, so that it need not be prolonged often.
    pub(super) async fn generation_of(&self, address: &Address, ttl: Duration) -> Result<u64, Error> {
        let key = self.layout.generation(address.cache())?;
        let fresh = Fingerprint(random()).to_string();
        let answer = self.script(&scripts::GENERATION, &key, |call| {
            call.arg(1).arg(&key).arg(&fresh).arg(millis(ttl.saturating_mul(2))).arg(millis(ttl));
        });
        let digits = ask::bytes(answer.await?)?;
        let generation = digits.and_then(|digits| read_generation(&digits));
        let mut lineage = self.topology.known_lineage(self.layout.signal(address.id()).as_bytes()).await?;
        if self.topology.is_sharded() {
            lineage = both(lineage, self.topology.known_lineage(key.as_bytes()).await?);
        }
        generation.map(|generation| generation ^ lineage).ok_or_else(|| failures::senseless("no generation"))
    }

    pub(super) async fn remove_generation(&self, cache: &str) -> Result<(), Error> {
        let key = self.layout.generation(cache)?;
        let mut both = self.topology.batch();
        both.add(&key, ask::command("UNLINK", &key));
        both.add(&key, self.publishing(&key));
        // The answer to the publication is left out: who may not publish invalidates all the same.
        let answer = self.topology.send_all(both).await?.into_iter().next();
        ask::number(answer.unwrap_or_default()).map(drop)
    }

    pub(super) async fn put_claim(&self, address: &Address, head: Witness, ttl: Duration) -> Result<Claim, Error> {
        let keys = self.fill_keys(address).await?;
        let answer = self.script(&scripts::CLAIM, &keys.data, |call| {
            keys.add(call);
            call.arg(&head.0[..]).arg(millis(ttl)).arg(&keys.fingerprint);
        });
        Ok(ask::bytes(answer.await?)?.map_or(Claim::Ours, Claim::Theirs))
    }

    pub(super) async fn put_in_place(
        &self,
        address: &Address,
        seen: Witness,
        head: Witness,
        ttl: Duration,
    ) -> Result<bool, Error> {
        let keys = self.fill_keys(address).await?;
        let answer = self.script(&scripts::REPLACE, &keys.data, |call| {
            keys.add(call);
            call.arg(&seen.0[..]).arg(&head.0[..]).arg(&keys.fingerprint).arg(millis(ttl));
        });
        Ok(ask::number(answer.await?)? == 1)
    }

    pub(super) async fn prolong(&self, address: &Address, head: Witness, ttl: Duration) -> Result<bool, Error> {
        let key = self.layout.data(address)?;
        let answer = self.script(&scripts::RENEW, &key, |call| {
            call.arg(1).arg(&key).arg(&head.0[..]).arg(millis(ttl));
        });
        Ok(ask::number(answer.await?)? == 1)
    }

    pub(super) async fn settle(
        &self,
        address: &Address,
        witness: Witness,
        bytes: Option<&Bytes>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        let key = self.layout.data(address)?;
        let answer = match bytes.filter(|_| !ttl.is_some_and(|ttl| ttl.is_zero())) {
            Some(bytes) => {
                self.script(&scripts::STORE, &key, |call| {
                    call.arg(1).arg(&key).arg(&witness.0[..]).arg(&bytes[..]);
                    add_end(call, ttl);
                })
                .await?
            }
            None => {
                self.script(&scripts::DROP, &key, |call| {
                    call.arg(1).arg(&key).arg(&witness.0[..]);
                })
                .await?
            }
        };
        Ok(ask::number(answer)? == 1)
    }

    pub(super) async fn add_fingerprint(&self, cache: &str, fingerprint: Fingerprint) -> Result<(), Error> {
        let (set, generation) = (self.layout.fingerprints(cache)?, self.layout.generation(cache)?);
        let fingerprint = fingerprint.to_string();
        if self.topology.is_sharded() {
            // The script has two keys, so it cannot run while their slot is being moved. It is rarely needed.
            let mut question = ask::command("SISMEMBER", &set);
            question.arg(&fingerprint);
            if ask::number(self.topology.send(&set, &question).await?)? == 1 {
                return Ok(());
            }
        }
        let answer = self.script(&scripts::ANNOUNCE, &set, |call| {
            call.arg(2).arg(&set).arg(&generation).arg("").arg("").arg(&fingerprint);
        });
        ask::done([answer.await?])
    }
}

/// Sixteen hexadecimal digits, as of a fingerprint.
pub(super) fn read_generation(digits: &[u8]) -> Option<u64> {
    super::layout::fingerprint(digits).map(|number| number.0)
}

/// Another number if either is another one; of one server and its own as well.
fn both(of_entry: u64, of_generation: u64) -> u64 {
    of_entry ^ of_generation.rotate_left(1)
}

/// A number that no other process and no later start of this one has.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one((SystemTime::now(), std::process::id()))
}
