//! Where the entries of a cache are, as `backend = …` names it.

use crate::{backend::Backend, outcome::Tier};
use std::{fmt, sync::Arc};

/// A place for the entries of a cache: the typed memory of the process, or a backend of bytes.
#[derive(Clone)]
pub struct Place(pub(super) Which);

#[derive(Clone)]
pub(super) enum Which {
    Memory,
    /// The backend of that kind that [`configure`](crate::configure), `cachekit.toml` or the environment describe.
    #[cfg_attr(not(any(feature = "file", feature = "redis")), expect(dead_code, reason = "there is none of a name"))]
    Named(Kind),
    Own(Arc<dyn Backend>),
}

impl Which {
    pub(super) fn tier(&self) -> Tier {
        match self {
            Which::Memory => Tier::Memory,
            Which::Own(_) => Tier::Own,
            Which::Named(Kind::File) => Tier::File,
            Which::Named(Kind::Redis) => Tier::Redis,
        }
    }
}

/// The backends that configuration describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    File,
    Redis,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Redis => "redis",
        }
    }
}

impl Place {
    /// The typed memory of this process.
    #[must_use]
    pub fn memory() -> Self {
        Place(Which::Memory)
    }

    /// The file store that the configuration describes.
    #[cfg(feature = "file")]
    #[must_use]
    pub fn file() -> Self {
        Place(Which::Named(Kind::File))
    }

    /// The Redis that the configuration describes.
    #[cfg(feature = "redis")]
    #[must_use]
    pub fn redis() -> Self {
        Place(Which::Named(Kind::Redis))
    }

    /// A backend of one's own. An `Arc` of one, and a reference to a static one, are backends too.
    pub fn own(backend: impl Backend) -> Self {
        Place(Which::Own(Arc::new(backend)))
    }
}

/// A backend in a static, which an attribute names by its path.
pub fn place_at<B: Backend>(backend: &'static B) -> Place {
    Place::own(backend)
}

impl<B: Backend> From<B> for Place {
    fn from(backend: B) -> Self {
        Place::own(backend)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Which::Memory => "memory",
            Which::Named(kind) => kind.name(),
            Which::Own(backend) => return f.write_str(backend.name()),
        })
    }
}
