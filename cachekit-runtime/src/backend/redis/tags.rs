//! The versions of tags, and the right to refresh an entry.

use super::{
    RedisBackend,
    ask::{self, millis},
    fill, scripts,
};
use crate::{
    Error,
    backend::{Address, Fingerprint},
};
use redis::Value;
use std::time::Duration;

impl RedisBackend {
    /// Single reads in one flush: in a cluster they go to different nodes.
    pub(super) async fn versions(&self, tags: &[&str]) -> Result<Vec<Option<u64>>, Error> {
        let mut flush = self.topology.batch();
        for key in tags.iter().map(|tag| self.layout.tag(tag)) {
            flush.add(&key, ask::command("GET", &key));
        }
        self.topology.send_all(flush).await?.into_iter().map(version).collect()
    }

    /// Each lives twice as long as asked for, so that it need not be prolonged often.
    pub(super) async fn make_versions(&self, tags: &[&str], ttl: Duration) -> Result<Vec<u64>, Error> {
        let mut versions = Vec::with_capacity(tags.len());
        for tag in tags {
            let (key, fresh) = (self.layout.tag(tag), Fingerprint(fill::random()).to_string());
            let answer = self.script(&scripts::GENERATION, &key, |call| {
                call.arg(1).arg(&key).arg(&fresh).arg(millis(ttl.saturating_mul(2))).arg(millis(ttl));
            });
            let made = version(answer.await?)?;
            versions.push(made.ok_or_else(|| super::failures::senseless("no version of a tag"))?);
        }
        Ok(versions)
    }

    /// By taking the keys away, which a server does also when its memory is full.
    pub(super) async fn remove_versions(&self, tags: &[&str]) -> Result<(), Error> {
        let mut flush = self.topology.batch();
        for key in tags.iter().map(|tag| self.layout.tag(tag)) {
            flush.add(&key, ask::command("UNLINK", &key));
        }
        ask::done(self.topology.send_all(flush).await?)
    }

    /// For whoever watches: nothing of it is left.
    pub(super) async fn touch_signal(&self, address: &Address) -> Result<(), Error> {
        let key = self.layout.signal(address.id());
        let answer = self.script(&scripts::INVALIDATE, &key, |call| {
            call.arg(1).arg(&key);
        });
        ask::done([answer.await?])
    }

    pub(super) async fn take_lease(&self, address: &Address, ttl: Duration) -> Result<bool, Error> {
        let key = self.layout.lease(address.id());
        let mut set = redis::cmd("SET");
        set.arg(&key).arg("").arg("NX").arg("PX").arg(millis(ttl));
        match self.topology.send(&key, &set).await? {
            Value::Nil => Ok(false),
            answer => ask::done([answer]).map(|()| true),
        }
    }
}

/// A version that cannot be read is none: no entry has it.
fn version(answer: Value) -> Result<Option<u64>, Error> {
    Ok(ask::bytes(answer)?.and_then(|digits| fill::read_generation(&digits)))
}
