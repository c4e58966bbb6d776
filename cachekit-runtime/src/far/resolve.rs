//! From the name of a place to the backend that stands for it.

use super::{link::Link, place::Which};
use crate::{backend::MemoryBytes, outcome::Tier, time::Clock};
use std::sync::Arc;

/// The backends of these places, nearest first. One that cannot be had is left out, and a line in the log says why.
pub(super) fn links_of(places: &[Which], clock: &Clock, is_isolated: bool) -> Vec<(Arc<Link>, Tier)> {
    // A scope has places of its own.
    if is_isolated {
        let link = |which: &Which| {
            let bytes = Arc::new(MemoryBytes::new().with_clock(clock.clone()));
            (Link::new(bytes, clock.clone()), which.tier())
        };
        return places.iter().map(link).collect();
    }
    let link = |which: &Which| match which {
        Which::Memory => None,
        Which::Own(backend) => Some((Link::new(Arc::clone(backend), clock.clone()), Tier::Own)),
        Which::Named(kind) => crate::config::link(*kind).map(|link| (link, which.tier())),
    };
    places.iter().filter_map(link).collect()
}
