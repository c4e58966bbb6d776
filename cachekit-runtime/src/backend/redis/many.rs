//! Several entries in one flush, for batches: looks, claims and stores, each as its single form does it.
//!
//! Each entry is a command of its own, so that in a cluster it goes to its node.

use super::{
    RedisBackend,
    ask::{self, millis},
    entries::add_end,
    fill::{FillKeys, read_generation},
    scripts,
};
use crate::{
    Error,
    backend::{Address, Claim, Looked, Storing, Witness},
};
use bytes::Bytes;
use redis::{Cmd, Pipeline, Value};
use std::time::Duration;

impl RedisBackend {
    /// The generation stands first: an entry that is filled under a later one counts as invalid, and costs a load. Of one cache: the first's.
    pub(super) async fn look_at_many(&self, addresses: &[Address]) -> Result<Vec<Looked>, Error> {
        let Some(first) = addresses.first() else { return Ok(Vec::new()) };
        let mut flush = Pipeline::with_capacity(addresses.len() + 1);
        flush.cmd("GET").arg(self.layout.generation(first.cache())?);
        for address in addresses {
            flush.cmd("GET").arg(self.layout.data(address)?);
        }
        let mut answers = self.connections.send_all(&flush).await?.into_iter();
        let generation = answers.next().map_or(Ok(None), ask::bytes)?.and_then(|digits| read_generation(&digits));
        answers.map(|answer| Ok(Looked::new(ask::bytes(answer)?, generation))).collect()
    }

    pub(super) async fn put_claims(&self, claims: &[(Address, Witness)], ttl: Duration) -> Result<Vec<Claim>, Error> {
        let keyed: Vec<(FillKeys, Witness)> =
            claims.iter().map(|(address, head)| Ok((self.fill_keys(address)?, *head))).collect::<Result<_, Error>>()?;
        let fill = |call: &mut Cmd, (keys, head): &(FillKeys, Witness)| {
            keys.add(call);
            call.arg(&head.0[..]).arg(millis(ttl)).arg(&keys.fingerprint);
            keys.len() + head.0.len()
        };
        let answers = self.script_answers(&scripts::CLAIM, &keyed, fill).await?;
        answers.into_iter().map(|answer| Ok(ask::bytes(answer)?.map_or(Claim::Ours, Claim::Theirs))).collect()
    }

    pub(super) async fn settle_many(&self, stores: &[Storing]) -> Result<Vec<bool>, Error> {
        let mut settled = vec![false; stores.len()];
        let keyed = |(at, store): (usize, &Storing)| Ok((at, self.layout.data(&store.address)?, store.clone()));
        let keyed: Vec<(usize, String, Storing)> =
            stores.iter().enumerate().map(keyed).collect::<Result<_, Error>>()?;
        // What is over at once is not stored, but its witness goes.
        let (stored, dropped): (Vec<_>, Vec<_>) = keyed.into_iter().partition(|(_, _, store)| value(store).is_some());
        let store = |call: &mut Cmd, (_, key, store): &(usize, String, Storing)| {
            let bytes = value(store).cloned().unwrap_or_default();
            call.arg(1).arg(key).arg(&store.witness.0[..]).arg(&bytes[..]);
            add_end(call, store.ttl);
            key.len() + bytes.len()
        };
        let drop = |call: &mut Cmd, (_, key, store): &(usize, String, Storing)| {
            call.arg(1).arg(key).arg(&store.witness.0[..]);
            key.len()
        };
        let mut answers = self.script_answers(&scripts::STORE, &stored, store).await?;
        answers.extend(self.script_answers(&scripts::DROP, &dropped, drop).await?);
        for ((at, ..), answer) in stored.iter().chain(&dropped).zip(answers) {
            if let Some(settled) = settled.get_mut(*at) {
                *settled = ask::number(answer)? == 1;
            }
        }
        Ok(settled)
    }

    /// As [`script_many`](Self::script_many), with what each call answers.
    async fn script_answers<T>(
        &self,
        script: &scripts::Script,
        calls: &[T],
        fill: impl Fn(&mut Cmd, &T) -> usize,
    ) -> Result<Vec<Value>, Error> {
        let mut all = Vec::with_capacity(calls.len());
        self.script_flushes(script, calls, fill, |answers| {
            all.extend(answers);
            Ok(())
        })
        .await?;
        Ok(all)
    }
}

fn value(store: &Storing) -> Option<&Bytes> {
    store.bytes.as_ref().filter(|_| !store.ttl.is_some_and(|ttl| ttl.is_zero()))
}
