//! What registers before anybody has called it (feature `auto-register`).

use super::Conflict;

/// One annotated function, enlisted before `main`: building its cache registers it.
#[cfg(feature = "auto-register")]
#[doc(hidden)]
pub struct AtStart(pub fn() -> Result<(), Conflict>);

#[cfg(feature = "auto-register")]
inventory::collect!(AtStart);

/// Builds what has enlisted. A second time it does nothing new.
#[cfg(feature = "auto-register")]
pub(super) fn run() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    // Libraries that are loaded later bring functions of their own.
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    let all = inventory::iter::<AtStart>.into_iter().count();
    if SEEN.load(Ordering::Acquire) == all {
        return;
    }
    for AtStart(register) in inventory::iter::<AtStart> {
        // A conflict is in the list of conflicts, and in the log.
        drop(register());
    }
    SEEN.store(all, Ordering::Release);
}

#[cfg(not(feature = "auto-register"))]
pub(super) fn run() {
    // Where nothing enlists there is no conflict either.
    const _: fn(Conflict) = drop;
}
