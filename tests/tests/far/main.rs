//! Caches with backends of bytes: what a call, an invalidation and a restart do, whatever the backend.

mod basics;
mod identity;
mod lock;
mod nodes;
mod outage;
mod storm;
mod sync;
