//! `errors`, `none`, `cache_if`, `bypass_if`, `tags`: which results are stored at all, and as what.

use cachekit::{OutcomeKind, State, cache, testing};
use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

fn runs(work: impl FnOnce()) -> u32 {
    RUNS.set(0);
    work();
    RUNS.get()
}

#[derive(Debug, PartialEq)]
struct NotClone(u32);

#[cache]
fn parsed(text: &str) -> Result<u32, std::num::ParseIntError> {
    ran();
    let number = text.trim().parse::<u32>()?;
    if number > 100 {
        return Ok(100);
    }
    Ok(number)
}

#[cache]
fn with_a_plain_error(n: u32) -> Result<u32, NotClone> {
    ran();
    if n == 0 { Err(NotClone(n)) } else { Ok(n) }
}

type Hidden<T> = Result<T, String>;

#[cache]
fn behind_an_alias(n: u32) -> Hidden<u32> {
    ran();
    if n == 0 { Err("zero".into()) } else { Ok(n) }
}

#[test]
fn errors_are_not_stored() {
    let _scope = testing::scope();
    let count = runs(|| {
        assert_eq!(parsed(" 7"), Ok(7));
        assert_eq!(parsed(" 7"), Ok(7));
        assert_eq!(parsed("700"), Ok(100));
        assert!(parsed("x").is_err());
        assert!(parsed("x").is_err());
    });
    assert_eq!(count, 4);
    assert_eq!(parsed::get("700"), Some(100), "the stored type is that of the value");
    assert_eq!(parsed::stats().load_errors, 2);
    let count = runs(|| {
        for n in [0, 0, 1, 1] {
            assert_eq!(with_a_plain_error(n).is_ok(), n == 1);
            assert_eq!(behind_an_alias(n).is_ok(), n == 1);
        }
    });
    assert_eq!(count, 6);
    assert_eq!(behind_an_alias::get(1), Some(1));
    behind_an_alias::insert(0, 5);
    assert_eq!(behind_an_alias(0), Ok(5));
}

#[cache(errors = "5s")]
fn negative(n: u32) -> Hidden<u32> {
    ran();
    if n == 0 { Err("zero".into()) } else { Ok(n) }
}

#[test]
fn errors_have_a_ttl_of_their_own() {
    let scope = testing::scope();
    let count = runs(|| {
        assert_eq!(negative(0), Err("zero".into()));
        assert_eq!(negative(0), Err("zero".into()));
        assert_eq!(negative(1), Ok(1));
        scope.advance(Duration::from_secs(5));
        assert_eq!(negative(1), Ok(1), "a value stays");
        assert_eq!(negative(0), Err("zero".into()));
    });
    assert_eq!(count, 3);
    assert_eq!(negative::get(0), Some(Err("zero".into())));
    negative::insert(0, Ok(3));
    assert_eq!(negative(0), Ok(3));
}

type Maybe<T> = Option<T>;

#[cache]
fn found(n: u32) -> Option<u32> {
    ran();
    (n > 0).then_some(n)
}

#[cache(none = false)]
fn found_or_asked_again(n: u32) -> Maybe<u32> {
    ran();
    (n > 0).then_some(n)
}

#[cache(none = "5s", ttl = "1m")]
fn found_or_asked_soon(n: u32) -> Option<u32> {
    ran();
    (n > 0).then_some(n)
}

#[cache(none = false)]
fn found_in_a_result(n: u32) -> Result<Option<u32>, String> {
    ran();
    Ok((n > 0).then_some(n))
}

#[test]
fn none_is_a_value_or_not_or_for_a_while() {
    let scope = testing::scope();
    assert_eq!(
        runs(|| {
            let _ = (found(0), found(0));
        }),
        1
    );
    assert_eq!(found::get(0), Some(None));
    assert_eq!(
        runs(|| {
            let _ = (found_or_asked_again(0), found_or_asked_again(0), found_or_asked_again(1));
        }),
        3
    );
    assert_eq!(
        runs(|| {
            found_or_asked_again(1);
        }),
        0
    );
    assert_eq!(runs(|| drop((found_in_a_result(0), found_in_a_result(0)))), 2);
    assert_eq!(runs(|| drop((found_in_a_result(1), found_in_a_result(1)))), 1);
    let count = runs(|| {
        found_or_asked_soon(0);
        found_or_asked_soon(1);
        scope.advance(Duration::from_secs(4));
        found_or_asked_soon(0);
        scope.advance(Duration::from_secs(1));
        found_or_asked_soon(0);
        found_or_asked_soon(1);
    });
    assert_eq!(count, 3);
}

#[cache(cache_if = |value| *value > 10)]
fn if_large(n: u32) -> u32 {
    ran();
    n
}

#[cache(cache_if = |list| !list.is_empty())]
async fn if_any(n: usize) -> Result<Vec<u8>, String> {
    ran();
    Ok(vec![0; n])
}

#[test]
fn cache_if_sees_the_value() {
    let _scope = testing::scope();
    assert_eq!(
        runs(|| {
            let _ = (if_large(1), if_large(1), if_large(11), if_large(11));
        }),
        3
    );
    assert_eq!(if_large::stats().refusals.not_cacheable, 2);
}

#[tokio::test]
async fn cache_if_sees_the_value_of_a_result() {
    let _scope = testing::scope();
    RUNS.set(0);
    for n in [0, 0, 1, 1] {
        assert_eq!(if_any(n).await.map(|list| list.len()), Ok(n));
    }
    assert_eq!(RUNS.get(), 3);
}

#[cache(bypass_if = force, skip(force))]
fn unless_forced(n: u32, force: bool) -> u32 {
    let _ = force;
    n + ran()
}

#[cache(bypass_if = { let name = name.len(); name == 0 })]
async fn unless_empty(name: String) -> u32 {
    name.len() as u32 + ran()
}

#[test]
fn bypass_if_goes_past_the_cache() {
    let _scope = testing::scope();
    RUNS.set(0);
    let first = unless_forced(0, false);
    let (value, outcome) = unless_forced::traced(0, true);
    assert_eq!((value, outcome.kind, outcome.tier), (first + 1, OutcomeKind::Bypassed, None));
    assert_eq!(unless_forced(0, false), first, "what was computed past the cache is not stored");
    assert_eq!(unless_forced::stats().bypasses.asked, 1);
}

#[tokio::test]
async fn bypass_if_of_a_moved_argument() {
    let _scope = testing::scope();
    RUNS.set(0);
    unless_empty(String::new()).await;
    unless_empty(String::new()).await;
    unless_empty("a".into()).await;
    unless_empty("a".into()).await;
    assert_eq!(RUNS.get(), 3);
}

#[cache(tags = ["user:{id}", "team:{team}", "all"])]
fn tagged(id: u32, team: &str) -> u32 {
    let _ = (id, team);
    ran()
}

#[cache(skip(team), tags = ["team:{team}"])]
async fn tagged_beyond_its_key(id: u32, team: &str) -> u32 {
    let _ = (id, team);
    ran()
}

#[test]
fn a_tag_invalidates_what_carries_it() {
    let _scope = testing::scope();
    let fill = || {
        tagged(1, "red");
        tagged(2, "red");
        tagged(1, "blue");
    };
    fill();
    assert_eq!(tagged::explain(1, "red").tags, 3);
    cachekit::invalidate_tag("team:red");
    assert_eq!(tagged::explain(1, "red").state, State::Invalidated);
    assert_eq!(runs(fill), 2);
    cachekit::invalidate_tag("user:1");
    assert_eq!(runs(fill), 2);
    cachekit::invalidate_tag("all");
    assert_eq!(runs(fill), 3);
    cachekit::invalidate_tag("team:green");
    assert_eq!(runs(fill), 0);
    tagged::insert(9, "red", 90);
    cachekit::invalidate_tag("user:9");
    assert_eq!(tagged::get(9, "red"), None, "inserted values are tagged too");
}

#[tokio::test]
async fn a_tag_may_mention_what_the_key_does_not() {
    let _scope = testing::scope();
    tagged_beyond_its_key(1, "red").await;
    assert!(tagged_beyond_its_key::get(1).await.is_some());
    cachekit::invalidate_tag("team:red");
    assert!(tagged_beyond_its_key::get(1).await.is_none());
    tagged_beyond_its_key::insert(1, "blue", 5).await;
    cachekit::invalidate_tag("team:red");
    assert_eq!(tagged_beyond_its_key::get(1).await, Some(5));
    cachekit::invalidate_tag("team:blue");
    assert_eq!(tagged_beyond_its_key::get(1).await, None);
}

#[cache(tags = ["user:{id}"])]
fn tagged_by_key(id: u64, name: &str) -> usize {
    name.len() + usize::try_from(id).unwrap_or(0)
}

#[test]
fn what_is_inserted_through_the_cache_itself_carries_the_tags() {
    let _scope = testing::scope();
    tagged_by_key::cache().insert((1, "a".to_owned()), 10);
    tagged_by_key::insert(2, "a", 20);
    assert_eq!((tagged_by_key(1, "a"), tagged_by_key(2, "a")), (10, 20));
    cachekit::invalidate_tag("user:1");
    cachekit::invalidate_tag("user:2");
    assert_eq!((tagged_by_key(1, "a"), tagged_by_key(2, "a")), (2, 3));
}

#[cache(bypass_if = id == 0)]
fn bypassing(id: u64) -> u64 {
    id
}

#[test]
fn a_refresh_of_what_bypasses_the_cache_stores_nothing() {
    let _scope = testing::scope();
    assert_eq!(bypassing::refresh(0), 0);
    assert_eq!(bypassing::get(0), None);
    assert_eq!(bypassing::refresh(1), 1);
    assert_eq!(bypassing::get(1), Some(1));
}
