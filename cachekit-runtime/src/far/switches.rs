//! Parts of the protocol that a test of the protocol switches off, to see that it would notice. In builds without debug assertions they are always on.
//!
//! `CACHEKIT_TEST_WITHOUT` is a list of the names below. Which row of the guarantee table needs which, and which test fails without it, stands in
//! CONTRIBUTING.md.

#[cfg(debug_assertions)]
fn is_off(part: &str) -> bool {
    use std::sync::LazyLock;
    static OFF: LazyLock<String> = LazyLock::new(|| std::env::var("CACHEKIT_TEST_WITHOUT").unwrap_or_default());
    OFF.split(',').any(|off| off == part)
}

macro_rules! switches {
    ($($(#[$meta:meta])* $name:ident $part:literal),+) => {$(
        $(#[$meta])*
        #[inline]
        pub(crate) fn $name() -> bool {
            #[cfg(debug_assertions)]
            {
                use std::sync::LazyLock;
                static IS_OFF: LazyLock<bool> = LazyLock::new(|| is_off($part));
                *IS_OFF
            }
            #[cfg(not(debug_assertions))]
            {
                false
            }
        }
    )+};
}

switches!(
    /// News that overtake an answer do not keep it out of memory.
    without_epochs "epochs",
    /// A store is not compared with what was there when its load began.
    without_witness "witness",
    /// Copies are trusted however long ago the backend has confirmed that it has told all.
    without_lease "lease",
    /// Of a server that comes back with old data it is not noticed.
    #[cfg(feature = "redis")]
    without_boot "boot",
    /// What was invalidated here stays in this process's own memory.
    without_own "own",
    /// A store in a backend without witnesses does not look for an invalidation since.
    without_order "order",
    /// What others invalidate is not heard.
    without_push "push",
    /// A `sync` waits for nobody.
    without_sync "sync",
    /// After a gap in what is told, copies from before are trusted without a look at their heads.
    without_heads "heads",
    /// Masters are found once, and who has which slots is not looked at again by those who listen.
    #[cfg(feature = "redis")]
    without_slots "slots",
    /// What another server has acknowledged is not repeated to the one that takes its place.
    without_journal "journal",
    /// What a backend did not take is forgotten instead of delivered.
    without_queue "queue"
);
