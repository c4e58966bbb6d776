//! Caches with backends of bytes: what a call, an invalidation and a restart do, whatever the backend.

mod alone;
mod basics;
mod batch;
mod captured;
mod coherence;
mod delivery;
mod flush;
mod freshness;
mod gated;
mod identity;
mod invalidations;
mod lock;
mod lock_bound;
mod locks;
mod map;
mod near;
mod nodes;
mod outage;
mod scopes;
mod soft;
mod soft_counted;
mod soft_redis;
mod storm;
mod sync;
mod threads;
