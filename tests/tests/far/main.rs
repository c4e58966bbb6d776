//! Caches with backends of bytes: what a call, an invalidation and a restart do, whatever the backend.

mod basics;
mod coherence;
mod coherence_redis;
mod gated;
mod identity;
mod invalidations;
mod lock;
mod locks;
mod map;
mod near;
mod nodes;
mod outage;
mod scopes;
mod storm;
mod sync;
mod threads;
