//! The attributes `#[cache]` and `#[invalidate]` of cachekit.
//!
//! Use them through the facade crate `cachekit`, which also holds what the generated code calls.

mod args;
mod diagnostics;
mod entry;
mod expand;
mod features;
mod model;
mod validate;

use proc_macro::TokenStream;

/// Caches the results of a function: free, nested or a method, sync or async.
///
/// ```
/// use cachekit::cache;
///
/// #[cache(capacity = 10_000, ttl = "30s")]
/// fn divisors(of: u64) -> u64 {
///     (1..=of).filter(|n| of % n == 0).count() as u64
/// }
///
/// assert_eq!(divisors(5_040), 60); // computed
/// assert_eq!(divisors(5_040), 60); // a hit
/// assert_eq!(divisors::stats().hits, 1);
/// ```
///
/// Every parameter is a part of the key unless `skip(…)` takes it out. A hit looks up by reference: `&str` parameters are not copied for it.
/// The value is cloned, so return an `Arc` for what is large.
///
/// ```
/// # use cachekit::cache;
/// # use std::sync::Arc;
/// # pub struct Profile(String);
/// # pub struct Db;
/// # pub struct DbError;
/// # impl Db { async fn load(&self, id: u64) -> Result<Arc<Profile>, DbError> { Ok(Arc::new(Profile(id.to_string()))) } }
/// #[cache(ttl = "30s", tags = ["team:{team}"], skip(db))]
/// async fn profile(id: u64, team: u32, db: &Db) -> Result<Arc<Profile>, DbError> {
///     db.load(id).await // an `Err` is not stored
/// }
///
/// # async fn example(db: &Db) -> Result<(), DbError> {
/// profile(42, 7, db).await?;
/// profile::invalidate(42, 7).await; // the companion: the function's name, in the type namespace
/// cachekit::invalidate_tag("team:7");
/// # Ok(())
/// # }
/// ```
///
/// # Arguments
///
/// | argument | value | default |
/// |---|---|---|
/// | `backend` | `"memory"` | `"memory"` |
/// | `strategy` | `"lru"`, `"lfu"`, `"fifo"`, `"sieve"`, `"s3-fifo"`, `"s3-tinylfu"`, `"w-tinylfu"`, `"lirs"`, `"adaptive"`, or a path to a type that implements [`Policy`] | `"s3-tinylfu"` |
/// | `capacity` | entries, or `"unbounded"` | 10 000 |
/// | `max_bytes` | `"64MiB"`: what the entries weigh together at most, in place of `capacity`. The values are [`Weigh`], or there is a `weigher` | none |
/// | `weigher` | beside `max_bytes`, a path to a function `fn(&Key, &Value) -> u64` that gives bytes | the value's [`Weigh`], and the key |
/// | `hasher` | a path to a type that is `BuildHasher + Default`, for keys that an attacker chooses | foldhash, one seed per cache |
/// | `name` · `version` | a string · an integer | module path and function · 0 |
/// | `key` | `"{id}:{name}"`, which keys by `(id, name)`, or `(expr, expr)` taken by reference. A parameter that it does not mention has to be in `skip` | all parameters |
/// | `skip(db, self)` | parameters that do not belong to the key | none |
/// | `ttl` | `"30s"`, an expression of `Duration`, or a closure over the value | none |
/// | `idle` · `jitter` | time since the last use · `"10%"` or a time, taken off the ttl at random | none |
/// | `refresh_ahead` | `"80%"` of the ttl: a hit past it refreshes in the background | off |
/// | `stale_while_revalidate` · `stale_if_error` | how long past the ttl | off |
/// | `refresh` | `"inline"`: one caller recomputes and waits while others get the stale value | a task of its own |
/// | `errors` · `none` | a ttl for `Err` · a ttl for `None`, or `false` | `Err` is never stored · `None` like any value |
/// | `cache_if` · `bypass_if` | a closure over the value, or the path of a function of it · an expression over the parameters | |
/// | `single_flight` | `false` lets concurrent calls of one key compute each for itself | on |
/// | `max_loads` | the most computations of this cache at once | none |
/// | `load_timeout` | `(soft = "200ms", hard = "2s")`, async only; `hard` needs a `Result` that is [`TimedOut`] | none |
/// | `on_removal` | a path to a function of key, value and [`RemovalCause`] that is told of every removal | none |
/// | `tags` | `["user:{id}", "team:{team}"]`, at most 16 | none |
/// | `companion` | another name for the companion, or `false` | the function's name |
/// | `method` | "this is in an impl", where neither a receiver nor `Self` says it | |
/// | `cache` | `&self.users`, `&USERS`: a [`Cache`] that lives elsewhere | a cache of the function's own |
/// | `crate` | the path of the facade | `::cachekit` |
///
/// # A bound in bytes
///
/// ```
/// use cachekit::cache;
///
/// #[cache(max_bytes = "64MiB")] // a `String` is `Weigh`
/// fn page(path: &str) -> String {
///     path.repeat(100)
/// }
///
/// assert_eq!(page("/index").len(), 600); // what is heavier than all of it would be returned and not stored
/// ```
///
/// # Companion
///
/// Beside a function `user` stands a type `user` without values whose associated functions work on the cache. One `use` imports both. Those that
/// may have to wait are async if the function is; `stats` and `cache` never are. `V` is what is stored: the `T` of a `Result<T, E>` (the whole
/// `Result` with `errors`), an `Option<T>` as it is; `keys…` are the parameters of the key, in the order of their declaration.
///
/// | operation | of an async function | what it does |
/// |---|---|---|
/// | `get(keys…) -> Option<V>` | async | looks, never computes |
/// | `insert(keys…, value) -> `[`Delivery`] | async | stores; among the keys stand the parameters that only `tags` mentions, too |
/// | `invalidate(keys…) -> `[`Delivery`] | async | removes |
/// | `refresh(arguments…) -> R` | async | computes and stores, whatever is there |
/// | `uncached(arguments…) -> R` | async | the plain function |
/// | `traced(arguments…) -> (R, `[`Outcome`]`)` | async | a call, and how it was answered |
/// | `explain(keys…) -> `[`Explain`] | async | what the cache knows of a key |
/// | `clear() -> `[`Delivery`] | async | removes everything |
/// | `stats() -> `[`Stats`] | sync | what was counted |
/// | `cache() -> &'static `[`Cache`]`<K, V>` | sync | the cache itself; not where the key is computed by expressions |
///
/// # Methods: what to write
///
/// An attribute on a method does not see the impl block around it. So a method says what of `self` matters, and where the signature does not tell
/// that it is a method, it says that too.
///
/// | you have | write |
/// |---|---|
/// | `fn find(&self, …)`, and all instances may share the results | `#[cache(skip(self))]` |
/// | `fn find(&self, id: u64)`, and some of `self` matters | `#[cache(key = (self.tenant, id))]` |
/// | each instance has its own cache | a field of type [`Cache`], and `#[cache(cache = &self.users)]` |
/// | an associated function without `self` or `Self` in its signature | `#[cache(method)]`, or `#[cache]` on the impl block |
/// | a method of a trait impl | `#[cache(companion = false, …)]`, or `#[cache]` on the impl block |
///
/// A method has no companion: its operations are associated functions beside it, `find_refresh`, `find_uncached` and `find_traced`, and a handle
/// `find_cache()`, whose operations are those of [`Cache`]: sync, with keys by reference.
///
/// ```
/// use cachekit::{Cache, cache};
///
/// struct Repo {
///     tenant: u32,
///     names: Cache<u64, String>,
/// }
///
/// impl Repo {
///     #[cache(skip(self))]
///     fn square(&self, of: u64) -> u64 {
///         of * of
///     }
///
///     #[cache(key = (self.tenant, id))]
///     fn label(&self, id: u64) -> String {
///         format!("{}/{id}", self.tenant)
///     }
///
///     #[cache(cache = &self.names)]
///     fn name(&self, id: u64) -> String {
///         format!("name {id}")
///     }
///
///     #[cache(method)]
///     fn cube(of: u64) -> u64 {
///         of * of * of
///     }
/// }
///
/// let repo = Repo { tenant: 1, names: Cache::builder().build() };
/// assert_eq!(repo.square(3), 9);
/// assert_eq!(Repo::square_cache().get(&3), Some(9));
/// assert_eq!(repo.square_refresh(3), 9);
/// Repo::square_cache().invalidate(&3);
/// assert_eq!(repo.label(7), "1/7");
/// assert_eq!(repo.name(7), "name 7");
/// assert_eq!(repo.names.get(&7).as_deref(), Some("name 7"));
/// assert_eq!(Repo::cube(3), 27);
/// ```
///
/// Where the key is computed by expressions, the type of the cache cannot be written, so there is no `label_cache()`; `label_get`,
/// `label_invalidate`, `label_explain`, `label_clear` and `label_stats` stand beside the method instead.
///
/// What rustc says when one of these is missing:
///
/// - "method `find_uncached` is not a member of trait `Find`" (and the same of `find_traced`, `find_refresh` and others): the method is in a trait
///   impl, where nothing may stand beside it. Write `companion = false`, and the method is cached without operations beside it; or put `#[cache]`
///   on the impl block, and they become inherent functions of the type.
/// - "enum is not supported in `trait`s or `impl`s": an associated function without `self` or `Self` was taken for a free one. Write `method`.
///
/// ```
/// use cachekit::cache;
///
/// trait Find {
///     fn find(&self, id: u64) -> u64;
/// }
///
/// struct Plain;
/// impl Find for Plain {
///     #[cache(companion = false, skip(self))]
///     fn find(&self, id: u64) -> u64 {
///         id + 1
///     }
/// }
///
/// struct Repo;
/// #[cache]
/// impl Find for Repo {
///     #[cache(skip(self))]
///     fn find(&self, id: u64) -> u64 {
///         id + 2
///     }
/// }
///
/// assert_eq!(Plain.find(1), 2);
/// assert_eq!(Repo.find(1), 3);
/// assert_eq!(Repo::find_cache().get(&1), Some(3));
/// ```
///
/// `#[cache]` alone on an impl block tells the methods with their own `#[cache(…)]` about `Self`, generics and trait. A type that has no inherent
/// impl in this crate, such as `Vec<u64>`, gets no operations.
///
/// # Generics
///
/// A type parameter that is part of the key is a [`Key`]: `Hash + Eq + Clone + Send + Sync + 'static`, in one word. Each instantiation has its own
/// cache; operations without a key take the type.
///
/// ```
/// use cachekit::cache;
///
/// #[cache]
/// fn shown<T: cachekit::Key + std::fmt::Debug>(value: &T) -> String {
///     format!("{value:?}")
/// }
///
/// assert_eq!(shown(&1_u8), "1");
/// assert_eq!(shown(&"a".to_owned()), "\"a\"");
/// assert_eq!(shown::get(&1_u8).as_deref(), Some("1"));
/// assert_eq!(shown::cache::<u8>().len(), 1);
/// shown::clear::<u8>();
/// ```
///
/// # Errors
///
/// At compile time, each with an id that [the list of diagnostics](../cachekit/diagnostics/index.html) explains. The function is emitted as it is beside them.
///
/// [`Policy`]: ../cachekit/policy/trait.Policy.html
/// [`Weigh`]: ../cachekit/trait.Weigh.html
/// [`Cache`]: ../cachekit/struct.Cache.html
/// [`TimedOut`]: ../cachekit/trait.TimedOut.html
/// [`RemovalCause`]: ../cachekit/enum.RemovalCause.html
/// [`Delivery`]: ../cachekit/enum.Delivery.html
/// [`Outcome`]: ../cachekit/struct.Outcome.html
/// [`Explain`]: ../cachekit/struct.Explain.html
/// [`Stats`]: ../cachekit/struct.Stats.html
/// [`Key`]: ../cachekit/trait.Key.html
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
