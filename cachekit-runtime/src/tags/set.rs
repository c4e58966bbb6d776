//! The tags of one entry.

use super::{
    cell::{TagCell, Version},
    registry::TagRegistry,
};
use std::sync::Arc;

/// The most tags of one entry: after an invalidation of any tag, its next hit costs one comparison for each.
pub(crate) const MAX_TAGS: usize = 16;

/// What the tags of an entry say of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tags {
    Current,
    /// One was made stale, first at this time.
    Soft(u64),
    /// The version of one is to be asked for.
    Unsure,
    Outdated,
}

/// The tags of one entry, with their versions from before its load.
#[derive(Debug, Clone)]
pub(crate) struct TagSet {
    tags: Box<[(Arc<TagCell>, Version)]>,
}

impl TagSet {
    fn holding(tags: Box<[(Arc<TagCell>, Version)]>) -> Self {
        Self { tags }
    }

    /// Call it before the load: what is invalidated from then on makes the set outdated. `None` without tags.
    ///
    /// With more than [`MAX_TAGS`] different names the set is outdated from the start, so that nothing is cached under tags that are not honoured.
    pub(crate) fn capture<S: AsRef<str>>(registry: &TagRegistry, names: impl IntoIterator<Item = S>) -> Option<Self> {
        let mut tags: Vec<(Arc<TagCell>, Version)> = Vec::new();
        for name in names {
            let cell = registry.cell(name.as_ref());
            if tags.iter().any(|(known, _)| Arc::ptr_eq(known, &cell)) {
                continue;
            }
            if tags.len() == MAX_TAGS {
                // Not which: tags are often as personal as keys.
                tracing::warn!("more than {MAX_TAGS} tags: the value is not cached");
                return Some(Self::outdated());
            }
            let version = cell.version_now();
            tags.push((cell, version));
        }
        if tags.is_empty() { None } else { Some(Self::holding(tags.into_boxed_slice())) }
    }

    /// Of cells with the versions that the entry was stored with.
    #[cfg(feature = "backend")]
    pub(crate) fn of(tags: Vec<(Arc<TagCell>, Version)>) -> Self {
        Self::holding(tags.into_boxed_slice())
    }

    /// Whether a tag was invalidated since the capture, as far as this process knows.
    pub(crate) fn state(&self) -> Tags {
        let mut state = Tags::Current;
        for (cell, version) in &self.tags {
            let now = cell.version_now();
            if now == *version {
                continue;
            }
            if now.hard == TagCell::UNKNOWN && now.hard != version.hard {
                state = Tags::Unsure;
                continue;
            }
            let since = if now.hard == version.hard { cell.stale_since(version.soft) } else { None };
            let Some(since) = since else { return Tags::Outdated };
            state = match state {
                Tags::Current => Tags::Soft(since),
                Tags::Soft(before) => Tags::Soft(before.min(since)),
                other => other,
            };
        }
        state
    }

    /// Whether no tag was invalidated since the capture.
    pub(crate) fn is_current(&self) -> bool {
        self.tags.iter().all(|(cell, version)| cell.version_now() == *version)
    }

    pub(crate) fn len(&self) -> usize {
        self.tags.len()
    }

    /// Their names.
    #[cfg(feature = "backend")]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|(cell, _)| &*cell.name)
    }

    /// Their names as backends write them, with the versions that the entry was stored with.
    #[cfg(feature = "backend")]
    pub(crate) fn written(&self) -> impl Iterator<Item = (String, Version)> {
        self.tags.iter().map(|(cell, version)| (cell.written(), *version))
    }

    /// Are there more tags than are honoured? Then nothing is stored.
    #[cfg(feature = "backend")]
    pub(crate) fn is_void(&self) -> bool {
        matches!(&*self.tags, [(cell, Version { hard: u64::MAX, .. })] if cell.name.is_empty())
    }

    fn outdated() -> Self {
        Self::holding(Box::new([(Arc::default(), Version { hard: u64::MAX, soft: 0 })]))
    }
}
