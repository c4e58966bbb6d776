//! What reaches the cache of a function besides calls: a handle where the key's type can be named, functions where it cannot.

use cachekit::{State, cache, invalidate, testing};
use std::cell::Cell;
use std::sync::Arc;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

#[cache(key = (team, id), skip(note))]
fn listed(id: u64, team: &str, note: &str) -> u32 {
    let _ = (id, team, note);
    ran()
}

#[cache(key = name)]
fn single(name: &str) -> u32 {
    let _ = name;
    ran()
}

#[test]
fn parameters_by_name_are_a_key_whose_type_is_known() {
    let _scope = testing::scope();
    let (first, other) = (listed(1, "a", "x"), listed(1, "b", "x"));
    assert_ne!(first, other);
    assert_eq!(listed(1, "a", "y"), first, "what is skipped does not matter");
    let cache: &'static cachekit::Cache<(String, u64), u32> = listed::cache();
    assert_eq!(cache.get(&("b".to_owned(), 1)), Some(other), "in the order of `key`");
    assert_eq!(listed::get(1, "a"), Some(first), "in the order of declaration");
    let name = single("x");
    assert_eq!(single::cache().get(&"x".to_owned()), Some(name));
}

struct Repo {
    tenant: String,
}

impl Repo {
    #[cache(key = (&self.tenant, id))]
    fn label(&self, id: u64) -> String {
        format!("{}/{id}/{}", self.tenant, ran())
    }

    #[cache(key = format!("{}{id}", self.tenant))]
    async fn later(self: &Arc<Self>, id: u64) -> Result<u32, String> {
        if id == 0 { Err("none".to_owned()) } else { Ok(ran()) }
    }

    #[cache(key = (name.trim(),), skip(self))]
    fn trimmed(&self, name: &str) -> u32 {
        let _ = name;
        ran()
    }

    #[cache(method, key = (id % 2,))]
    fn parity(id: u64) -> u64 {
        id + u64::from(ran())
    }

    #[cache(key = (id, name), skip(self))]
    fn plain(&self, id: u64, name: &str) -> u32 {
        let _ = (id, name);
        ran()
    }

    #[cache(skip(self))]
    fn taken_apart(&self, (a, b): (u32, u32)) -> u32 {
        a + b + ran()
    }

    #[cache(key = "{a}", skip(self, b))]
    fn by_half(&self, (a, b): (u32, u32)) -> u32 {
        a + b + ran()
    }
}

#[test]
fn a_method_keyed_by_an_expression() {
    let _scope = testing::scope();
    let (one, two) = (Repo { tenant: "1".into() }, Repo { tenant: "2".into() });
    assert_eq!(one.label_get(7), None);
    let label = one.label(7);
    two.label(7);
    assert_eq!(one.label_get(7), Some(label.clone()));
    assert_eq!(Repo::label_get(&one, 7), Some(label));
    assert_eq!(one.label_get(8), None);
    assert_eq!(one.label_explain(7).state, State::Fresh);
    assert_eq!(Repo::label_stats().entries, 2);
    one.label_invalidate(7);
    assert!(one.label_get(7).is_none() && two.label_get(7).is_some());
    assert_eq!(one.label_explain(7).state, State::Absent);
    Repo::label_clear();
    assert!(two.label_get(7).is_none());
    assert_eq!(Repo::label_stats().entries, 0);
}

#[tokio::test]
async fn an_async_method_keyed_by_an_expression() {
    let _scope = testing::scope();
    let repo = Arc::new(Repo { tenant: "t".into() });
    assert_eq!(repo.later(0).await, Err("none".to_owned()));
    let value = repo.later(3).await.ok();
    assert!(value.is_some());
    assert_eq!(repo.later_get(3).await, value);
    assert_eq!(repo.later_explain(3).await.state, State::Fresh);
    repo.later_invalidate(3).await;
    assert_eq!(repo.later_get(3).await, None);
    repo.later(4).await.ok();
    Repo::later_clear().await;
    assert_eq!(Repo::later_stats().entries, 0);
}

#[test]
fn without_self_in_the_key_it_is_not_asked_for() {
    let _scope = testing::scope();
    let repo = Repo { tenant: "t".into() };
    let trimmed = repo.trimmed(" a");
    assert_eq!(Repo::trimmed_get("a "), Some(trimmed));
    Repo::trimmed_invalidate("a");
    assert_eq!(Repo::trimmed_get("a"), None);
    let odd = Repo::parity(1);
    assert_eq!(Repo::parity_get(3), Some(odd));
    Repo::parity_clear();
    assert_eq!((Repo::parity_get(3), Repo::parity_stats().entries), (None, 0));
    let half = repo.by_half((1, 2));
    assert_eq!(Repo::by_half_get((1, 9)), Some(half));
    Repo::by_half_clear();
    assert_eq!(Repo::by_half_stats().entries, 0);
}

#[test]
fn a_method_keyed_by_parameters_has_a_handle() {
    let _scope = testing::scope();
    let repo = Repo { tenant: "t".into() };
    let (plain, apart) = (repo.plain(1, "x"), repo.taken_apart((1, 2)));
    assert_eq!(Repo::plain_cache().get(&(1, "x".to_owned())), Some(plain));
    assert_eq!(Repo::taken_apart_cache().get(&(1, 2)), Some(apart));
}

struct Typed<T>(T);

impl<T: std::hash::Hash + Eq + Clone + Send + Sync + 'static> Typed<T> {
    #[cache(key = (&self.0, &other))]
    fn pair<U: std::hash::Hash + Eq + Clone + Send + Sync + 'static>(&self, other: U) -> (usize, u32) {
        let _ = other;
        (size_of::<(T, U)>(), ran())
    }
}

#[test]
fn instantiations_have_caches_of_their_own() {
    let _scope = testing::scope();
    let typed = Typed(1_u8);
    let pair = typed.pair(2_u8);
    typed.pair(2_u16);
    assert_eq!(typed.pair_get(2_u8), Some(pair));
    Typed::<u8>::pair_clear::<u8>();
    assert_eq!((typed.pair_get(2_u8), Typed::<u8>::pair_stats::<u8>().entries), (None, 0));
    assert_eq!(Typed::<u8>::pair_stats::<u16>().entries, 1);
}

trait Named {
    fn name(&self, id: u32) -> String;
}

#[cache]
impl<T: std::fmt::Display> Named for Typed<T> {
    #[cache(key = (self.0.to_string(), id))]
    fn name(&self, id: u32) -> String {
        format!("{}{id}{}", self.0, ran())
    }
}

#[invalidate(Typed::<u8>::name(&typed, id))]
fn renamed(typed: Typed<u8>, id: u32) -> u32 {
    u32::from(typed.0) + id
}

#[test]
fn a_method_of_a_trait_under_an_annotated_block() {
    let _scope = testing::scope();
    let typed = Typed(5_u8);
    let name = typed.name(1);
    assert_eq!(typed.name_get(1), Some(name));
    renamed(Typed(5), 1);
    assert_eq!(typed.name_get(1), None);
    typed.name(1);
    Typed::<u8>::name_clear();
    assert_eq!(Typed::<u8>::name_stats().entries, 0);
}
