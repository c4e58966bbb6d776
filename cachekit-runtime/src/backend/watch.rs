//! What a shared backend tells about entries that others change, so that copies of them near by stay true.

use std::ops::RangeInclusive;

/// Is told what becomes of the entries of a [`SharedBackend`](super::SharedBackend), in the order in which it happened there.
///
/// Called from wherever the backend hears of it, one call after another; it must not block.
pub trait Watcher: Send + Sync + 'static {
    /// Something has happened.
    fn told(&self, news: News<'_>);

    /// The time, in nanoseconds of an origin of its own, which goes on while the process is paused: for [`News::Holds`].
    fn now(&self) -> u64;
}

/// What a [`Watcher`] is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum News<'a> {
    /// The entry with this [id](super::Address::id) was invalidated, under every fingerprint.
    Entry(&'a str),
    /// The tag was invalidated, or has another version.
    Tag(&'a str),
    /// All entries of this cache were invalidated, or it has another generation.
    Cache(&'a str),
    /// All entries of all caches were.
    Everything,
    /// From now on everything is told about these parts. What happened before was perhaps not.
    Begins(Parts<'a>),
    /// Nothing more is told about these parts.
    Ends(Parts<'a>),
    /// All that had happened by this time of the watcher's clock has been told, about every part that is told about.
    Holds(u64),
    /// Another server, or another start of it, answers for some part than before: what it had acknowledged lately may be lost.
    Replaced,
}

/// Parts of a backend that can fail each for itself: see [`SharedBackend::part`](super::SharedBackend::part).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parts<'a> {
    /// All of them.
    All,
    /// Those in these ranges.
    Some(&'a [RangeInclusive<u16>]),
}

impl Parts<'_> {
    /// Is this part one of them?
    #[must_use]
    pub fn contains(&self, part: u16) -> bool {
        match self {
            Parts::All => true,
            Parts::Some(ranges) => ranges.iter().any(|range| range.contains(&part)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_of_their_ranges() {
        let ranges = [0..=9, 20..=20];
        let parts = Parts::Some(&ranges);
        assert!([0, 9, 20].iter().all(|part| parts.contains(*part)));
        assert!([10, 19, 21].iter().all(|part| !parts.contains(*part)) && Parts::All.contains(10));
    }
}
