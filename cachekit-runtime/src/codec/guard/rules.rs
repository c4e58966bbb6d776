//! What a format cannot tell apart, and so has to be refused when it is written.

/// The weaknesses of a format that the guard makes up for. Default: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Rules {
    /// The format writes infinities and NaN as something else (JSON: `null`): they are refused.
    pub finite_floats: bool,
    /// The format writes `Some(x)` as `x`, so that `Some(None)` and `Some(())` would come back as `None`: they are refused.
    pub bare_some: bool,
    /// The format allocates a string or byte buffer before it looks whether it is there; it is asked for borrowed ones instead.
    pub borrow_only: bool,
}

impl Rules {
    /// The rules of self-describing text and its likes: [`finite_floats`](Self::finite_floats) and [`bare_some`](Self::bare_some) as given.
    #[must_use]
    pub const fn new(finite_floats: bool, bare_some: bool, borrow_only: bool) -> Self {
        Rules { finite_floats, bare_some, borrow_only }
    }
}
