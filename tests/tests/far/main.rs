//! Caches with backends of bytes: what a call, an invalidation and a restart do, whatever the backend.

mod basics;
mod gated;
mod invalidations;
mod locks;
mod map;
mod scopes;
mod storm;
mod threads;
