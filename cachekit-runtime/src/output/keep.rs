//! Arguments that outlive their caller: a background refresh owns what the call only borrowed.

use std::borrow::Borrow;

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

#[diagnostic::do_not_recommend]
impl<T> Keep for T
where
    T: ?Sized + ToOwned,
    T::Owned: Send + 'static,
{
    type Kept = T::Owned;
    fn keep(&self) -> T::Owned {
        self.to_owned()
    }
}

/// Makes a borrowed argument owned, when the refresh starts.
#[inline]
pub fn keep<T: Keep + ?Sized>(borrowed: &T) -> T::Kept {
    borrowed.keep()
}

/// Lends it again, inside the refresh.
#[inline]
pub fn lend<T: ?Sized, O: Borrow<T>>(kept: &O) -> &T {
    kept.borrow()
}
