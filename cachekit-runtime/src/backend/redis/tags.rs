//! The versions of tags, and the right to refresh an entry.

use super::{
    RedisBackend,
    ask::{self, millis},
    fill, scripts,
};
use crate::{
    Error,
    backend::{Address, Fingerprint, Version, Witness},
};
use redis::Value;
use std::time::Duration;

impl RedisBackend {
    /// Single reads in one flush: in a cluster they go to different nodes.
    pub(super) async fn versions(&self, tags: &[&str]) -> Result<Vec<Option<Version>>, Error> {
        let mut flush = self.topology.batch();
        for key in tags.iter().map(|tag| self.layout.tag(tag)) {
            flush.add(&key, ask::command("GET", &key));
        }
        let answers = self.topology.send_all(flush).await?;
        let mut versions = Vec::with_capacity(answers.len());
        for (tag, answer) in tags.iter().zip(answers) {
            versions.push(version(answer, self.lineage_of_tag(tag).await?)?);
        }
        Ok(versions)
    }

    /// In a cluster entries outlive a restart of the server that has their tag. It may come back with the version from before an invalidation, which must
    /// not be what those entries have: so a version is what the key says, together with the lineage of the data there. On one server that is part of the entries'
    /// generation.
    async fn lineage_of_tag(&self, tag: &str) -> Result<u64, Error> {
        match self.topology.is_sharded() {
            true => self.topology.known_lineage(self.layout.tag(tag).as_bytes()).await,
            false => Ok(0),
        }
    }

    /// Each lives twice as long as asked for, so that it need not be prolonged often.
    pub(super) async fn make_versions(&self, tags: &[&str], ttl: Duration) -> Result<Vec<Version>, Error> {
        let keys: Vec<String> = tags.iter().map(|tag| self.layout.tag(tag)).collect();
        let made = self.script_many(&scripts::GENERATION, &keys, |call, key| {
            let fresh = Fingerprint(fill::random()).to_string();
            call.arg(1).arg(key).arg(fresh).arg(millis(ttl.saturating_mul(2))).arg(millis(ttl));
            key.clone()
        });
        let mut versions = Vec::with_capacity(tags.len());
        for (tag, made) in tags.iter().zip(made.await?) {
            let made = version(made, self.lineage_of_tag(tag).await?)?;
            versions.push(made.ok_or_else(|| super::failures::senseless("no version of a tag"))?);
        }
        Ok(versions)
    }

    /// By taking the keys away, which a server does also when its memory is full.
    pub(super) async fn remove_versions(&self, tags: &[&str]) -> Result<(), Error> {
        let mut flush = self.topology.batch();
        for key in tags.iter().map(|tag| self.layout.tag(tag)) {
            flush.add(&key, ask::command("UNLINK", &key));
            flush.add(&key, self.publishing(&key));
        }
        // Every second answer is that to a publication, which is nobody's right.
        ask::done(self.topology.send_all(flush).await?.into_iter().step_by(2))
    }

    /// Those that are there have another soft version then.
    pub(super) async fn soften_versions(&self, tags: &[&str]) -> Result<(), Error> {
        let keys: Vec<String> = tags.iter().map(|tag| self.layout.tag(tag)).collect();
        let done = self.script_many(&scripts::SOFTEN, &keys, |call, key| {
            call.arg(1).arg(key).arg(self.layout.news()).arg(format!("{:04x}", fill::random() & 0xffff));
            key.clone()
        });
        ask::done(done.await?)
    }

    /// For whoever watches: nothing of it is left.
    pub(super) async fn touch_signal(&self, address: &Address) -> Result<(), Error> {
        let key = self.layout.signal(address.id());
        let answer = self.script(&scripts::INVALIDATE, &key, |call| {
            call.arg(1).arg(&key).arg(self.layout.news());
        });
        ask::done([answer.await?])
    }

    pub(super) async fn take_lease(&self, address: &Address, seen: Witness, ttl: Duration) -> Result<bool, Error> {
        let key = self.layout.lease(address.id(), seen);
        let mut set = redis::cmd("SET");
        set.arg(&key).arg("").arg("NX").arg("PX").arg(millis(ttl));
        match self.topology.send(&key, &set).await? {
            Value::Nil => Ok(false),
            answer => ask::done([answer]).map(|()| true),
        }
    }
}

/// A version that cannot be read is none: no entry has it.
fn version(answer: Value, lineage: u64) -> Result<Option<Version>, Error> {
    Ok(ask::bytes(answer)?.and_then(|text| read(&text, lineage)))
}

/// The hard version, and then the soft ones.
fn read(text: &[u8], lineage: u64) -> Option<Version> {
    let mut numbers = text.split(|byte| *byte == b' ').map(fill::read_generation);
    let hard = numbers.next()??;
    Some(Version::new(hard ^ lineage).softened(numbers.collect::<Option<Vec<u64>>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_written() {
        assert_eq!(read(b"00000000000000ff", 0), Some(Version::new(255)));
        assert_eq!(read(b"00000000000000ff", 256), Some(Version::new(511)));
        let softened = read(b"00000000000000ff 0000000000010000 0000000000020003", 0);
        assert_eq!(softened, Some(Version::new(255).softened([0x1_0000, 0x2_0003])));
        for text in [&b""[..], b" ", b"ff", b"00000000000000ff ", b"00000000000000ff x", b"00000000000000ff  1"] {
            assert_eq!(read(text, 0), None, "{text:?}");
        }
    }
}
