//! What generated code calls. Not part of the public interface: it changes with the macros, which pin this crate's exact version.

#[cfg(feature = "registry")]
pub use crate::{
    __cachekit_texts as texts,
    registry::{Conflict, TextProbe, Texts, ViaNoText, ViaRead, ViaText, ViaUnread, registered},
};
pub use crate::{
    apart::{Apart, apart, apart_async},
    cache::{
        Batch, Builder, Cache, Explain, Look, Miss, NoneFallback, Refresh, SameKey, SharesValue, Stale, Unfound, batch,
        batch_of, batch_of_options, glance, look, look_on, look_refresh, look_traced,
    },
    elsewhere::{Elsewhere, Holds, KeyedBy, elsewhere, elsewhere_of},
    error::{TimedOut, needs_timed_out},
    expansion::{
        AnyParts, Cached, NamedResult, SameKind, SuccessProbe, ViaAnyOutput, ViaResultOutput, assert_kind,
        assert_stored, assert_value, keyed_like, once, per_type_keyed, returning,
    },
    hashing::HasherType,
    key::{
        FormProbe, Key, KeyFallback, KeyOr, KeyPart, KeyProbe, Part, PartProbe, Parts, Unusable, ViaBorrowed, ViaOwned,
        ViaRejected, ViaUnusable, ViaUsable, assert_key, assert_own_key, assert_part, form, part,
    },
    outcome::{Delivery, Outcome, RemovalCause},
    output::{
        Again, Bad, BatchFallback, BatchOr, BatchOutput, BatchProbe, BatchReturn, Cacheable, CopyProbe, Element,
        ElementProbe, Keep, KindId, KindOf, OptionLike, Output, OutputFallback, OutputKind, OutputProbe, Own, Plain,
        ResultLike, ResultOk, Share, ShareProbe, Value, ViaAll, ViaClone, ViaCopied, ViaElement, ViaElementAll,
        ViaElementClone, ViaNothing, ViaPlain, ViaResult, ViaShown, ViaUncopied, Whole, again, assert_batch,
        assert_batch_of, assert_output, give, keep, lend, needs_option, needs_result, own, pick,
    },
    policy::Strategy,
    site::{PerType, per_type, per_type_of},
    stats::Stats,
    weigh::{Weigh, needs_weight},
};
#[cfg(feature = "backend")]
pub use crate::{
    codec::{
        self, CodecProbe, NamedCodecProbe, ViaHint, ViaNamed, ViaNoCodec, ViaSerde, assert_codec, codec_of,
        codec_of_output, named_codec_of,
    },
    expansion::{arguments_of, function_path},
    far::{Place, place_at},
    key::{StoredFormProbe, StoredKeyProbe, StoredPart, StoredPartProbe, assert_stored_part},
};
#[cfg(feature = "backend")]
pub use serde::Serialize;
pub use std::sync::LazyLock;
#[cfg(feature = "auto-register")]
pub use {crate::registry::AtStart, inventory};

#[cfg(feature = "config")]
pub use crate::config::{Bytes, Span, parse_as, read_as, suggestion};
use crate::{cache, scope};
#[cfg(feature = "backend")]
use std::task::{Context, Poll};
use std::{
    future::{IntoFuture, ready},
    pin::Pin,
};

/// A call that `bypass_if` sent past the cache.
pub fn bypass<K: Key, V: Value>(cache: &Cache<K, V>, trace: &mut Outcome) {
    cache::count_bypass(cache, trace);
}

/// A companion's `get`.
pub fn get<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Option<V> {
    cache::get(cache, parts).or_else(|| cache::get_far(cache, parts))
}

/// A companion's `insert`.
pub fn insert<P: Parts, V: Value, const N: usize>(
    cache: &Cache<P::Key, V>,
    parts: &P,
    value: V,
    tags: [String; N],
) -> Delivery {
    cache::insert(cache, parts, value, tags)
}

/// A companion's `invalidate`.
pub fn invalidate<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Delivery {
    cache::invalidate(cache, parts)
}

// What these return holds nothing of the parts, and does not name their type, which would borrow what the key is made of.

/// A companion's `get`, of an async function with a backend of bytes.
#[cfg(feature = "backend")]
pub fn get_async<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Getting<V> {
    let found = cache::get(cache, parts);
    match if found.is_none() { parts.to_key() } else { None } {
        Some(key) => {
            let cache = cache.clone();
            Getting::Far(Box::pin(async move { cache.fetch(&key).await }))
        }
        None => Getting::Near(found),
    }
}

/// A value that may have been in memory already.
#[cfg(feature = "backend")]
#[must_use = "futures do nothing unless polled"]
pub enum Getting<V> {
    /// It was, or there is no key to look for.
    Near(Option<V>),
    /// The backends are asked.
    Far(Pin<Box<dyn Future<Output = Option<V>> + Send>>),
}

#[cfg(feature = "backend")]
impl<V> Unpin for Getting<V> {}

#[cfg(feature = "backend")]
impl<V> Future for Getting<V> {
    type Output = Option<V>;
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<V>> {
        match self.get_mut() {
            Getting::Near(found) => Poll::Ready(found.take()),
            Getting::Far(far) => far.as_mut().poll(context),
        }
    }
}

/// A companion's `insert`, of an async function with a backend of bytes.
#[cfg(feature = "backend")]
pub fn insert_async<P: Parts, V: Value, const N: usize>(
    cache: &Cache<P::Key, V>,
    parts: &P,
    value: V,
    tags: [String; N],
) -> Delivering {
    let (cache, key) = (cache.clone(), parts.to_key());
    Box::pin(async move {
        match key {
            Some(key) => cache.insert_tagged_async(key, value, tags).await,
            None => Delivery::Local,
        }
    })
}

/// A companion's `invalidate`, of an async function with a backend of bytes.
#[cfg(feature = "backend")]
pub fn invalidate_async<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Delivering {
    invalidation(cache, parts).into_future()
}

/// A companion's `clear`, of an async function with a backend of bytes.
#[cfg(feature = "backend")]
pub fn clear_async<K: Key, V: Value>(cache: &Cache<K, V>) -> impl Future<Output = Delivery> + use<K, V> {
    let cache = cache.clone();
    async move { cache.clear_async().await }
}

/// A batch companion's `invalidate_many`.
pub fn invalidate_many<K: Key, V: Value>(cache: &Cache<K, V>, keys: impl Iterator<Item = Option<K>>) -> Delivery {
    cache.invalidate_keys(&keys.flatten().collect::<Vec<K>>())
}

/// As [`invalidate_many`], of an async function with a backend of bytes.
pub fn invalidate_many_async<K: Key, V: Value>(
    cache: &Cache<K, V>,
    keys: impl Iterator<Item = Option<K>>,
) -> Delivering {
    invalidation_many(cache, keys).into_future()
}

/// A companion's `explain`.
pub fn explain<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Explain {
    cache::explain(cache, parts)
}

/// A companion's `explain`, of an async function with a backend of bytes.
#[cfg(feature = "backend")]
pub fn explain_async<P: Parts, V: Value>(
    cache: &Cache<P::Key, V>,
    parts: &P,
) -> Pin<Box<dyn Future<Output = Explain> + Send>> {
    cache::explain_async(cache, parts)
}

/// A companion's `clear`.
pub fn clear<K: Key, V: Value>(cache: &Cache<K, V>) -> Delivery {
    cache.clear()
}

/// A companion's `stats`.
pub fn stats<K: Key, V: Value>(cache: &Cache<K, V>) -> Stats {
    cache.stats()
}

/// One invalidation of `#[invalidate]`: made before the body, awaited or waited for after it.
#[must_use = "an invalidation does nothing until it is awaited or waited for"]
pub struct Invalidation {
    target: Box<dyn Target>,
}

/// What is to be invalidated.
trait Target: Send {
    fn wait(self: Box<Self>) -> Delivery;
    fn run(self: Box<Self>) -> Delivering;
}

/// An invalidation or an insertion on its way.
pub type Delivering = Pin<Box<dyn Future<Output = Delivery> + Send>>;

struct OfKey<K, V> {
    cache: Cache<K, V>,
    key: K,
}

impl<K: Key, V: Value> Target for OfKey<K, V> {
    fn wait(self: Box<Self>) -> Delivery {
        self.cache.invalidate_key(&self.key)
    }
    fn run(self: Box<Self>) -> Delivering {
        Box::pin(async move { self.cache.invalidate_key_async(&self.key).await })
    }
}

struct OfKeys<K, V> {
    cache: Cache<K, V>,
    keys: Vec<K>,
}

impl<K: Key, V: Value> Target for OfKeys<K, V> {
    fn wait(self: Box<Self>) -> Delivery {
        self.cache.invalidate_keys(&self.keys)
    }
    fn run(self: Box<Self>) -> Delivering {
        Box::pin(async move { self.cache.invalidate_keys_async(&self.keys).await })
    }
}

struct OfTagSoftly(String);

impl Target for OfTagSoftly {
    fn wait(self: Box<Self>) -> Delivery {
        invalidate_tag_soft(&self.0)
    }
    fn run(self: Box<Self>) -> Delivering {
        Box::pin(invalidate_tag_soft_async(self.0))
    }
}

struct OfTag(String);

impl Target for OfTag {
    fn wait(self: Box<Self>) -> Delivery {
        invalidate_tag(&self.0)
    }
    fn run(self: Box<Self>) -> Delivering {
        Box::pin(invalidate_tag_async(self.0))
    }
}

/// Of a call that has no key.
struct OfNothing;

impl Target for OfNothing {
    fn wait(self: Box<Self>) -> Delivery {
        Delivery::Local
    }
    fn run(self: Box<Self>) -> Delivering {
        Box::pin(ready(Delivery::Local))
    }
}

impl Invalidation {
    /// Invalidates.
    pub fn wait(self) -> Delivery {
        self.target.wait()
    }
}

impl IntoFuture for Invalidation {
    type Output = Delivery;
    type IntoFuture = Delivering;
    fn into_future(self) -> Delivering {
        self.target.run()
    }
}

/// Of one key.
pub fn invalidation<P: Parts, V: Value>(cache: &Cache<P::Key, V>, parts: &P) -> Invalidation {
    let cache = cache.clone();
    let target: Box<dyn Target> = match parts.to_key() {
        Some(key) => Box::new(OfKey { cache, key }),
        None => Box::new(OfNothing),
    };
    Invalidation { target }
}

/// Of several keys.
pub fn invalidation_many<K: Key, V: Value>(cache: &Cache<K, V>, keys: impl Iterator<Item = Option<K>>) -> Invalidation {
    Invalidation { target: Box::new(OfKeys { cache: cache.clone(), keys: keys.flatten().collect() }) }
}

/// Of one tag, whose entries become stale.
pub fn soft_tag_invalidation(tag: String) -> Invalidation {
    Invalidation { target: Box::new(OfTagSoftly(tag)) }
}

/// Of one tag.
pub fn tag_invalidation(tag: String) -> Invalidation {
    Invalidation { target: Box::new(OfTag(tag)) }
}

/// Invalidates everything that carries the tag: when this returns, no call of this process gets a value that was computed, or began to be, before. Of other
/// processes what the [`Delivery`] says.
///
/// Told are the backends that the configuration describes, and those of one's own that a cache with tags has used in this process. Blocks this thread for at
/// most a quarter of a second.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, invalidate_tag};
///
/// let names: Cache<u64, String> = Cache::builder().build();
/// names.insert_tagged(1, "Ada".to_owned(), ["team:7"]);
/// invalidate_tag("team:7");
/// assert_eq!(names.get(&1), None);
/// ```
pub fn invalidate_tag(tag: &str) -> Delivery {
    let registry = scope::tag_registry();
    registry.invalidate(tag);
    #[cfg(feature = "backend")]
    {
        let links = crate::far::with_tags(&registry);
        crate::far::told_and_wait(&links, crate::far::invalidate_tag(&links, tag))
    }
    #[cfg(not(feature = "backend"))]
    {
        Delivery::Local
    }
}

/// As [`invalidate_tag`], without blocking.
///
/// Begins with the call. Cancel-safe: dropped meanwhile, it goes on.
pub fn invalidate_tag_async(tag: impl Into<String>) -> impl Future<Output = Delivery> + Send {
    let (registry, tag) = (scope::tag_registry(), tag.into());
    registry.invalidate(&tag);
    #[cfg(feature = "backend")]
    {
        crate::far::invalidate_tag(&crate::far::with_tags(&registry), &tag)
    }
    #[cfg(not(feature = "backend"))]
    {
        ready(Delivery::Local)
    }
}

/// Makes everything stale that carries the tag, as if its ttl had ended now: calls get the old value, of which one caller in all processes computes a new one, for as long
/// as the function's `stale_while_revalidate` allows.
///
/// - A value is given for at most `stale_while_revalidate` after it was made stale first, and never longer than its ttl and that together. A function without
///   `stale_while_revalidate` gives none: for it this is [`invalidate_tag`].
/// - In place of an error it is given for `stale_if_error`, counted in the same way.
/// - A value that was made stale more than eight times and not loaded anew is invalid.
/// - A backend that does not take it now, and one that knows nothing of it, [invalidates](invalidate_tag) the tag instead.
///
/// Other processes see it as they see an invalidation. Blocks this thread for at most a quarter of a second.
///
/// ```
/// # use cachekit_runtime as cachekit;
/// use cachekit::{Cache, flush, invalidate_tag_soft, testing};
/// use std::time::Duration;
///
/// let scope = testing::scope();
/// let minute = Duration::from_secs(60);
/// let names: Cache<u64, String> =
///     Cache::builder().ttl(60 * minute).stale_while_revalidate(minute).tags_with(|_| vec!["team:7".to_owned()]).build();
/// let name = |is: &str| {
///     let is = is.to_owned();
///     names.get_or_refresh(&1, move || is)
/// };
/// assert_eq!(name("Ada"), "Ada");
/// invalidate_tag_soft("team:7");
/// assert_eq!(name("Grace"), "Ada", "and one caller computes it anew");
/// flush().wait();
/// assert_eq!(name("nobody"), "Grace");
/// ```
pub fn invalidate_tag_soft(tag: &str) -> Delivery {
    let registry = scope::tag_registry();
    registry.soften(tag, scope::clock().now());
    #[cfg(feature = "backend")]
    {
        let links = crate::far::with_tags(&registry);
        crate::far::told_and_wait(&links, crate::far::soften_tag(&links, tag))
    }
    #[cfg(not(feature = "backend"))]
    {
        Delivery::Local
    }
}

/// As [`invalidate_tag_soft`], without blocking.
///
/// Begins with the call. Cancel-safe: dropped meanwhile, the tag is invalidated where it was not made stale yet.
pub fn invalidate_tag_soft_async(tag: impl Into<String>) -> impl Future<Output = Delivery> + Send {
    let (registry, tag) = (scope::tag_registry(), tag.into());
    registry.soften(&tag, scope::clock().now());
    #[cfg(feature = "backend")]
    {
        crate::far::soften_tag(&crate::far::with_tags(&registry), &tag)
    }
    #[cfg(not(feature = "backend"))]
    {
        ready(Delivery::Local)
    }
}
