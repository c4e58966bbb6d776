//! Entries in a Redis that several processes share.
//!
//! [`Settings`] says where it is: one server, a master that sentinels name, or a Cluster. What is tested is Redis 7.0; Valkey and Redis from version 6 on
//! speak the same commands, which is untested here.
//!
//! # What it promises
//!
//! - A fill stores only if its witness is still in place, so nothing that was computed before an invalidation by any process is stored after it.
//! - An invalidation reaches the entries of every fingerprint that was announced before it began. A set of fingerprints that was lost, by eviction or by
//!   hand, costs the cache's generation, and with it all entries of the cache: never a stale one.
//! - [`clear`](Backend::clear) walks over the entries of the cache and returns when they are gone;
//!   [`invalidate_all`](SharedBackend::invalidate_all) makes them invalid at once, for those who compare generations, and frees their space in the
//!   background. Both free entries that are filled meanwhile too, which costs misses and no more.
//! - A call ends within the response timeout, also while the server is gone, stalled or starting. When connecting has failed, calls fail at once for a
//!   moment (20 ms, doubling up to a second), then one of them tries again. Requests are never sent twice, unless a node of a Cluster has refused to run
//!   one and said where it belongs.
//!
//! # Cluster and Sentinel
//!
//! Slots may move and masters may fail at any moment. Calls for a master that is gone fail; who took its place is found out in the background, from any
//! node that was ever seen, or from the sentinels. Those are asked for each new connection and each second of use, and a server counts as the master only
//! if it says so itself. In a Cluster every command of a batch follows its own slot, at most five times, all within the one response timeout; a node that
//! fails takes only its own commands with it. Each master has a [breaker](crate::breaker) of its own: one that is down costs its callers nothing, and the others'
//! callers nothing at any time; it is probed in the background. A walk over the entries meets some of them twice when masters change, and may miss what
//! moves from a node that it has not reached to one that it has left.
//!
//! # Large values
//!
//! What is larger than 64 KiB goes by a second connection to the server, so that small answers need not wait behind it: what is stored, and entries that were as large when they were last
//! read. It is opened at its first use.
//!
//! # Runtimes
//!
//! Futures have to be polled within a tokio runtime with timers and I/O; each runtime gets a connection of its own, which its tasks share. Elsewhere
//! they end with an error that says so. Any of them can be dropped at any point: what was sent may then be done or not.

mod ask;
mod boot;
mod connection;
mod connections;
mod control;
mod entries;
mod failures;
mod fill;
mod gather;
#[cfg(feature = "inspect")]
pub(crate) mod inspect;
mod large;
mod layout;
mod many;
mod scan;
mod scripts;
mod server_clock;
mod settings;
mod tags;
#[cfg(feature = "redis-tls")]
mod tls;
mod topology;
mod url;

pub use settings::Settings;

/// Whether a URL says where a Redis is.
pub(crate) fn check_url(url: &str) -> Result<(), crate::Error> {
    url::parse(url).map(drop)
}

use super::{
    Address, Backend, BackendFuture, Capabilities, Claim, Cursor, Each, Fingerprint, Looked, Page, SharedBackend,
    Storing, Version, Watcher, Witness, unless_all_failed,
};
use crate::Error;
use bytes::Bytes;
use control::Control;
use layout::Layout;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use topology::Topology;

/// What errors and statistics call it.
const NAME: &str = "redis";

/// Entries in a Redis. Clones share their connections.
#[derive(Debug, Clone)]
pub struct RedisBackend {
    layout: Arc<Layout>,
    topology: Arc<Topology>,
    control: Arc<Control>,
    large: Arc<large::LargeEntries>,
    /// The caches that are being swept, and whether once more after that.
    sweeps: Arc<Mutex<HashMap<String, bool>>>,
}

impl RedisBackend {
    /// For the Redis at this URL, with the defaults of [`Settings`].
    ///
    /// # Errors
    /// As [`Settings::open`].
    pub fn open(url: impl Into<String>) -> Result<Self, Error> {
        Settings::new(url).open()
    }
}

impl Backend for RedisBackend {
    fn name(&self) -> &str {
        NAME
    }

    /// Not durable: what a server keeps over its restart is its own configuration's business.
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(false, true, false)
    }

    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        Box::pin(self.get_one(address))
    }

    fn get_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Vec<Option<Bytes>>> {
        Box::pin(self.get_all(addresses))
    }

    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async move { self.set_one(address, &bytes, ttl).await })
    }

    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        Box::pin(self.remove_one(address))
    }

    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(self.invalidate(addresses))
    }

    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            // First what invalidates all at once: a walk that fails half-way has at least done this.
            self.remove_generation(cache).await?;
            self.sweep(cache).await
        })
    }

    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        Box::pin(self.page(cache, from, at_most))
    }

    fn ping(&self) -> BackendFuture<'_, ()> {
        Box::pin(async move { ask::done(self.topology.send_to_all(&redis::cmd("PING")).await?) })
    }

    fn shared(&self) -> Option<&dyn SharedBackend> {
        Some(self)
    }
}

impl SharedBackend for RedisBackend {
    fn look<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Looked> {
        Box::pin(self.look_at(address))
    }

    fn generation<'a>(&'a self, address: &'a Address, ttl: Duration) -> BackendFuture<'a, u64> {
        Box::pin(self.generation_of(address, ttl))
    }

    fn invalidate_all<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.remove_generation(cache).await?;
            self.sweep_in_background(cache);
            Ok(())
        })
    }

    fn claim<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, Claim> {
        Box::pin(self.put_claim(address, head, ttl))
    }

    fn replace<'a>(
        &'a self,
        address: &'a Address,
        seen: Witness,
        head: Witness,
        ttl: Duration,
    ) -> BackendFuture<'a, bool> {
        Box::pin(self.put_in_place(address, seen, head, ttl))
    }

    fn renew<'a>(&'a self, address: &'a Address, head: Witness, ttl: Duration) -> BackendFuture<'a, bool> {
        Box::pin(self.prolong(address, head, ttl))
    }

    fn store<'a>(
        &'a self,
        address: &'a Address,
        witness: Witness,
        bytes: Option<Bytes>,
        ttl: Option<Duration>,
    ) -> BackendFuture<'a, bool> {
        Box::pin(async move { self.settle(address, witness, bytes.as_ref(), ttl).await })
    }

    fn look_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Each<Looked>> {
        Box::pin(self.look_at_many(addresses))
    }

    fn claim_many<'a>(&'a self, claims: &'a [(Address, Witness)], ttl: Duration) -> BackendFuture<'a, Each<Claim>> {
        Box::pin(self.put_claims(claims, ttl))
    }

    fn store_many<'a>(&'a self, stores: &'a [Storing]) -> BackendFuture<'a, Each<bool>> {
        Box::pin(self.settle_many(stores))
    }

    fn invalidate_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, Each<()>> {
        Box::pin(async move { unless_all_failed(self.invalidate_each(addresses).await?) })
    }

    /// Before the masters are known it cannot say which of them has failed.
    fn judges_itself(&self) -> bool {
        self.topology.is_sharded() && !self.topology.masters().nodes.is_empty()
    }

    fn announce<'a>(&'a self, cache: &'a str, fingerprint: Fingerprint) -> BackendFuture<'a, ()> {
        Box::pin(self.add_fingerprint(cache, fingerprint))
    }

    fn look_at_head<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Looked> {
        Box::pin(self.look_at_head_of(address))
    }

    fn tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, Vec<Option<Version>>> {
        Box::pin(self.versions(tags))
    }

    fn make_tags<'a>(&'a self, tags: &'a [&'a str], ttl: Duration) -> BackendFuture<'a, Vec<Version>> {
        Box::pin(self.make_versions(tags, ttl))
    }

    fn invalidate_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        Box::pin(self.remove_versions(tags))
    }

    fn soften_tags<'a>(&'a self, tags: &'a [&'a str]) -> BackendFuture<'a, ()> {
        Box::pin(self.soften_versions(tags))
    }

    fn signal<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, ()> {
        Box::pin(self.touch_signal(address))
    }

    fn lease<'a>(&'a self, address: &'a Address, seen: Witness, ttl: Duration) -> BackendFuture<'a, bool> {
        Box::pin(self.take_lease(address, seen, ttl))
    }

    fn ahead(&self, address: &Address) -> i64 {
        match self.topology.is_sharded() {
            true => self.topology.ahead(self.layout.signal(address.id()).as_bytes()),
            false => self.topology.ahead(&[]),
        }
    }

    /// In a cluster another look at the masters would cost more than the clock.
    fn time(&self, _: &Address) -> Option<Duration> {
        self.topology.time()
    }

    fn ahead_of_tag(&self, tag: &str) -> i64 {
        self.topology.ahead(self.layout.tag(tag).as_bytes())
    }

    /// The slots.
    fn parts(&self) -> u16 {
        if self.topology.is_sharded() { topology::SLOTS } else { 1 }
    }

    fn part(&self, id: &str) -> u16 {
        if self.topology.is_sharded() { Topology::slot(self.layout.signal(id).as_bytes()) } else { 0 }
    }

    fn part_of_cache(&self, cache: &str) -> u16 {
        match self.layout.generation(cache) {
            Ok(key) if self.topology.is_sharded() => Topology::slot(key.as_bytes()),
            _ => 0,
        }
    }

    fn part_of_tag(&self, tag: &str) -> u16 {
        if self.topology.is_sharded() { Topology::slot(self.layout.tag(tag).as_bytes()) } else { 0 }
    }

    fn watch(&self, watcher: &Arc<dyn Watcher>) -> bool {
        self.control.add(watcher);
        true
    }

    fn told(&self) -> BackendFuture<'_, ()> {
        Box::pin(self.control.hear_out())
    }
}
