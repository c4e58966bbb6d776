//! The versions of tags, as far as this process knows those of a shared backend.
//!
//! A cell holds the version, or nothing: it was never asked for, or the backend has told that it changed. Who asks notes how often that was told before; the
//! answer counts only if nothing was told since.

use crate::{
    envelope::TagVersion,
    tags::{self, TagCell, TagRegistry, TagSet, Version},
};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Cells(TagRegistry);

/// A tag of an entry, with what is known of its version.
#[derive(Debug, Clone)]
pub(crate) struct Tagged {
    pub(super) name: Box<str>,
    cell: Arc<TagCell>,
    told: u64,
    /// Whether a change would be told: what would not is not kept.
    is_told: bool,
    /// `None`: it has to be asked for.
    pub(super) version: Option<Version>,
    /// Its soft versions, each with the time from which on it counts, where they were asked for.
    softened: Vec<(u64, u64)>,
}

/// A version that was asked for; the times of the soft ones by this process's clock.
pub(super) struct Asked {
    pub(super) hard: u64,
    pub(super) softened: Vec<(u64, u64)>,
}

impl Tagged {
    /// Since when an entry is stale that was loaded under this soft version; `None`: too long to say, so that it is invalid.
    pub(super) fn stale_since(&self, soft: u64) -> Option<u64> {
        tags::stale_since(&self.softened, soft)
    }
}

impl Cells {
    pub(super) fn new() -> Self {
        Cells(TagRegistry::written())
    }

    /// What is known of these. `is_told`: whether a change of the tag would be told.
    pub(super) fn of(&self, names: &[String], is_told: impl Fn(&str) -> bool) -> Vec<Tagged> {
        let tagged = |name: &String| {
            let cell = self.0.cell(name);
            // In this order: a version that is put in place after the count was read belongs to a later count, or to the same.
            let told = cell.told();
            // After the count: when the telling ends, this is seen, or the count moves.
            let is_told = is_told(name);
            let version = Some(cell.version_now()).filter(|version| is_told && version.hard != TagCell::UNKNOWN);
            Tagged { name: name.as_str().into(), cell, told, is_told, version, softened: Vec::new() }
        };
        names.iter().map(tagged).collect()
    }

    /// The backend's answer about a tag.
    pub(super) fn learn(&self, tagged: &mut Tagged, Asked { hard, softened }: Asked) {
        let soft = softened.last().map_or(0, |(soft, _)| *soft);
        tagged.version = Some(Version { hard, soft });
        tagged.softened.clone_from(&softened);
        if !tagged.is_told {
            return;
        }
        self.0.learn(&tagged.name, &tagged.cell, hard, softened, tagged.told);
    }

    /// Another one may be there.
    pub(super) fn forget(&self, name: &str) {
        self.0.forget(name);
    }

    pub(super) fn forget_all(&self) {
        self.0.forget_all();
    }
}

/// As [`set_of`], with the versions that the entry was loaded under.
pub(super) fn set_of_stored(tagged: &[Tagged], stored: &[TagVersion]) -> Option<TagSet> {
    let version_of = |tag: &Tagged| {
        let stored = stored.iter().find(|stored| *stored.name == *tag.name)?;
        Some((tag.cell.clone(), Version { hard: stored.version, soft: stored.soft }))
    };
    let tags: Option<Vec<_>> = tagged.iter().map(version_of).collect();
    tags.filter(|tags| !tags.is_empty()).map(TagSet::of)
}

/// The tags of an entry near by: it is current while every cell has the version that it was stored with. `None`: one is not known, or there are none.
pub(super) fn set_of(tagged: &[Tagged]) -> Option<TagSet> {
    let tags: Option<Vec<_>> = tagged.iter().map(|tag| Some((tag.cell.clone(), tag.version?))).collect();
    tags.filter(|tags| !tags.is_empty()).map(TagSet::of)
}
