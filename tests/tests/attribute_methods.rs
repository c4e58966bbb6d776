//! Methods: what stands beside them, and that instances and instantiations never share by accident.

use cachekit::{Cache, OutcomeKind, cache, testing};
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

struct Repo {
    tenant: String,
    users: Cache<(u64, String), u32>,
    ages: Cache<u64, u32>,
    unit: Cache<(), u32>,
}

impl Repo {
    fn new(tenant: &str) -> Self {
        Repo {
            tenant: tenant.to_owned(),
            users: Cache::builder().name("users").capacity(10).ttl(Duration::from_secs(10)).build(),
            ages: Cache::builder().capacity(1).build(),
            unit: Cache::builder().build(),
        }
    }

    #[cache(skip(self))]
    fn find(&self, id: u64, name: &str) -> Result<u32, String> {
        let _ = name;
        if id == 0 {
            return Err(self.tenant.clone());
        }
        Ok(ran())
    }

    #[cache(skip(self), ttl = "1m")]
    async fn find_async(&self, id: u64) -> Option<u32> {
        tokio::task::yield_now().await;
        let id = u32::try_from(id).ok()?;
        Some(id + ran())
    }

    #[cache(cache = self.users)]
    fn user(&self, id: u64, name: &str) -> Result<u32, String> {
        if name.is_empty() {
            return Err(format!("{} has no {id}", self.tenant));
        }
        Ok(ran())
    }

    #[cache(cache = self.ages)]
    async fn age(&self, id: u64) -> u32 {
        let _ = id;
        ran()
    }

    #[cache(cache = self.unit)]
    fn only(&self) -> u32 {
        ran()
    }

    #[cache(method)]
    fn associated(n: u32) -> u32 {
        n + ran()
    }

    #[cache]
    fn made(n: u64) -> Option<Self> {
        (n == 0).then(|| {
            ran();
            Self::new("made")
        })
    }
}

impl Clone for Repo {
    fn clone(&self) -> Self {
        Self::new(&self.tenant)
    }
}

#[test]
fn operations_stand_beside_a_method() {
    let _scope = testing::scope();
    RUNS.set(0);
    let repo = Repo::new("a");
    assert_eq!(repo.find(1, "x"), Ok(1));
    assert_eq!(repo.find(1, "x"), Ok(1));
    assert_eq!(repo.find_traced(1, "x").1.kind, OutcomeKind::Hit);
    assert_eq!(repo.find_refresh(1, "x"), Ok(2));
    assert_eq!(repo.find_uncached(1, "x"), Ok(3));
    assert_eq!(repo.find(1, "x"), Ok(2));
    assert_eq!(repo.find(0, "x"), Err("a".to_owned()));
    let cache: &Cache<(u64, String), u32> = Repo::find_cache();
    assert_eq!(cache.get(&(1, "x".to_owned())), Some(2));
    cache.invalidate(&(1, "x".to_owned()));
    assert_eq!(repo.find_traced(1, "x").1.kind, OutcomeKind::Miss);
    cache.clear();
    assert_eq!(cache.stats().entries, 0);
    assert!(cache.name().ends_with("Repo::find"), "{}", cache.name());
}

#[tokio::test]
async fn operations_stand_beside_an_async_method() {
    let _scope = testing::scope();
    RUNS.set(0);
    let repo = Repo::new("a");
    assert_eq!(repo.find_async(1).await, Some(2));
    assert_eq!(repo.find_async_traced(1).await.1.kind, OutcomeKind::Hit);
    assert_eq!(repo.find_async_refresh(1).await, Some(3));
    assert_eq!(repo.find_async_uncached(1).await, Some(4));
    assert_eq!(repo.find_async(u64::MAX).await, None);
    assert_eq!(Repo::find_async_cache().get(&u64::MAX), Some(None), "a None is a value");
}

#[tokio::test]
async fn a_cache_in_a_field_belongs_to_its_instance() {
    let scope = testing::scope();
    RUNS.set(0);
    let (a, b) = (Repo::new("a"), Repo::new("b"));
    assert_eq!((a.user(1, "x"), a.user(1, "x"), b.user(1, "x")), (Ok(1), Ok(1), Ok(2)));
    assert_eq!(a.user(1, ""), Err("a has no 1".to_owned()));
    assert_eq!(a.users.get(&(1, "x".to_owned())), Some(1));
    a.users.invalidate(&(1, "x".to_owned()));
    assert_eq!((a.user(1, "x"), b.user(1, "x")), (Ok(3), Ok(2)));
    assert_eq!(a.user_refresh(1, "x"), Ok(4));
    assert_eq!(a.user_uncached(1, "x"), Ok(5));
    let (value, outcome) = a.user_traced(1, "x");
    assert_eq!((value, outcome.kind), (Ok(4), OutcomeKind::Hit));
    scope.advance(Duration::from_secs(10));
    assert_eq!(a.user(1, "x"), Ok(6), "the ttl is the field's");
    assert_eq!((a.age(1).await, a.age(1).await), (7, 7));
    a.age(2).await;
    assert_eq!(a.ages.get(&1), None, "so is the capacity");
    assert_eq!((a.only(), a.only(), b.only()), (9, 9, 10));
}

#[test]
fn functions_without_a_receiver() {
    let _scope = testing::scope();
    RUNS.set(0);
    assert_eq!((Repo::associated(0), Repo::associated(0)), (1, 1));
    assert_eq!(Repo::associated_cache().get(&0), Some(1));
    assert!(Repo::made(0).is_some() && Repo::made(0).is_some() && Repo::made(1).is_none());
    assert_eq!(RUNS.get(), 2);
}

struct Typed<T, const N: usize> {
    seed: T,
}

impl<T, const N: usize> Typed<T, N>
where
    T: Hash + Eq + Clone + Send + Sync + std::fmt::Debug + 'static,
{
    #[cache(key = (&self.seed, n))]
    fn describe(&self, n: u8) -> String {
        ran();
        format!("{:?} {N} {n} {}", self.seed, std::any::type_name::<T>())
    }

    #[cache(skip(self))]
    fn constant(&self) -> usize {
        ran();
        N
    }

    #[cache]
    fn of(value: &T, me: std::marker::PhantomData<Self>) -> String {
        let _ = me;
        ran();
        format!("{value:?} {N}")
    }

    #[cache(method)]
    fn pair<U: Hash + Eq + Clone + Send + Sync + 'static>(n: u8, with: U) -> (usize, usize) {
        let _ = (n, with);
        ran();
        (size_of::<T>(), size_of::<U>())
    }

    #[cache(key = (&self.seed,))]
    async fn described_later<U: std::fmt::Debug + Send + Sync + Clone + 'static>(&self) -> (String, Option<U>) {
        (format!("{:?} {N}", self.seed), None)
    }
}

impl<T, const N: usize> Clone for Typed<T, N> {
    fn clone(&self) -> Self {
        unreachable!("nothing here clones the receiver")
    }
}

#[tokio::test]
async fn instantiations_never_share() {
    let _scope = testing::scope();
    RUNS.set(0);
    let (a, b, c) = (Typed::<u8, 1> { seed: 1 }, Typed::<u8, 2> { seed: 1 }, Typed::<u16, 1> { seed: 1 });
    for _ in 0..2 {
        assert_eq!(a.describe(0), "1 1 0 u8");
        assert_eq!(b.describe(0), "1 2 0 u8");
        assert_eq!(c.describe(0), "1 1 0 u16");
        assert_eq!((a.constant(), b.constant(), c.constant()), (1, 2, 1));
        assert_eq!(Typed::<u8, 1>::of(&1, std::marker::PhantomData), "1 1");
        assert_eq!(Typed::<u8, 2>::of(&1, std::marker::PhantomData), "1 2");
        assert_eq!(Typed::<u8, 1>::pair(0, 0_u8), (1, 1));
        assert_eq!(Typed::<u8, 1>::pair(0, 0_u16), (1, 2));
        assert_eq!(Typed::<u16, 1>::pair(0, 0_u16), (2, 2));
    }
    assert_eq!(RUNS.get(), 3 + 3 + 2 + 3);
    assert_eq!(a.described_later::<u8>().await.0, "1 1");
    assert_eq!(b.described_later::<u8>().await.0, "1 2");
    assert_eq!(a.described_later::<u16>().await.0, "1 1");
}

trait Source {
    fn load(&self, id: u32) -> u32;
    fn kind() -> &'static str;
    fn load_later(&self, id: u32) -> impl Future<Output = Result<u32, String>> + Send;
}

struct Disk(u32);
struct Net<T>(T);

impl Source for Disk {
    #[cache(key = (self.0, id), companion = false)]
    fn load(&self, id: u32) -> u32 {
        self.0 + id + ran()
    }
    #[cache(companion = false, method)]
    fn kind() -> &'static str {
        ran();
        "disk"
    }
    #[cache(skip(self), companion = false, ttl = "1m")]
    async fn load_later(&self, id: u32) -> Result<u32, String> {
        if id == 0 {
            return Err("zero".to_owned());
        }
        let value = id.checked_add(ran()).ok_or("overflow")?;
        Ok(value)
    }
}

impl<T: Hash + Eq + Clone + Send + Sync + 'static> Source for Net<T> {
    #[cache(key = (&self.0, id), companion = false)]
    fn load(&self, id: u32) -> u32 {
        if id == 9 {
            return 9;
        }
        id + ran()
    }
    #[cache(companion = false, method)]
    fn kind() -> &'static str {
        ran();
        std::any::type_name::<T>()
    }
    async fn load_later(&self, id: u32) -> Result<u32, String> {
        Ok(id)
    }
}

#[tokio::test]
async fn methods_of_traits() {
    let _scope = testing::scope();
    RUNS.set(0);
    let disk = Disk(0);
    assert_eq!((disk.load(0), disk.load(0), Disk(100).load(0)), (1, 1, 102));
    assert_eq!((Net(1_u8).load(0), Net(1_u8).load(0), Net(1_u16).load(0), Net(2_u8).load(0)), (3, 3, 4, 5));
    assert_eq!(Net(1_u8).load(9), 9);
    RUNS.set(0);
    for _ in 0..2 {
        assert_eq!((Disk::kind(), Net::<u8>::kind(), Net::<u16>::kind()), ("disk", "u8", "u16"));
    }
    assert_eq!(RUNS.get(), 3);
    assert_eq!((disk.load_later(1).await, disk.load_later(1).await), (Ok(5), Ok(5)));
    assert_eq!(disk.load_later(0).await, Err("zero".to_owned()));
}

struct Block<T> {
    seed: T,
}

#[cache]
impl<T: Hash + Eq + Clone + Send + Sync + 'static> Block<T> {
    #[cache(key = (&self.seed, n))]
    fn doubled(&self, n: u32) -> u32 {
        ran();
        n * 2
    }

    #[cache(ttl = "1m")]
    fn sized(n: u32) -> (u32, usize) {
        ran();
        (n, size_of::<T>())
    }

    fn untouched(&self) -> &T {
        &self.seed
    }
}

trait Named {
    fn name(&self, id: u32) -> String;
    fn label(id: u32) -> String;
    fn plain(&self) -> u32 {
        1
    }
}

#[cache]
impl<T: Hash + Eq + Clone + Send + Sync + std::fmt::Display + 'static> Named for Block<T> {
    #[cache(key = (&self.seed, id))]
    fn name(&self, id: u32) -> String {
        ran();
        format!("{}-{id}", self.seed)
    }
    #[cache]
    fn label(id: u32) -> String {
        ran();
        format!("{id} {}", std::any::type_name::<T>())
    }
}

#[test]
fn a_whole_impl_block() {
    let _scope = testing::scope();
    RUNS.set(0);
    let (a, b) = (Block { seed: 1_u8 }, Block { seed: 1_u16 });
    for _ in 0..2 {
        assert_eq!((a.doubled(2), b.doubled(2)), (4, 4));
        assert_eq!((Block::<u8>::sized(1), Block::<u16>::sized(1)), ((1, 1), (1, 2)));
        assert_eq!((a.name(1), b.name(1)), ("1-1".to_owned(), "1-1".to_owned()));
        assert_eq!((Block::<u8>::label(1), Block::<u16>::label(1)), ("1 u8".to_owned(), "1 u16".to_owned()));
    }
    assert_eq!(RUNS.get(), 8);
    assert_eq!(Block::<u8>::sized_cache().get(&1), Some((1, 1)));
    assert_eq!(Block::<u8>::label_cache().get(&1).as_deref(), Some("1 u8"));
    assert_eq!((*a.untouched(), a.plain()), (1, 1));
    assert_eq!(a.doubled_traced(2).1.kind, OutcomeKind::Hit);
}

struct Registry {
    names: HashMap<u32, String>,
    found: std::sync::Arc<Cache<u32, Option<String>>>,
}

static SHARED: std::sync::LazyLock<Cache<u32, u32>> =
    std::sync::LazyLock::new(|| Cache::builder().name("shared").capacity(10).build());

#[cache(cache = &SHARED)]
fn shared_one(n: u32) -> u32 {
    n + ran()
}

#[cache(cache = SHARED)]
fn shared_other(n: u32) -> u32 {
    n + ran()
}

impl Registry {
    #[cache(cache = self.found)]
    fn name(&self, id: u32) -> Option<String> {
        ran();
        self.names.get(&id).cloned()
    }
}

#[test]
fn a_cache_elsewhere_may_be_any_expression_of_one() {
    let _scope = testing::scope();
    RUNS.set(0);
    let found = std::sync::Arc::new(Cache::builder().build());
    let registry = Registry { names: HashMap::from([(1, "a".to_owned())]), found: found.clone() };
    assert_eq!(
        (registry.name(1), registry.name(1), registry.name(2)),
        (Some("a".to_owned()), Some("a".to_owned()), None)
    );
    assert_eq!(RUNS.get(), 2);
    assert_eq!(found.len(), 2);
    assert_eq!((shared_one(0), shared_other(0)), (3, 3), "two functions over one cache share");
    assert_eq!(shared_one::get(0), Some(3));
    assert_eq!(shared_other::stats().entries, 1);
    shared_one::clear();
    assert!(SHARED.is_empty());
}

#[cache(cache = &SHARED, bypass_if = n > 100)]
async fn shared_and_bypassed(n: u32) -> u32 {
    tokio::task::yield_now().await;
    n + 1000
}

fn the_shared() -> std::sync::Arc<Cache<u32, u32>> {
    static CACHE: std::sync::LazyLock<std::sync::Arc<Cache<u32, u32>>> =
        std::sync::LazyLock::new(|| std::sync::Arc::new(Cache::builder().build()));
    CACHE.clone()
}

#[cache(cache = the_shared(), bypass_if = n > 100)]
fn in_a_temporary(n: u32) -> u32 {
    n + ran()
}

#[tokio::test]
async fn a_cache_elsewhere_and_a_bypass() {
    let _scope = testing::scope();
    RUNS.set(0);
    assert_eq!((shared_and_bypassed(1).await, shared_and_bypassed(101).await), (1001, 1101));
    assert_eq!((SHARED.get(&1), SHARED.get(&101)), (Some(1001), None));
    assert_eq!((in_a_temporary(1), in_a_temporary(1), in_a_temporary(101)), (2, 2, 103));
    assert_eq!(in_a_temporary::get(1), Some(2));
    assert_eq!(in_a_temporary::stats().bypasses.asked, 1);
}

static STALE: std::sync::LazyLock<Cache<u32, u32>> = std::sync::LazyLock::new(|| {
    let second = Duration::from_secs(1);
    Cache::builder().ttl(second).stale_while_revalidate(second * 60).build()
});

#[cache(cache = &STALE)]
fn stale_elsewhere(n: u32) -> u32 {
    n + ran()
}

#[test]
fn a_stale_value_of_a_cache_elsewhere_is_refreshed() {
    let scope = testing::scope();
    RUNS.set(0);
    assert_eq!(stale_elsewhere(0), 1);
    scope.advance(Duration::from_secs(2));
    assert_eq!((stale_elsewhere(0), stale_elsewhere(0)), (2, 2), "by the first caller, as `get_or_compute` does it");
}

trait Counts {
    fn once(&self, n: u32) -> u32;
    fn stale(&self, n: u32) -> u32;
    fn elsewhere(&self, n: u32) -> u32;
    fn bypassed(&self, n: u32, text: String) -> Result<u32, String>;
    fn stale_later(&self, n: u32) -> impl Future<Output = u32> + Send;
    fn bypassed_later(&self, n: u32, text: String) -> impl Future<Output = Result<u32, String>> + Send;
}

/// Every item of a body is there once: a second copy would begin at 1.
macro_rules! count {
    () => {{
        static CALLS: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        CALLS.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1
    }};
}

impl Counts for Registry {
    #[cache(companion = false, skip(self))]
    fn once(&self, n: u32) -> u32 {
        n + count!()
    }
    #[cache(companion = false, skip(self), ttl = "1s", stale_while_revalidate = "1m", refresh = "inline")]
    fn stale(&self, n: u32) -> u32 {
        n + count!()
    }
    #[cache(companion = false, cache = STALE)]
    fn elsewhere(&self, n: u32) -> u32 {
        n + count!()
    }
    #[cache(companion = false, skip(self), bypass_if = n > 9 || text.is_empty(), tags = ["text:{text}"])]
    fn bypassed(&self, n: u32, text: String) -> Result<u32, String> {
        if text == "x" {
            return Err(text);
        }
        Ok(n + count!())
    }
    #[cache(companion = false, skip(self), ttl = "1s", stale_while_revalidate = "1m", refresh = "inline", tags = ["n:{n}"])]
    async fn stale_later(&self, n: u32) -> u32 {
        tokio::task::yield_now().await;
        n + count!()
    }
    #[cache(companion = false, skip(self), bypass_if = n > 9 || text.is_empty(), tags = ["text:{text}"])]
    async fn bypassed_later(&self, n: u32, text: String) -> Result<u32, String> {
        let added = n.checked_add(count!()).ok_or("overflow")?;
        tokio::task::yield_now().await;
        Ok(added + u32::try_from(text.len()).unwrap_or(0))
    }
}

#[tokio::test]
async fn the_body_of_a_lone_method_is_there_once() {
    let scope = testing::scope();
    let counts = Registry { names: HashMap::new(), found: std::sync::Arc::new(Cache::builder().build()) };
    assert_eq!((counts.once(0), counts.once(0)), (1, 1));
    assert_eq!((counts.stale(0), counts.elsewhere(0), counts.stale_later(0).await), (1, 1, 1));
    scope.advance(Duration::from_secs(2));
    assert_eq!((counts.stale(0), counts.elsewhere(0), counts.stale_later(0).await), (2, 2, 2));
    assert_eq!((counts.stale(0), counts.elsewhere(0), counts.stale_later(0).await), (2, 2, 2));
    let text = || "a".to_owned();
    assert_eq!((counts.bypassed(0, text()), counts.bypassed(0, text())), (Ok(1), Ok(1)));
    assert_eq!((counts.bypassed(10, text()), counts.bypassed(10, text())), (Ok(12), Ok(13)));
    assert_eq!(counts.bypassed(10, "x".to_owned()), Err("x".to_owned()));
    assert_eq!((counts.bypassed_later(0, text()).await, counts.bypassed_later(0, text()).await), (Ok(2), Ok(2)));
    assert_eq!(
        (counts.bypassed_later(10, text()).await, counts.bypassed_later(0, String::new()).await),
        (Ok(13), Ok(3))
    );
    assert_eq!(counts.bypassed_later(u32::MAX, text()).await, Err("overflow".to_owned()));
}
