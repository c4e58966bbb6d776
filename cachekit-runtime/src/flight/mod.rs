//! Single flight: concurrent callers of one missing key run one loader.
//!
//! The first caller of a key leads a *flight*; callers that come while it is under way follow it. A leader that is dropped or panics hands over
//! to a follower; one that was woken and is not polled is stalled and taken over. Every caller brings its own loader, so that a follower needs
//! nothing of the leader's stack. What a leader waits for is recorded ([`graph`]), so that a call that would wait for itself is seen.

pub(crate) mod graph;
pub(crate) mod group;
#[cfg(all(test, loom))]
mod loom;
pub(crate) mod map;
mod patrol;
pub(crate) mod permits;
pub(crate) mod polled;
mod shim;
pub(crate) mod state;
