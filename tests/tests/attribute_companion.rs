//! The companion: every operation beside a function, sync, async, generic, renamed or absent.

use cachekit::{Cache, Delivery, OutcomeKind, State, Tier, cache, testing};
use std::cell::Cell;
use std::fmt::Display;
use std::time::Duration;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[cache(ttl = "10s", refresh_ahead = "50%", stale_while_revalidate = "10s", tags = ["user:{id}"])]
fn user(id: u64, name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("no name".to_owned());
    }
    Ok(format!("{id} {name} {}", ran()))
}

#[test]
fn the_operations_of_a_function() {
    let _scope = testing::scope();
    RUNS.set(0);
    assert_eq!(user::get(1, "a"), None);
    assert_eq!(RUNS.get(), 0, "get never computes");
    assert_eq!(user::uncached(1, "a").as_deref(), Ok("1 a 1"));
    assert_eq!(user::get(1, "a"), None, "uncached leaves the cache alone");
    assert_eq!(user::insert(1, "a", "mine".to_owned()), Delivery::Local);
    assert_eq!(user(1, "a").as_deref(), Ok("mine"));
    assert_eq!(user::refresh(1, "a").as_deref(), Ok("1 a 2"));
    assert_eq!(user::get(1, "a").as_deref(), Some("1 a 2"));
    assert_eq!(user::invalidate(1, "a"), Delivery::Local);
    assert_eq!(user::get(1, "a"), None);
    assert!(user::refresh(1, "").is_err());
    assert_eq!(user(2, "b").as_deref(), Ok("2 b 3"));
    assert_eq!(user::stats().entries, 1);
    assert_eq!(user::clear(), Delivery::Local);
    assert_eq!(user::stats().entries, 0);
    let cache: &'static Cache<(u64, String), String> = user::cache();
    cache.insert((5, "e".to_owned()), "by the map".to_owned());
    assert_eq!(user(5, "e").as_deref(), Ok("by the map"));
}

#[test]
fn a_call_can_be_traced() {
    let scope = testing::scope();
    let (value, outcome) = user::traced(1, "t");
    assert!(value.is_ok());
    assert_eq!((outcome.kind, outcome.tier, outcome.age), (OutcomeKind::Miss, None, None));
    scope.advance(Duration::from_secs(1));
    let outcome = user::traced(1, "t").1;
    assert_eq!(
        (outcome.kind, outcome.tier, outcome.age),
        (OutcomeKind::Hit, Some(Tier::Memory), Some(Duration::from_secs(1)))
    );
    scope.advance(Duration::from_secs(10));
    assert_eq!(user::traced(1, "t").1.kind, OutcomeKind::StaleHit);
    cachekit::flush().wait();
    let _disabled = testing::disable();
    assert_eq!(user::traced(1, "t").1.kind, OutcomeKind::Bypassed);
}

#[test]
fn a_key_can_be_explained() {
    let scope = testing::scope();
    let state = || user::explain(1, "s").state;
    assert_eq!(state(), State::Absent);
    let _ = user(1, "s");
    assert_eq!(state(), State::Fresh);
    scope.advance(Duration::from_secs(5));
    assert_eq!(state(), State::RefreshDue);
    scope.advance(Duration::from_secs(6));
    assert_eq!(state(), State::Stale);
    cachekit::invalidate_tag("user:1");
    assert_eq!(state(), State::Invalidated);
    user::insert(1, "s", "x".to_owned());
    assert_eq!(state(), State::Fresh);
    let explained = user::explain(1, "s");
    assert_eq!((explained.tags, explained.loading), (1, false));
    assert!(explained.to_string().contains("::user: fresh"), "{explained}");
}

#[cache(idle = "5s", ttl = "1h")]
fn idle(n: u32) -> u32 {
    n
}

#[test]
fn an_expired_entry_is_explained_as_that() {
    let scope = testing::scope();
    idle(1);
    scope.advance(Duration::from_secs(4));
    for _ in 0..3 {
        assert_eq!(idle::explain(1).state, State::Fresh);
    }
    scope.advance(Duration::from_secs(1));
    assert!(matches!(idle::explain(1).state, State::Expired | State::Absent), "explaining is no use");
    assert_eq!(idle::get(1), None);
}

#[cache(ttl = "10s")]
async fn fetched(id: u64, name: &str) -> Result<u64, String> {
    tokio::task::yield_now().await;
    let digits: u64 = name.parse::<u64>().map_err(|error| error.to_string())?;
    Ok(id + digits + u64::from(ran()))
}

#[tokio::test]
async fn the_operations_of_an_async_function_are_async() {
    let _scope = testing::scope();
    RUNS.set(0);
    assert_eq!(fetched::get(1, "1").await, None);
    assert_eq!(fetched::uncached(1, "1").await, Ok(3));
    assert_eq!(fetched::insert(1, "1", 50).await, Delivery::Local);
    assert_eq!(fetched(1, "1").await, Ok(50));
    assert_eq!(fetched::refresh(1, "1").await, Ok(4));
    assert_eq!(fetched::traced(1, "1").await.1.kind, OutcomeKind::Hit);
    assert_eq!(fetched::explain(1, "1").await.state, State::Fresh);
    assert_eq!(fetched::invalidate(1, "1").await, Delivery::Local);
    assert_eq!(fetched::get(1, "1").await, None);
    assert!(fetched(1, "x").await.is_err());
    assert_eq!(fetched(1, "2").await, Ok(6));
    assert_eq!(fetched::clear().await, Delivery::Local);
    assert_eq!(fetched::stats().entries, 0);
    let cache: &'static Cache<(u64, String), u64> = fetched::cache();
    assert!(cache.is_empty());
}

#[tokio::test]
async fn a_follower_has_joined() {
    let _scope = testing::scope();
    let (leader, follower) = tokio::join!(fetched::traced(7, "7"), fetched::traced(7, "7"));
    assert_eq!((leader.1.kind, follower.1.kind), (OutcomeKind::Miss, OutcomeKind::Joined));
    assert_eq!(leader.0, follower.0);
}

#[cache(companion = the_sum)]
fn sum(a: u32, b: u32) -> u32 {
    ran();
    a + b
}

/// In the type namespace.
mod sum {
    pub(super) const MODULE: u32 = 1;
}

#[cache(companion = false)]
fn silent(n: u32) -> u32 {
    n + ran()
}

#[allow(non_camel_case_types)]
struct silent {
    field: u32,
}

#[test]
fn the_companion_has_another_name_or_none() {
    let _scope = testing::scope();
    assert_eq!(sum(1, 2), 3);
    assert_eq!(the_sum::get(1, 2), Some(3));
    assert_eq!(sum::MODULE, 1);
    assert_eq!(silent(0), silent(0));
    assert_eq!(silent { field: 1 }.field, 1);
}

mod outer {
    pub(crate) mod inner {
        #[cachekit::cache]
        pub(crate) fn deep(n: u32) -> u32 {
            n
        }
        #[cachekit::cache]
        pub(in crate::outer) fn scoped(n: u32) -> u32 {
            n
        }
    }
    pub(crate) fn use_scoped() -> Option<u32> {
        use inner::scoped;
        scoped(3);
        scoped::get(3)
    }
}

#[test]
fn one_use_imports_function_and_companion() {
    use outer::inner::deep;
    let _scope = testing::scope();
    assert_eq!(deep(1), 1);
    assert_eq!(deep::get(1), Some(1));
    assert_eq!(outer::use_scoped(), Some(3));
}

#[cache]
fn shown<T>(value: T) -> String
where
    T: Display + std::hash::Hash + Eq + Clone + Send + Sync + 'static,
{
    ran();
    value.to_string()
}

#[cache(ttl = "1m")]
async fn shown_async<'a, T, const N: usize>(values: &'a [T; N], prefix: &'a str) -> Result<String, String>
where
    T: Display + std::hash::Hash + Eq + Clone + Send + Sync + 'static,
{
    ran();
    let first = values.first().ok_or("none")?;
    Ok(format!("{prefix}{first}"))
}

#[tokio::test]
async fn the_operations_of_generic_functions() {
    let _scope = testing::scope();
    RUNS.set(0);
    assert_eq!((shown(1_u8), shown(1_u16), shown(1_u8)), ("1".into(), "1".into(), "1".into()));
    assert_eq!(RUNS.get(), 2);
    assert_eq!(shown::get::<u8>(1).as_deref(), Some("1"));
    assert_eq!(shown::get(1_u32), None);
    shown::insert(1_u8, "one".to_owned());
    assert_eq!((shown(1_u8), shown(1_u16)), ("one".into(), "1".into()));
    shown::invalidate(1_u8);
    assert_eq!(shown::explain(1_u8).state, State::Absent);
    assert_eq!(shown::explain(1_u16).state, State::Fresh);
    assert_eq!(shown::traced(1_u16).1.kind, OutcomeKind::Hit);
    assert_eq!(shown::refresh(1_u16), "1");
    assert_eq!(shown::uncached(1_u16), "1");
    assert_eq!(shown::stats::<u16>().entries, 1);
    shown::clear::<u16>();
    assert_eq!(shown::stats::<u16>().entries, 0);

    assert_eq!(shown_async(&[1, 2], "a").await.as_deref(), Ok("a1"));
    assert_eq!(shown_async::get(&[1, 2], "a").await.as_deref(), Some("a1"));
    assert_eq!(shown_async::get(&[1, 2, 3], "a").await, None);
    assert!(shown_async::<u8, 0>(&[], "a").await.is_err());
    shown_async::insert(&[1, 2], "a", "mine".into()).await;
    assert_eq!(shown_async(&[1, 2], "a").await.as_deref(), Ok("mine"));
    shown_async::invalidate(&[1, 2], "a").await;
    assert_eq!(shown_async::traced(&[1, 2], "a").await.1.kind, OutcomeKind::Miss);
    assert_eq!(shown_async::stats::<i32, 2>().entries, 1);
    shown_async::clear::<i32, 2>().await;
    assert_eq!(shown_async::stats::<i32, 2>().entries, 0);
}

#[test]
fn a_value_survives_the_callers_refresh_that_fails() {
    let _scope = testing::scope();
    user::insert(9, "", "there".to_owned());
    assert!(user::refresh(9, "").is_err());
    let (value, outcome) = user::traced(9, "");
    assert_eq!((value.as_deref(), outcome.kind), (Ok("there"), OutcomeKind::Hit));
}
