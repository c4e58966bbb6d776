//! Whether an entry would be given to a caller now.

use super::tags::Versions;
use crate::{
    backend::Version,
    envelope::{Envelope, Freshness},
    far::freshness::{Worth, worth},
    tags,
};

/// What an entry is worth to a caller now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// It is given.
    Fresh,
    /// It is given only by functions that allow stale values.
    Stale,
    /// Its time is over.
    Expired,
    /// Its cache was cleared after it was made.
    Cleared,
    /// This tag of it was invalidated after it was made.
    Invalidated(String),
}

impl Judgement {
    /// Does any caller get it?
    #[must_use]
    pub fn is_given(&self) -> bool {
        matches!(self, Judgement::Fresh | Judgement::Stale)
    }
}

/// Judges an entry as caches do. `generation`: of a backend that processes share, what a [look](crate::backend::SharedBackend::look) says beside it;
/// `None` for one that has none. `versions`: of its [tags](Envelope::tags), in their order. `now`: milliseconds since 1970 by the clock of the backend.
#[must_use]
pub fn judge(
    envelope: &Envelope,
    generation: Option<Option<u64>>,
    versions: &[Option<Version>],
    now: u64,
) -> Judgement {
    if let Some(current) = generation
        && (current.is_none() || envelope.generation() != current)
    {
        return Judgement::Cleared;
    }
    let since = match softened(envelope, versions) {
        Ok(since) => since,
        Err(tag) => return Judgement::Invalidated(tag),
    };
    match worth(&ended(envelope.freshness(), since), now) {
        Worth::Fresh { .. } => Judgement::Fresh,
        Worth::Stale => Judgement::Stale,
        Worth::Over => Judgement::Expired,
    }
}

/// When a tag of the entry was first made stale after it was made, in milliseconds since 1970 by the clock of the backend; the error is a tag that was invalidated.
fn softened(envelope: &Envelope, versions: &[Option<Version>]) -> Result<Option<u64>, String> {
    let mut first: Option<u64> = None;
    for (tag, version) in envelope.tags().iter().zip(versions.padded()) {
        let invalidated = || tag.name.to_string();
        let version = version.filter(|version| version.hard == tag.version).ok_or_else(invalidated)?;
        if version.soft() == tag.soft {
            continue;
        }
        let times: Vec<(u64, u64)> = version.softened.iter().map(|soft| (*soft, soft >> 16)).collect();
        let since = tags::stale_since(&times, tag.soft).ok_or_else(invalidated)?;
        first = Some(first.map_or(since, |first| first.min(since)));
    }
    Ok(first)
}

/// A tag that was made stale ends the ttl; the allowances count from there.
fn ended(freshness: Freshness, since: Option<u64>) -> Freshness {
    let Some(since) = since else { return freshness };
    let ends = since.saturating_sub(freshness.created);
    Freshness { ttl: Some(freshness.ttl.map_or(ends, |ttl| ttl.min(ends))), ..freshness }
}

/// How long the entry is good whatever becomes of its tags: where one was made stale, until then. For who takes it to where the tag has another history.
#[must_use]
pub fn freshness_of(envelope: &Envelope, versions: &[Option<Version>]) -> Freshness {
    ended(envelope.freshness(), softened(envelope, versions).ok().flatten())
}
