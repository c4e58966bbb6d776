//! The attributes `#[cache]` and `#[invalidate]` of cachekit.
//!
//! Use them through the facade crate `cachekit`, which also holds what the generated code calls.

mod args;
mod diagnostics;
mod entry;
mod expand;
mod model;
mod validate;

use proc_macro::TokenStream;

/// Caches the results of a function; its arguments are listed in the documentation of the crate `cachekit`.
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::run("cache", args.into(), item.into(), entry::cache).into()
}

/// Invalidates cached results when a function has changed what they were computed from.
#[proc_macro_attribute]
pub fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::run("invalidate", args.into(), item.into(), entry::invalidate).into()
}
