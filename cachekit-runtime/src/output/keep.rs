//! Arguments that outlive their caller: a background refresh owns what the call only borrowed.

use std::{
    borrow::Borrow,
    ffi::{CStr, CString, OsStr, OsString},
    path::{Path, PathBuf},
};

/// What a background refresh can keep of a borrowed argument.
#[diagnostic::on_unimplemented(
    message = "a background refresh of this function cannot keep `&{Self}`",
    label = "borrowed from the caller, who does not wait for the refresh; `{Self}` is not `Clone + Send + 'static`",
    note = "take an `Arc<{Self}>`, derive `Clone` for it, or write `refresh = \"inline\"`"
)]
pub trait Keep {
    /// The owned form.
    type Kept: Borrow<Self> + Send + 'static;
    /// Makes it owned.
    fn keep(&self) -> Self::Kept;
}

// Not one impl for all of `ToOwned`: its own impl for `Clone` would be what the compiler complains about.
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Keep for T {
    type Kept = T;
    fn keep(&self) -> T {
        self.clone()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Keep for [T] {
    type Kept = Vec<T>;
    fn keep(&self) -> Vec<T> {
        self.to_vec()
    }
}

macro_rules! unsized_ones {
    ($($borrowed:ty => $owned:ty),+) => {
        $(impl Keep for $borrowed {
            type Kept = $owned;
            fn keep(&self) -> $owned {
                self.to_owned()
            }
        })+
    };
}

unsized_ones!(str => String, Path => PathBuf, OsStr => OsString, CStr => CString);

/// A kept argument. A type of its own, so that what cannot be kept is an error about [`Keep`] and not about a type that it would name.
pub struct Kept<T: Keep + ?Sized>(T::Kept);

/// Makes a borrowed argument owned, when the refresh starts.
#[inline]
pub fn keep<T: Keep + ?Sized>(borrowed: &T) -> Kept<T> {
    Kept(borrowed.keep())
}

/// Lends it again, inside the refresh.
#[inline]
pub fn lend<T: Keep + ?Sized>(kept: &Kept<T>) -> &T {
    kept.0.borrow()
}

/// What a background refresh can take along: an argument by value.
#[diagnostic::on_unimplemented(
    message = "a background refresh of this function cannot take `{Self}` along",
    label = "the refresh runs on another thread, after the caller is gone, and `{Self}` is not `Send + 'static`",
    note = "take an `Arc` instead of an `Rc`, or write `refresh = \"inline\"`, or leave a soft `load_timeout` out"
)]
pub trait Own: Sized {
    /// Itself.
    type Owned: Send + 'static;
    /// To what travels.
    fn own(self) -> Self::Owned;
    /// And back.
    fn given(owned: Self::Owned) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Own for T {
    type Owned = T;
    #[inline]
    fn own(self) -> T {
        self
    }
    #[inline]
    fn given(owned: T) -> T {
        owned
    }
}

/// An argument on its way, a type of its own as [`Kept`] is.
pub struct Owned<T: Own>(T::Owned);

/// Takes an argument along.
#[inline]
pub fn own<T: Own>(argument: T) -> Owned<T> {
    Owned(argument.own())
}

/// Gives it to the body.
#[inline]
pub fn give<T: Own>(owned: Owned<T>) -> T {
    T::given(owned.0)
}
