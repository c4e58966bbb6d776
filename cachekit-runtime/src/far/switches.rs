//! Parts of the protocol that a test of the protocol switches off, to see that it would notice. In builds without debug assertions they are always on.
//!
//! `CACHEKIT_TEST_WITHOUT` is a list of: `epochs`, `witness`, `lease`, `boot`.

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
    without_epochs "epochs",
    without_witness "witness",
    without_lease "lease",
    #[cfg(feature = "redis")]
    without_boot "boot"
);
