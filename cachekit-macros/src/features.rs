//! Which features of the facade are on. It forwards them, because a macro cannot see those of another crate.

/// A feature without which some argument means nothing.
#[derive(Clone, Copy)]
pub(crate) enum Feature {
    Backend,
    File,
    Redis,
    Postcard,
    MsgPack,
    Bincode,
    Lz4,
    Registry,
}

impl Feature {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Feature::Backend => "backend",
            Feature::File => "file",
            Feature::Redis => "redis",
            Feature::Postcard => "postcard",
            Feature::MsgPack => "msgpack",
            Feature::Bincode => "bincode",
            Feature::Lz4 => "lz4",
            Feature::Registry => "registry",
        }
    }

    /// Unit tests look at what is made of all arguments.
    pub(crate) fn is_on(self) -> bool {
        cfg!(test)
            || match self {
                Feature::Backend => cfg!(feature = "backend"),
                Feature::File => cfg!(feature = "file"),
                Feature::Redis => cfg!(feature = "redis"),
                Feature::Postcard => cfg!(feature = "postcard"),
                Feature::MsgPack => cfg!(feature = "msgpack"),
                Feature::Bincode => cfg!(feature = "bincode"),
                Feature::Lz4 => cfg!(feature = "lz4"),
                Feature::Registry => cfg!(feature = "registry"),
            }
    }
}

/// What is written for the registry of caches, which other code does without.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Registry {
    /// Nothing.
    Off,
    /// What names a cache and its types, and what `register!` calls.
    On,
    /// Also what enlists a function before `main`.
    AtStart,
}

#[cfg(test)]
thread_local! {
    /// Unit tests look at the code without it, unless they say otherwise.
    pub(crate) static REGISTRY: std::cell::Cell<Registry> = const { std::cell::Cell::new(Registry::Off) };
}

pub(crate) fn registry() -> Registry {
    #[cfg(test)]
    {
        REGISTRY.get()
    }
    #[cfg(not(test))]
    match (cfg!(feature = "registry"), cfg!(feature = "auto-register")) {
        (_, true) => Registry::AtStart,
        (true, false) => Registry::On,
        (false, false) => Registry::Off,
    }
}
