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

/// Caches the results of a function: free, nested or a method, sync or async.
///
/// Every parameter is a part of the key unless `skip(…)` or `key = …` says otherwise. On an impl block, `#[cache]` alone tells the methods
/// with their own `#[cache(…)]` about `Self`, generics and trait.
///
/// | argument | value | default |
/// |---|---|---|
/// | `backend` | `"memory"` | `"memory"` |
/// | `strategy` | `"lru"`, `"fifo"`, `"s3-fifo"`, or a path to a type that implements `Policy` | what measured best |
/// | `capacity` | entries, or `"unbounded"` | 10 000 |
/// | `name` · `version` | a string · an integer | module path and function · 0 |
/// | `key` | `"{id}:{name}"`, or `(expr, expr)` taken by reference | all parameters |
/// | `skip(db, self)` | parameters that do not belong to the key | none |
/// | `ttl` | `"30s"`, an expression of `Duration`, or a closure over the value | none |
/// | `idle` · `jitter` | time since the last use · `"10%"` or a time, taken off the ttl | none |
/// | `refresh_ahead` | `"80%"` of the ttl: a hit past it refreshes in the background | off |
/// | `stale_while_revalidate` · `stale_if_error` | how long past the ttl | off |
/// | `refresh` | `"inline"`: one caller recomputes and waits while others get the stale value | a task of its own |
/// | `errors` · `none` | a ttl for `Err` · a ttl for `None`, or `false` | `Err` is never stored · `None` like any value |
/// | `cache_if` · `bypass_if` | a closure over the value · an expression over the parameters | |
/// | `single_flight` | `false` lets concurrent calls of one key compute each for itself | on |
/// | `max_loads` | the most computations of this cache at once | none |
/// | `load_timeout` | `(soft = "200ms", hard = "2s")`, async only | none |
/// | `on_removal` | a path to a function that is told of every removal | none |
/// | `tags` | `["user:{id}", "team:{team}"]`, at most 16 | none |
/// | `companion` | another name for the companion, or `false` | the function's name |
/// | `method` | "this is in an impl", where neither a receiver nor `Self` says it | |
/// | `cache` | `self.users`: a cache that lives elsewhere | a cache of the function's own |
/// | `crate` | the path of the facade | `::cachekit` |
///
/// # Errors
///
/// At compile time, each with an id that `docs/diagnostics.md` explains. The function is emitted as it is beside them.
#[proc_macro_attribute]
pub fn cache(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::run("cache", args.into(), item.into(), entry::cache).into()
}

/// Invalidates cached results when a function has changed what they were computed from.
///
/// | argument | value |
/// |---|---|
/// | `user(id)`, `Repo::find(id)` | a cached function with the key of what is out of date, evaluated before the body |
/// | `\|value\| user(value.id)` | the same with the value that the function returned; several calls stand in a tuple |
/// | `tags` | `["team:{team}"]`: everything that has one of the tags |
/// | `when` | `"before"` the body, or after it `"always"`; without it, after the body unless that returned `Err` |
/// | `crate` | the path of the facade |
///
/// # Errors
///
/// At compile time, each with an id that `docs/diagnostics.md` explains. The function is emitted as it is beside them.
#[proc_macro_attribute]
pub fn invalidate(args: TokenStream, item: TokenStream) -> TokenStream {
    entry::run("invalidate", args.into(), item.into(), entry::invalidate).into()
}
