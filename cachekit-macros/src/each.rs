//! Changing the elements of a list.

use syn::punctuated::Punctuated;

/// Calls `change` with each element. `Punctuated::iter_mut` stands behind a trait object, and each kind of element is forty functions more for every
/// user to build.
pub(crate) fn each_mut<T, P>(list: &mut Punctuated<T, P>, change: &mut dyn FnMut(&mut T)) {
    for index in 0..list.len() {
        if let Some(element) = list.get_mut(index) {
            change(element);
        }
    }
}
