//! Keys: how the arguments of a call are hashed, compared and, on the miss path only, owned.
//!
//! A lookup borrows. The macro picks a *form* for each parameter from the syntax of its type ([`form`]), wraps a reference to the argument into a
//! [`Part`], and the parts together stand for the owned key: they hash like it and compare with it.

mod expr;
pub mod form;
mod list;
mod part;
mod probe;
#[cfg(feature = "backend")]
mod stored;
mod tuple;

pub use expr::{FormProbe, PartProbe, ViaBorrowed, ViaOwned, ViaRejected, ViaUnusable, ViaUsable, assert_part};
pub use part::KeyPart;
pub use probe::{KeyFallback, KeyOr, KeyProbe, Part, Unusable, assert_key, assert_own_key, part};
#[cfg(feature = "backend")]
pub use stored::{StoredFormProbe, StoredKeyProbe, StoredPart, StoredPartProbe, assert_stored_part};
pub use tuple::Parts;

use std::hash::Hash;

/// What a cache can be keyed by: `Hash + Eq + Clone + Send + Sync + 'static`. Implemented for every such type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the key of a cache",
    label = "a key is `Hash + Eq + Clone + Send + Sync + 'static`",
    note = "derive `Hash`, `PartialEq`, `Eq` and `Clone` for it (for a type parameter write `T: cachekit::Key`); what is no part of the key of a function is said by `skip(…)` or `key = (…)`"
)]
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Hash + Eq + Clone + Send + Sync + 'static> Key for T {}

#[cfg(test)]
mod tests;
