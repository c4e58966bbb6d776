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
