//! Which backends the names in attributes stand for.

use crate::far::{Kind, Link};
use std::sync::Arc;

/// The backend of that kind, shared by all caches of the process.
pub(crate) fn link(_: Kind) -> Option<Arc<Link>> {
    None
}
