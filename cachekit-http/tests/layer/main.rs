//! The layer around handlers: what clients get, and how often handlers are asked.

mod attacks;
mod basics;
mod collapsing;
mod compressing;
mod far;
mod harness;
mod keys;
mod leaving;
mod order;
mod overrides;
#[cfg(feature = "axum")]
mod purge_router;
mod purging;
mod response_tags;
mod routers;
mod rules;
mod stale;
mod streaming;
mod validating;
mod variants;
