//! Tags: a version per name, captured by an entry before its value is loaded and compared whenever the entry is used.
//!
//! Invalidating a tag is one increment, however many entries carry it; they are found to be outdated when they are next looked at. No entry can
//! miss an invalidation: a [`TagSet`] keeps its cells alive, a cell that is alive is the only one of its name, and so every invalidation after
//! the capture changes the very cell that the set compares.
//!
//! A version has two parts. Another *hard* one makes what has the tag invalid; another *soft* one makes it stale, from the time on at which it was first
//! made so since the capture.

mod cell;
mod registry;
mod set;

#[cfg(feature = "backend")]
pub(crate) use cell::{MAX_SOFTENED, TagCell, Version, stale_since};
pub(crate) use registry::{TagRegistry, global};
pub(crate) use set::{TagSet, Tags};

#[cfg(test)]
mod tests;
