//! The versions of tags, as far as this process knows those of a shared backend.
//!
//! A cell holds the version, or nothing: it was never asked for, or the backend has told that it changed. Who asks notes how often that was told before; the
//! answer counts only if nothing was told since.

use crate::tags::{TagCell, TagRegistry, TagSet};
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
    pub(super) version: Option<u64>,
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
            let version = Some(cell.version()).filter(|version| is_told && *version != TagCell::UNKNOWN);
            Tagged { name: name.as_str().into(), cell, told, is_told, version }
        };
        names.iter().map(tagged).collect()
    }

    /// The backend's answer about a tag.
    pub(super) fn learn(&self, tagged: &mut Tagged, version: u64) {
        tagged.version = Some(version);
        if !tagged.is_told {
            return;
        }
        self.0.learn(&tagged.name, &tagged.cell, version, tagged.told);
    }

    /// Another one may be there.
    pub(super) fn forget(&self, name: &str) {
        self.0.forget(name);
    }

    pub(super) fn forget_all(&self) {
        self.0.forget_all();
    }
}

/// The tags of an entry near by: it is current while every cell has the version that it was stored with. `None`: one is not known, or there are none.
pub(super) fn set_of(tagged: &[Tagged]) -> Option<TagSet> {
    let tags: Option<Vec<_>> = tagged.iter().map(|tag| Some((tag.cell.clone(), tag.version?))).collect();
    tags.filter(|tags| !tags.is_empty()).map(TagSet::of)
}
