//! The attributes `#[cache]` and `#[invalidate]` of cachekit, and `register!`.
//!
//! Use them through the facade crate `cachekit`, which also holds what the generated code calls.

mod args;
mod diagnostics;
mod each;
mod entry;
mod expand;
mod features;
mod model;
mod validate;
mod walk;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/cache.md")]
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::run("cache", args.into(), item.into(), entry::cache).into()
}

/// Invalidates cached results when a function has changed what they were computed from.
///
/// ```
/// use cachekit::{cache, invalidate};
/// # use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// # static STORED: AtomicU64 = AtomicU64::new(1);
///
/// #[cache]
/// fn price(id: u64) -> u64 {
///     STORED.load(Relaxed) + id
/// }
///
/// #[invalidate(price(id))]
/// fn set_price(id: u64, price: u64) -> Result<(), String> {
///     STORED.store(price, Relaxed);
///     Ok(())
/// }
///
/// assert_eq!(price(1), 2);
/// set_price(1, 10)?;
/// assert_eq!(price(1), 11);
/// # Ok::<(), String>(())
/// ```
///
/// The compiler checks that what is named is annotated with `#[cache]`, and the types of the keys. "cannot find …" means that it is not annotated
/// or not imported.
///
/// # Arguments
///
/// | argument | value |
/// |---|---|
/// | `user(id)` | a cached function with the key of what is out of date; evaluated before the body, which may move its arguments |
/// | `Repo::find(id)` | a cached method, with its key; `Repo::label(repo, id)` where the key mentions `self` |
/// | `\|value\| user(value.id)` | the same over the value that the function returned; several calls stand in a tuple |
/// | `tags = ["team:{team}"]` | everything that has one of the tags |
/// | `soft` | the tags make stale: `stale_while_revalidate` goes on from there |
/// | `when = "…"` | `"before"` the body, or after it `"always"`; without it, after the body unless that returned `Err` |
/// | `crate` | the path of the facade |
///
/// ```
/// use cachekit::{cache, invalidate};
///
/// #[cache]
/// fn user(id: u64) -> String {
///     format!("user {id}")
/// }
///
/// #[cache(tags = ["team:{team}"])]
/// fn members(team: u32) -> Vec<u64> {
///     vec![u64::from(team)]
/// }
///
/// struct Repo;
/// impl Repo {
///     #[cache(skip(self))]
///     fn find(&self, id: u64) -> u64 {
///         id
///     }
/// }
///
/// // Several at once, methods and tags among them.
/// #[invalidate(user(id), Repo::find(id), tags = ["team:{team}"])]
/// fn join(id: u64, team: u32) {}
///
/// // The key is known only when the body has run: the closure sees the `Ok` value.
/// #[invalidate(|created| user(*created))]
/// fn create(name: &str) -> Result<u64, String> {
///     name.parse().map_err(|_| name.to_owned())
/// }
///
/// // Whatever the body says.
/// #[invalidate(user(id), when = "always")]
/// fn try_to_rename(id: u64) -> Result<(), String> {
///     Err(format!("{id} is taken"))
/// }
///
/// (user(7), members(3), Repo.find(7));
/// join(7, 3);
/// assert_eq!((user::get(7), members::get(3), Repo::find_cache().get(&7)), (None, None, None));
/// user(5);
/// assert!(create("x").is_err());
/// assert!(user::get(5).is_some());
/// assert_eq!(create("5"), Ok(5));
/// assert!(user::get(5).is_none());
/// user(6);
/// assert!(try_to_rename(6).is_err());
/// assert!(user::get(6).is_none());
/// ```
///
/// # Errors
///
/// At compile time, each with an id that [the list of diagnostics](../cachekit/diagnostics/index.html) explains. The function is emitted as it is beside them.
///
#[proc_macro_attribute]
pub fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::run("invalidate", args.into(), item.into(), entry::invalidate).into()
}

/// Puts the caches of annotated functions into the registry, before anybody has called them: for the start of a program (feature `registry`).
///
/// It names functions, methods, and instances of generic functions. Its value is a `Result`: an error if a cache has the name of another one. All caches are
/// registered then but those that come second.
///
/// ```
/// use cachekit::{cache, register, registry};
///
/// #[cache]
/// fn user(id: u64) -> u64 {
///     id
/// }
///
/// #[cache]
/// fn first<T: cachekit::Key>(values: Vec<T>) -> Option<T> {
///     values.into_iter().next()
/// }
///
/// struct Repo;
/// impl Repo {
///     #[cache(skip(self), name = "repo.find")]
///     fn find(&self, id: u64) -> u64 {
///         id
///     }
/// }
///
/// fn main() -> Result<(), registry::Conflict> {
///     register!(user, Repo::find, first::<u64>)?;
///     assert!(registry::find("repo.find").is_some());
///     Ok(())
/// }
/// ```
///
/// "no associated item named `__find_needs_cache_to_be_registered`" and "cannot find …" mean that what is named is not annotated with `#[cache]`, is not imported,
/// or has no cache that could be found without a call of it.
#[proc_macro]
pub fn register(paths: TokenStream) -> TokenStream {
    entry::register(paths.into()).into()
}
