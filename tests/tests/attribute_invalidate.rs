//! `#[invalidate]`: removed before or after the body, by key, by what the function returned, or by tag.

use cachekit::{cache, invalidate, testing};
use std::cell::Cell;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
    /// Whether the entry was there while the body ran.
    static SEEN: Cell<Option<u32>> = const { Cell::new(None) };
}

fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[cache]
fn user(id: u64) -> u32 {
    let _ = id;
    ran()
}

#[cache]
fn posts(author: u64, kind: &str) -> u32 {
    let _ = (author, kind);
    ran()
}

#[cache]
async fn profile(id: u64) -> u32 {
    let _ = id;
    ran()
}

#[cache(tags = ["team:{team}"])]
fn member(id: u64, team: &str) -> u32 {
    let _ = (id, team);
    ran()
}

fn fill() {
    user(1);
    user(2);
    posts(1, "new");
    posts(2, "new");
    member(1, "red");
    member(2, "blue");
}

#[derive(Clone)]
struct User {
    id: u64,
    author: String,
}

#[invalidate(user(id), posts(id, "new"), tags = ["team:{team}"])]
fn plain(id: u64, team: &str) -> u32 {
    let _ = team;
    SEEN.set(user::get(id));
    7
}

#[test]
fn after_the_body() {
    let _scope = testing::scope();
    fill();
    assert_eq!(plain(1, "red"), 7);
    assert!(SEEN.get().is_some(), "not before the body");
    assert_eq!((user::get(1), posts::get(1, "new"), member::get(1, "red")), (None, None, None));
    assert!(user::get(2).is_some() && posts::get(2, "new").is_some() && member::get(2, "blue").is_some());
}

#[invalidate(user(id))]
fn saved(id: u64, ok: bool) -> Result<u32, String> {
    let checked = if ok { Ok::<u32, std::num::ParseIntError>(1) } else { "x".parse::<u32>() };
    let value = checked.map_err(|error| error.to_string())?;
    if value > 5 {
        return Ok(0);
    }
    Ok(value)
}

type Aliased = Result<(), String>;

#[invalidate(user(id), when = "always")]
fn always(id: u64, ok: bool) -> Aliased {
    if ok { Ok(()) } else { Err("no".to_owned()) }
}

#[invalidate(user(id), when = "before")]
fn before(id: u64) -> Result<(), String> {
    SEEN.set(user::get(id));
    Err("no".to_owned())
}

#[invalidate(user(id))]
fn aliased(id: u64, ok: bool) -> Aliased {
    if ok { Ok(()) } else { Err("no".to_owned()) }
}

#[test]
fn only_on_success_always_or_before() {
    let _scope = testing::scope();
    let there = || user::get(1).is_some();
    user(1);
    assert!(saved(1, false).is_err());
    assert!(there(), "it failed, so nothing has changed");
    assert!(aliased(1, false).is_err());
    assert!(there(), "seen through an alias");
    assert_eq!(saved(1, true), Ok(1));
    assert!(!there());
    user(1);
    assert_eq!(aliased(1, true), Ok(()));
    assert!(!there());
    user(1);
    assert!(always(1, false).is_err());
    assert!(!there());
    user(1);
    assert_eq!(always(1, true), Ok(()));
    assert!(!there());
    user(1);
    SEEN.set(Some(99));
    assert!(before(1).is_err());
    assert_eq!(SEEN.get(), None, "gone while the body ran");
}

#[invalidate(|user_made| user(user_made.id), posts(author, &kind), |made: &User| (posts(made.id, &made.author), user(made.id + 1)))]
fn create(author: u64, kind: String, fails: bool) -> Result<User, String> {
    if fails {
        return Err(kind);
    }
    Ok(User { id: author + 1, author: kind })
}

#[test]
fn by_what_the_function_returned() {
    let _scope = testing::scope();
    let all = || [user::get(2), user::get(3), posts::get(1, "new"), posts::get(2, "new")];
    let fill = || {
        user(2);
        user(3);
        posts(1, "new");
        posts(2, "new");
    };
    fill();
    assert!(create(1, "new".to_owned(), true).is_err());
    assert!(all().iter().all(Option::is_some));
    assert!(create(1, "new".to_owned(), false).is_ok());
    assert_eq!(all(), [None; 4]);
}

#[invalidate(|id| user(*id))]
fn returns_an_option(id: u64) -> u64 {
    id
}

#[invalidate(profile(id), user(id), tags = ["team:{team}", "all"])]
async fn rename(id: u64, team: String, name: String) -> Result<String, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    let _: u32 = name.parse()?;
    drop(team);
    Ok(name)
}

#[invalidate(|made| profile(made.id), when = "always")]
async fn make(id: u64) -> User {
    User { id, author: String::new() }
}

#[tokio::test]
async fn of_and_by_async_functions() {
    let _scope = testing::scope();
    profile(1).await;
    fill();
    assert!(rename(1, "red".into(), "x".into()).await.is_err());
    assert!(profile::get(1).await.is_some() && member::get(1, "red").is_some());
    assert_eq!(rename(1, "red".into(), "1".into()).await.as_deref(), Ok("1"));
    assert_eq!((profile::get(1).await, user::get(1), member::get(1, "red")), (None, None, None));
    profile(1).await;
    make(1).await;
    assert_eq!(profile::get(1).await, None);
    user(1);
    assert_eq!(returns_an_option(1), 1);
    assert_eq!(user::get(1), None);
    // A sync function may invalidate what an async one caches.
    profile(1).await;
    sync_of_async(1);
    assert_eq!(profile::get(1).await, None);
}

#[invalidate(profile(id))]
fn sync_of_async(id: u64) {
    let _ = id;
}

#[derive(Clone)]
struct Repo {
    tenant: u64,
}

impl Repo {
    #[cache(key = (self.tenant, id))]
    fn find(&self, id: u64) -> u32 {
        let _ = id;
        ran()
    }

    #[cache(skip(self))]
    async fn lookup(&self, id: u64) -> u32 {
        let _ = id;
        ran()
    }

    #[cache(skip(self), ttl = "1h", stale_while_revalidate = "1m", load_timeout = (soft = "1s"), tags = ["team:{team}"])]
    async fn of_a_team(&self, id: u64, team: String) -> u32 {
        let _ = (id, team);
        ran()
    }

    #[invalidate(Repo::find(self, id), Self::lookup(id), user(self.tenant))]
    fn update(&mut self, id: u64) -> Result<(), String> {
        if id == 0 {
            return Err("zero".to_owned());
        }
        Ok(())
    }

    #[invalidate(Self::find(self, id))]
    async fn update_later(&self, id: u64) -> u64 {
        tokio::task::yield_now().await;
        id
    }
}

#[tokio::test]
async fn methods() {
    let _scope = testing::scope();
    RUNS.set(0);
    let (mut a, b) = (Repo { tenant: 1 }, Repo { tenant: 2 });
    assert_eq!((a.find(1), b.find(1), a.lookup(1).await, user(1)), (1, 2, 3, 4));
    assert!(a.update(0).is_err());
    assert_eq!(a.find(1), 1);
    assert!(a.update(1).is_ok());
    assert_eq!(user::get(1), None);
    assert_eq!((a.find(1), b.find(1), a.lookup(1).await), (5, 2, 6));
    assert_eq!(a.update_later(1).await, 1);
    assert_eq!((a.find(1), b.find(1)), (7, 2));
    let team = || "red".to_owned();
    assert_eq!((a.of_a_team(1, team()).await, a.of_a_team(1, team()).await), (8, 8));
    cachekit::invalidate_tag("team:red");
    assert_eq!(a.of_a_team(1, team()).await, 9);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Pair {
    left: u64,
    right: u64,
}

// What a pattern binds is a reference before the body, which may consume the argument.
#[invalidate(user(*left), posts(*right, "x"))]
fn of_a_pattern(Pair { left, right }: Pair, mut count: u32) -> u32 {
    count += u32::try_from(left + right).unwrap_or(0);
    count
}

#[cache]
fn generic<T: std::hash::Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> u32 {
    let _ = value;
    ran()
}

#[invalidate(generic::<T>(value.clone()), generic(1_u8))]
fn of_a_generic<T: std::hash::Hash + Eq + Clone + Send + Sync + 'static>(value: T) -> T {
    value
}

#[test]
fn patterns_and_generics() {
    let _scope = testing::scope();
    user(1);
    posts(2, "x");
    assert_eq!(of_a_pattern(Pair { left: 1, right: 2 }, 1), 4);
    assert_eq!((user::get(1), posts::get(2, "x")), (None, None));
    generic(1_u8);
    generic(1_u16);
    generic("a");
    of_a_generic("a");
    assert_eq!((generic::get(1_u8), generic::get("a")), (None, None));
    assert!(generic::get(1_u16).is_some());
}

#[cache(companion = renamed_companion)]
fn renamed(n: u64) -> u32 {
    let _ = n;
    ran()
}

#[invalidate(renamed_companion(n))]
fn of_a_renamed(n: u64) {
    let _ = n;
}

#[test]
fn the_companion_is_what_is_named() {
    let _scope = testing::scope();
    renamed(1);
    of_a_renamed(1);
    assert_eq!(renamed_companion::get(1), None);
}

struct Renamed {
    name: String,
}

impl Renamed {
    #[invalidate(user(id))]
    fn rename(&mut self, id: u64, name: &str) -> &mut String {
        self.name = name.to_owned();
        &mut self.name
    }
}

#[test]
fn what_it_returns_may_be_borrowed_from_its_arguments() {
    let _scope = testing::scope();
    user(1);
    let mut renamed = Renamed { name: String::new() };
    renamed.rename(1, "b").push('c');
    assert_eq!((renamed.name.as_str(), user::get(1)), ("bc", None));
}

#[cache(ttl = "1h", stale_while_revalidate = "1m", tags = ["soft:{team}"])]
fn guest(id: u64, team: &str) -> u32 {
    let _ = (id, team);
    counted()
}

#[cache(backend = "redis", ttl = "1h", stale_while_revalidate = "1m", tags = ["soft:{team}"])]
fn far_guest(id: u64, team: &str) -> u32 {
    let _ = (id, team);
    counted()
}

#[cache(backend = ["memory", "redis"], ttl = "1h", stale_while_revalidate = "1m", refresh = "inline", tags = ["soft:{team}"])]
fn inline_guest(id: u64, team: &str) -> u32 {
    let _ = (id, team);
    counted()
}

#[cache(backend = "redis", ttl = "1h", stale_while_revalidate = "1m", load_timeout = (soft = "1s"), tags = ["soft:{team}"])]
async fn async_guest(id: u64, team: String) -> u32 {
    let _ = (id, team);
    counted()
}

/// Refreshes run on other threads.
static COUNTED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);

fn counted() -> u32 {
    COUNTED.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1
}

#[invalidate(tags = ["soft:{team}"], soft)]
fn guests_change(team: &str) {
    let _ = team;
}

#[invalidate(tags = ["soft:{team}"], soft)]
async fn guests_change_async(team: &str) {
    let _ = team;
}

#[test]
fn what_becomes_stale_is_given_once_more() {
    let scope = testing::scope();
    let settled = |value: u32| {
        cachekit::flush().wait();
        value
    };
    let all = || [settled(guest(1, "red")), settled(far_guest(1, "red")), settled(inline_guest(1, "red"))];
    let first = all();
    assert_eq!(all(), first);
    guests_change("blue");
    assert_eq!(all(), first, "of another tag");
    guests_change("red");
    let [near, far, inline] = all();
    assert_eq!([near, far], [first[0], first[1]], "stale, and loaded anew");
    assert!(inline > first[2], "whoever finds it loads it");
    let second = all();
    assert!(second.iter().zip(first).all(|(now, before)| *now > before) && second == all(), "{second:?}");
    guests_change("red");
    scope.advance(std::time::Duration::from_secs(61));
    let third = all();
    assert!(
        third.iter().zip(second).all(|(now, before)| *now > before),
        "nobody asked for it in time: {second:?} {third:?}"
    );
}

#[tokio::test]
async fn what_becomes_stale_is_given_once_more_to_tasks() {
    let _scope = testing::scope();
    let call = || async {
        let value = async_guest(1, "red".to_owned()).await;
        cachekit::flush().await;
        value
    };
    let first = call().await;
    guests_change_async("red").await;
    assert_eq!((call().await, call().await > first), (first, true));
}

#[cache(backend = ["memory", "redis"], ttl = "1h", skip(team), tags = ["inserted:{team}"])]
async fn inserted_guest(id: u64, team: &str) -> u32 {
    let _ = (id, team);
    counted()
}

#[tokio::test]
async fn what_is_inserted_by_hand_has_its_tags_in_every_tier() {
    let _scope = testing::scope();
    for (id, team) in [(1, "red"), (2, "blue")] {
        inserted_guest::insert(id, team, 1_000).await;
    }
    assert_eq!((inserted_guest::get(1).await, inserted_guest::get(2).await), (Some(1_000), Some(1_000)));
    cachekit::invalidate_tag_async("inserted:red").await;
    assert_eq!((inserted_guest::get(1).await, inserted_guest::get(2).await), (None, Some(1_000)));
}

thread_local! {
    static FAILS: Cell<bool> = const { Cell::new(false) };
}

/// Gives the next number, or fails.
fn told() -> Result<u32, String> {
    if FAILS.get() { Err("no".to_owned()) } else { Ok(ran()) }
}

fn farther() -> cachekit::Cache<u64, u32> {
    let builder = cachekit::Cache::builder().name("farther").tags_with(|_| vec!["soft:far".to_owned()]);
    let hour = std::time::Duration::from_secs(3_600);
    builder.ttl(hour).stale_while_revalidate(hour).backends([cachekit::Place::redis()]).build()
}

static FARTHER: std::sync::LazyLock<cachekit::Cache<u64, u32>> = std::sync::LazyLock::new(farther);

#[cache(cache = FARTHER)]
fn of_a_builder(id: u64) -> Result<u32, String> {
    let _ = id;
    told()
}

#[cache(cache = FARTHER)]
async fn of_a_builder_async(id: u64) -> Result<u32, String> {
    let _ = id;
    told()
}

trait Told {
    fn own(&self, id: u64, team: String) -> Result<u32, String>;
    fn own_async(&self, id: u64, team: String) -> impl Future<Output = Result<u32, String>> + Send;
    fn of_a_builder(&self, id: u64) -> Result<u32, String>;
}

impl Told for Repo {
    #[cache(companion = false, skip(self), name = "own", backend = "redis", ttl = "1h", stale_while_revalidate = "1m", refresh = "inline", tags = ["soft:{team}"])]
    fn own(&self, id: u64, team: String) -> Result<u32, String> {
        let _ = (id, team);
        told()
    }
    #[cache(companion = false, skip(self), name = "own_async", backend = "redis", ttl = "1h", stale_while_revalidate = "1m", refresh = "inline", bypass_if = id == 0, tags = ["soft:{team}"])]
    async fn own_async(&self, id: u64, team: String) -> Result<u32, String> {
        let _ = (id, team);
        told()
    }
    #[cache(companion = false, cache = FARTHER)]
    fn of_a_builder(&self, id: u64) -> Result<u32, String> {
        let _ = id;
        told()
    }
}

#[tokio::test]
async fn what_is_stale_far_away_is_given_if_its_load_fails() {
    let _scope = testing::scope();
    let repo = Repo { tenant: 1 };
    let far = || "far".to_owned();
    let all = async || {
        [
            of_a_builder(1),
            of_a_builder_async(2).await,
            repo.of_a_builder(3),
            repo.own(4, far()),
            repo.own_async(5, far()).await,
        ]
    };
    let first = all().await;
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    guests_change_async("far").await;
    FAILS.set(true);
    assert_eq!(all().await, first);
    FAILS.set(false);
    let second = all().await;
    assert!(second.iter().zip(&first).all(|(now, before)| now > before), "{first:?} {second:?}");
    FAILS.set(true);
    assert_eq!(all().await, second);
}
