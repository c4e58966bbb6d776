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
            }
    }
}
