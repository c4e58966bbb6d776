//! Bodies: what plain functions may do, cached ones may too.

use cachekit::{cache, testing};
use std::cell::Cell;
use std::sync::Arc;

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

#[cache]
fn question(text: &str) -> Result<u32, Box<str>> {
    ran();
    let number: u32 = text.parse().map_err(|_| -> Box<str> { Box::from(text) })?;
    (number > 0).then_some(number).ok_or("zero".into())
}

#[cache]
fn question_option(list: &[u32]) -> Option<u32> {
    ran();
    let first = list.first()?;
    let second = list.get(1)?;
    Some(first + second)
}

#[cache]
fn early(n: u32) -> u32 {
    ran();
    for i in 0..n {
        if i * i > n {
            return i;
        }
    }
    n
}

#[cache]
fn moving(mut list: Vec<u32>, map: HashMapLike, text: String) -> (Vec<u32>, String) {
    ran();
    list.push(1);
    let taken = move || (list, text);
    drop(map);
    taken()
}

#[derive(Clone, PartialEq, Eq, Hash, Default)]
struct HashMapLike(std::collections::BTreeMap<u8, u8>);

#[cache]
async fn awaiting(text: String, list: &[u8]) -> Result<String, std::num::ParseIntError> {
    ran();
    let owned = text;
    let number = tokio::spawn(async move { owned.parse::<u32>() }).await.unwrap()?;
    if list.is_empty() {
        return Ok(String::new());
    }
    tokio::task::yield_now().await;
    Ok((number + list.len() as u32).to_string())
}

/// Names that generated code might use.
#[cache(ttl = "1m", tags = ["t:{cache}"], stale_while_revalidate = "1m")]
fn shadows(cache: u8, parts: u8, output: u8, miss: u8, value: u8, trace: u8, stale: u8) -> u32 {
    ran();
    let key = u32::from(cache) + u32::from(parts) + u32::from(output);
    let stale = u32::from(stale) + u32::from(miss) + u32::from(value) + u32::from(trace);
    key * 100 + stale
}

#[cache(companion = false)]
fn shadows_its_own_name(shadows_its_own_name: u8, refresh: u8, this: u8, kept0: u8, arg0: u8) -> u8 {
    ran();
    let user = |shadows_its_own_name: u8| shadows_its_own_name + refresh + this + kept0 + arg0;
    user(shadows_its_own_name)
}

#[cache(companion = raw)]
fn r#match(r#type: u8, r#fn: &str) -> usize {
    ran();
    usize::from(r#type) + r#fn.len()
}

#[cache(key = "{type}")]
fn raw_in_template(r#type: u8) -> u8 {
    ran();
    r#type
}

#[test]
fn sync_bodies() {
    let _scope = testing::scope();
    let count = runs(|| {
        for _ in 0..2 {
            assert_eq!(question("4"), Ok(4));
            assert_eq!(question_option(&[1, 2]), Some(3));
            assert_eq!(question_option(&[1]), None);
            assert_eq!((early(0), early(10)), (0, 4));
            let moved = moving(vec![0], HashMapLike::default(), "x".into());
            assert_eq!(moved, (vec![0, 1], "x".to_owned()));
            assert_eq!(shadows(1, 1, 1, 1, 1, 1, 1), 304);
            assert_eq!(shadows_its_own_name(1, 1, 1, 1, 1), 5);
            assert_eq!(r#match(1, "ab"), 3);
            assert_eq!(raw_in_template(1), 1);
        }
    });
    assert_eq!(count, 10);
    assert_eq!((question("x"), question("0")), (Err("x".into()), Err("zero".into())));
    assert_eq!(shadows::get(1, 1, 1, 1, 1, 1, 1), Some(304));
    assert_eq!(raw::get(1, "ab"), Some(3));
}

#[tokio::test]
async fn async_bodies() {
    let _scope = testing::scope();
    RUNS.set(0);
    for _ in 0..2 {
        assert_eq!(awaiting("4".into(), &[1]).await.as_deref(), Ok("5"));
        assert_eq!(awaiting("4".into(), &[]).await.as_deref(), Ok(""));
    }
    assert_eq!(RUNS.get(), 2);
    assert!(awaiting("x".into(), &[]).await.is_err());
}

fn first() -> u32 {
    #[cache]
    fn inner<T: std::hash::Hash + Eq + Clone + Send + Sync + 'static>(n: T) -> u32 {
        let _ = n;
        100 + ran()
    }
    inner(1_u8) + inner(1_u8)
}

fn second() -> u32 {
    #[cache]
    fn inner<T: std::hash::Hash + Eq + Clone + Send + Sync + 'static>(n: T) -> u32 {
        let _ = n;
        200 + ran()
    }
    inner(1_u8) + inner(1_u8)
}

fn plain_first() -> u32 {
    #[cache]
    fn inner(n: u8) -> u32 {
        u32::from(n) + 10
    }
    inner(1)
}

fn plain_second() -> u32 {
    #[cache]
    fn inner(n: u8) -> u32 {
        u32::from(n) + 20
    }
    inner(1)
}

fn around<T: Default + Send + Sync + 'static>() -> usize {
    struct Local;
    impl Local {
        #[cache(skip(self))]
        fn size<U: 'static>(&self, _n: u8) -> usize {
            size_of::<U>()
        }
    }
    Local.size::<T>(1)
}

#[test]
fn nested_functions_of_one_name_are_different_functions() {
    let _scope = testing::scope();
    RUNS.set(0);
    assert_eq!((first(), second()), (202, 404));
    assert_eq!((plain_first(), plain_second(), plain_first()), (11, 21, 11));
    assert_eq!((around::<u8>(), around::<u64>(), around::<u8>()), (1, 8, 1));
}

macro_rules! squares {
    ($($name:ident: $ty:ty),*) => {$(
        #[cache(capacity = 8)]
        fn $name(n: $ty) -> $ty {
            ran();
            n * n
        }
    )*};
}

squares!(square_small: u8, square_large: u64);

#[test]
fn functions_made_by_a_macro() {
    let _scope = testing::scope();
    assert_eq!(runs(|| assert_eq!((square_small(3), square_small(3), square_large(3)), (9, 9, 9))), 2);
    assert_eq!(square_large::get(3), Some(9));
}

#[cache]
fn where_the_types_decide<'a, T, const N: usize>(list: [T; N], text: &'a str, more: &'a [&'a str]) -> (usize, Arc<str>)
where
    T: Into<u64> + std::hash::Hash + Eq + Clone + Send + Sync + 'static,
{
    ran();
    (N + more.len() + list.into_iter().map(Into::into).sum::<u64>() as usize, Arc::from(text))
}

#[test]
fn const_generics_and_lifetimes() {
    let _scope = testing::scope();
    let text = String::from("t");
    let count = runs(|| {
        for _ in 0..2 {
            assert_eq!(where_the_types_decide([1_u8; 2], &text, &["a"]).0, 5);
            assert_eq!(where_the_types_decide([1_u8; 3], &text, &["a"]).0, 7);
            assert_eq!(where_the_types_decide([1_u16; 2], &text, &["a"]).0, 5);
        }
    });
    assert_eq!(count, 3);
}

#[cache]
fn panics(n: u8) -> u8 {
    ran();
    assert!(n != 0, "zero");
    n
}

#[test]
fn a_panic_is_the_callers_alone() {
    let _scope = testing::scope();
    let caught = std::panic::catch_unwind(|| panics(0)).unwrap_err();
    assert_eq!(caught.downcast_ref::<&str>(), Some(&"zero"));
    assert_eq!(panics(1), 1);
    assert!(std::panic::catch_unwind(|| panics(0)).is_err());
    assert_eq!(panics::stats().load_panics, 2);
    assert_eq!(panics::cache().loads_in_flight(), 0);
}

#[test]
fn isolated_caches_of_two_scopes() {
    let counted = runs(|| {
        for _ in 0..2 {
            let _scope = testing::scope();
            square_small(5);
        }
    });
    assert_eq!(counted, 2);
}
