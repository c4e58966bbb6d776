//! One entry, wherever it is and under whatever shape.

use super::{Inner, Store};
use crate::failure::Failure;
use bytes::Bytes;
use cachekit_runtime::{
    backend::{Address, Backend},
    codec::DEFAULT_MAX_VALUE_BYTES,
    envelope::{Envelope, Rejected},
    inspect::{self, Judgement},
};
use std::time::Duration;

/// What is at an address.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) address: Address,
    pub(crate) bytes: Bytes,
    /// What is left; `Some(None)`: no end; `None`: the backend does not say.
    pub(crate) ttl: Option<Option<Duration>>,
    /// Of a shared backend: the generation of the cache.
    pub(crate) generation: Option<Option<u64>>,
}

impl Found {
    pub(crate) fn envelope(&self) -> Result<Envelope, Rejected> {
        Envelope::read(&self.bytes, DEFAULT_MAX_VALUE_BYTES)
    }
}

impl Store {
    /// The entries of this address's id under every fingerprint that is known.
    pub(crate) async fn find(&self, address: &Address) -> Result<Vec<Found>, Failure> {
        match &self.inner {
            Inner::File { backend, .. } => {
                let entries = backend.entries_of(address.id()).await?.into_iter();
                let found = entries.map(|entry| Found {
                    address: entry.address,
                    bytes: entry.bytes,
                    ttl: Some(entry.ttl),
                    generation: None,
                });
                Ok(found.collect())
            }
            Inner::Redis(redis) => {
                let fingerprints = redis.fingerprints(address.cache()).await?;
                let addresses: Vec<Address> =
                    fingerprints.into_iter().map(|fingerprint| address.with_fingerprint(fingerprint)).collect();
                let mut found = Vec::new();
                let Some(shared) = redis.shared() else { return Ok(found) };
                let looked = shared.look_many(&addresses).await?;
                for (address, looked) in addresses.into_iter().zip(looked) {
                    let looked = looked?;
                    if let Some(bytes) = looked.bytes {
                        let ttl = redis.time_left(&address).await?;
                        found.push(Found { address, bytes, ttl, generation: Some(looked.generation) });
                    }
                }
                Ok(found)
            }
        }
    }

    /// What callers would say of an entry now.
    pub(crate) async fn judge(&self, envelope: &Envelope, found: &Found) -> Result<Judgement, Failure> {
        let names: Vec<&str> = envelope.tags().iter().map(|tag| &*tag.name).collect();
        let versions = match names.is_empty() {
            true => Vec::new(),
            false => inspect::versions(self.backend(), &names).await?,
        };
        Ok(inspect::judge(envelope, found.generation, &versions, self.now(&found.address)))
    }
}

/// A judgement in words.
pub(crate) fn judged(judgement: &Judgement) -> String {
    match judgement {
        Judgement::Fresh => "fresh: a call gets it".to_owned(),
        Judgement::Stale => "stale: only functions that allow stale values get it".to_owned(),
        Judgement::Expired => "expired: no call gets it".to_owned(),
        Judgement::Cleared => "invalid: the cache was cleared after it was made".to_owned(),
        Judgement::Invalidated(tag) => format!("invalid: the tag {tag:?} was invalidated after it was made"),
        _ => "unknown to this version of the command".to_owned(),
    }
}
