//! Several entries in one flush, for batches: looks, claims and stores, each as its single form does it.
//!
//! Each entry is a command of its own, so that in a cluster it goes to its node.

use super::{
    RedisBackend,
    ask::{self, millis},
    entries::add_end,
    fill::FillKeys,
    scripts,
};
use crate::{
    Error,
    backend::{Address, Claim, Each, Looked, Storing, Witness, unless_all_failed},
};
use bytes::Bytes;
use redis::{Cmd, Value};
use std::time::Duration;

impl RedisBackend {
    /// The generation stands first: an entry that is filled under a later one counts as invalid, and costs a load. Of one cache: the first's.
    pub(super) async fn look_at_many(&self, addresses: &[Address]) -> Result<Each<Looked>, Error> {
        let Some(first) = addresses.first() else { return Ok(Vec::new()) };
        let generation = self.layout.generation(first.cache())?;
        let mut flush = self.topology.batch();
        flush.add(&generation, ask::command("GET", &generation));
        for address in addresses {
            let data = self.layout.data(address)?;
            flush.add(&data, ask::command("GET", &data));
        }
        let mut answers = self.topology.send_each(flush).await.into_iter();
        let generation = answers.next().unwrap_or_else(|| Ok(Value::default()))?;
        let looked =
            |(address, answer): (&Address, Result<Value, Error>)| self.looked(address, answer?, generation.clone());
        unless_all_failed(addresses.iter().zip(answers).map(looked).collect())
    }

    pub(super) async fn put_claims(&self, claims: &[(Address, Witness)], ttl: Duration) -> Result<Each<Claim>, Error> {
        // Of one cache and one program: announced once.
        let mut announced = None;
        let mut keyed: Vec<(FillKeys, Witness)> = Vec::with_capacity(claims.len());
        for (address, head) in claims {
            let whose = Some((address.cache(), address.fingerprint()));
            let keys = match whose == announced {
                true => self.announced_keys(address)?,
                false => self.fill_keys(address).await?,
            };
            announced = whose;
            keyed.push((keys, *head));
        }
        let fill = |call: &mut Cmd, (keys, head): &(FillKeys, Witness)| {
            keys.add(call);
            call.arg(&head.0[..]).arg(millis(ttl)).arg(&keys.fingerprint);
            keys.data().to_owned()
        };
        let answers = self.script_each(&scripts::CLAIM, &keyed, fill).await;
        let claim = |answer: Result<Value, Error>| Ok(ask::bytes(answer?)?.map_or(Claim::Ours, Claim::Theirs));
        unless_all_failed(answers.into_iter().map(claim).collect())
    }

    pub(super) async fn settle_many(&self, stores: &[Storing]) -> Result<Each<bool>, Error> {
        let mut settled: Each<bool> = stores.iter().map(|_| Ok(false)).collect();
        let keyed = |(at, store): (usize, &Storing)| Ok((at, self.layout.data(&store.address)?, store.clone()));
        let keyed: Vec<(usize, String, Storing)> =
            stores.iter().enumerate().map(keyed).collect::<Result<_, Error>>()?;
        // What is over at once is not stored, but its witness goes.
        let (stored, dropped): (Vec<_>, Vec<_>) = keyed.into_iter().partition(|(_, _, store)| value(store).is_some());
        let store = |call: &mut Cmd, (_, key, store): &(usize, String, Storing)| {
            let bytes = value(store).cloned().unwrap_or_default();
            call.arg(1).arg(key).arg(&store.witness.0[..]).arg(&bytes[..]);
            add_end(call, store.ttl);
            key.clone()
        };
        let drop = |call: &mut Cmd, (_, key, store): &(usize, String, Storing)| {
            call.arg(1).arg(key).arg(&store.witness.0[..]);
            key.clone()
        };
        let mut answers = self.script_each(&scripts::STORE, &stored, store).await;
        answers.extend(self.script_each(&scripts::DROP, &dropped, drop).await);
        for ((at, ..), answer) in stored.iter().chain(&dropped).zip(answers) {
            if let Some(settled) = settled.get_mut(*at) {
                *settled = answer.and_then(ask::number).map(|number| number == 1);
            }
        }
        unless_all_failed(settled)
    }
}

fn value(store: &Storing) -> Option<&Bytes> {
    store.bytes.as_ref().filter(|_| !store.ttl.is_some_and(|ttl| ttl.is_zero()))
}
