//! A backend whose operations wait at gates until a test opens them.

use bytes::Bytes;
use cachekit_runtime::backend::{Address, Backend, BackendFuture, Capabilities, Cursor, MemoryBytes, Page};
use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};
use tokio::sync::watch;

/// What can be held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Set,
    Remove,
}

#[derive(Default)]
struct Gate {
    is_closed: bool,
    arrived: u64,
}

#[derive(Clone)]
pub(crate) struct Gated {
    bytes: Arc<MemoryBytes>,
    gates: watch::Sender<HashMap<Op, Gate>>,
}

impl Gated {
    pub(crate) fn new() -> Self {
        Gated { bytes: Arc::new(MemoryBytes::new()), gates: watch::Sender::new(HashMap::new()) }
    }

    pub(crate) fn close(&self, op: Op) {
        self.gates.send_modify(|gates| gates.entry(op).or_default().is_closed = true);
    }

    pub(crate) fn open(&self, op: Op) {
        self.gates.send_modify(|gates| gates.entry(op).or_default().is_closed = false);
    }

    /// How many operations have come to the gate so far.
    pub(crate) fn arrived(&self, op: Op) -> u64 {
        self.gates.borrow().get(&op).map_or(0, |gate| gate.arrived)
    }

    /// Until one has come to the gate.
    pub(crate) async fn arrival(&self, op: Op) {
        let arrived = |gates: &HashMap<Op, Gate>| gates.get(&op).is_some_and(|gate| gate.arrived > 0);
        self.gates.subscribe().wait_for(arrived).await.expect("the sender is here");
    }

    async fn pass(&self, op: Op) {
        self.gates.send_modify(|gates| gates.entry(op).or_default().arrived += 1);
        let is_open = |gates: &HashMap<Op, Gate>| gates.get(&op).is_none_or(|gate| !gate.is_closed);
        self.gates.subscribe().wait_for(is_open).await.expect("the sender is here");
    }
}

impl Backend for Gated {
    fn name(&self) -> &str {
        "gated"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn get<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, Option<Bytes>> {
        self.bytes.get(address)
    }

    fn set<'a>(&'a self, address: &'a Address, bytes: Bytes, ttl: Option<Duration>) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.pass(Op::Set).await;
            self.bytes.set(address, bytes, ttl).await
        })
    }

    fn remove<'a>(&'a self, address: &'a Address) -> BackendFuture<'a, bool> {
        self.bytes.remove(address)
    }

    fn remove_many<'a>(&'a self, addresses: &'a [Address]) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.pass(Op::Remove).await;
            self.bytes.remove_many(addresses).await
        })
    }

    fn clear<'a>(&'a self, cache: &'a str) -> BackendFuture<'a, ()> {
        Box::pin(async move {
            self.pass(Op::Remove).await;
            self.bytes.clear(cache).await
        })
    }

    fn scan<'a>(&'a self, cache: Option<&'a str>, from: Option<Cursor>, at_most: usize) -> BackendFuture<'a, Page> {
        self.bytes.scan(cache, from, at_most)
    }

    fn ping(&self) -> BackendFuture<'_, ()> {
        self.bytes.ping()
    }
}

/// Begins a future and leaves it waiting.
pub(crate) fn begin<F: Future>(future: &mut Pin<Box<F>>) {
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "it has to wait");
}
