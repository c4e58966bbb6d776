//! `flush` and `shutdown` reach the backends: what was stored is as durable afterwards as they make it.

use super::{bridge, link::Link};
use crate::{background, sync::lock};
use std::sync::{Arc, Mutex, Weak};

/// All that live.
static LINKS: Mutex<Vec<Weak<Link>>> = Mutex::new(Vec::new());

pub(super) fn enlist(link: &Arc<Link>) {
    let mut links = lock(&LINKS);
    links.retain(|link| link.strong_count() > 0);
    links.push(Arc::downgrade(link));
}

/// All that live.
pub(super) fn links() -> Vec<Arc<Link>> {
    lock(&LINKS).iter().filter_map(Weak::upgrade).collect()
}

/// Has the backends flush what the work of before stores in them, as work of its own.
pub(crate) fn flush() {
    let links = links();
    if links.is_empty() {
        return;
    }
    let Some((before, guard)) = background::after_all() else { return };
    bridge::spawn_apart(async move {
        before.await;
        for link in links {
            if let Err(error) = link.patiently(link.backend().flush()).await {
                tracing::warn!(%error, "a backend could not be flushed");
            }
        }
        drop(guard);
    });
}
