//! From the name of a place to the backend that stands for it.

use super::{link::Link, place::Which};
use crate::{backend::MemoryBytes, time::Clock};
use std::sync::Arc;

/// The backend of the place, or of one of its kind elsewhere. `None`: it cannot be had, and a line in the log says why.
pub(super) fn link_of(which: &Which, elsewhere: Option<&str>, clock: &Clock, is_isolated: bool) -> Option<Arc<Link>> {
    // A scope has places of its own.
    if is_isolated {
        return Some(Link::new(Arc::new(MemoryBytes::new().with_clock(clock.clone())), clock.clone()));
    }
    match (which, elsewhere) {
        (Which::Memory, _) => None,
        (Which::Own(backend), _) => Some(Link::new(Arc::clone(backend), clock.clone())),
        (Which::Named(kind), None) => crate::config::link(*kind),
        (Which::Named(kind), Some(elsewhere)) => crate::config::link_at(*kind, elsewhere),
    }
}
