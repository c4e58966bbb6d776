//! `batch`, `of`: functions over several ids, whose elements are cached one by one.

use cachekit::{cache, testing};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
};

thread_local! {
    static ASKED: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

fn asked() -> Vec<Vec<u64>> {
    ASKED.take()
}

fn note(ids: &[u64]) {
    ASKED.with_borrow_mut(|asked| asked.push(ids.to_vec()));
}

#[derive(Debug, Clone, PartialEq)]
struct User {
    id: u64,
    name: String,
}

fn user_of(id: u64) -> User {
    User { id, name: format!("user {id}") }
}

#[cache(batch)]
fn users(ids: &[u64]) -> HashMap<u64, User> {
    note(ids);
    ids.iter().filter(|id| **id < 100).map(|id| (*id, user_of(*id))).collect()
}

#[test]
fn exactly_the_missing_ids_are_computed() {
    let _scope = testing::scope();
    assert_eq!(users(&[1, 2]).len(), 2);
    assert_eq!(users(&[3, 2, 1, 3, 200])[&3], user_of(3));
    assert_eq!(asked(), [vec![1, 2], vec![3, 200]]);
    assert_eq!(users(&[1, 2, 3]).len(), 3);
    assert!(users(&[]).is_empty());
    assert!(asked().is_empty());
    assert_eq!(users(&[200]), HashMap::new());
    assert_eq!(asked(), [vec![200]], "no value is not stored");
}

#[test]
fn the_companion_has_several_ids_too() {
    let _scope = testing::scope();
    users(&[1, 2]);
    assert_eq!(users::get_many(&[2, 9, 1, 2]), [Some(user_of(2)), None, Some(user_of(1)), Some(user_of(2))]);
    users::invalidate_many(&[1, 7]);
    assert_eq!(users::cache().get(&1), None);
    assert_eq!(asked(), [vec![1, 2]]);
    users(&[1, 2]);
    users::refresh(&[1, 2]);
    assert_eq!(asked(), [vec![1], vec![1, 2]]);
    assert_eq!(users::uncached(&[1]).len(), 1);
    assert_eq!(asked(), [vec![1]]);
    let stats = users::stats();
    assert_eq!((stats.batches, stats.loads), (3, 5));
    users::clear();
    assert_eq!(users::get_many(&[2]), [None]);
}

type Failing<T> = Result<T, String>;

#[cache(batch, ttl = "10s")]
fn in_order(ids: &[u64]) -> Failing<Vec<Option<u64>>> {
    note(ids);
    if ids.contains(&666) {
        return Err("down".to_owned());
    }
    Ok(ids.iter().map(|id| id.is_multiple_of(2).then_some(id * 2)).collect())
}

#[test]
fn a_vector_keeps_order_and_duplicates() {
    let scope = testing::scope();
    assert_eq!(in_order(&[4, 3, 2, 4]), Ok(vec![Some(8), None, Some(4), Some(8)]));
    assert_eq!(in_order(&[2, 3, 6, 2]), Ok(vec![Some(4), None, Some(12), Some(4)]));
    assert_eq!(asked(), [vec![4, 3, 2], vec![3, 6]]);
    assert_eq!(in_order(&[2, 8, 666]), Err("down".to_owned()));
    assert_eq!(in_order(&[2, 4, 6]), Ok(vec![Some(4), Some(8), Some(12)]));
    assert_eq!(asked(), [vec![8, 666]], "what was cached is not lost");
    scope.advance(std::time::Duration::from_secs(11));
    assert_eq!(in_order(&[2]), Ok(vec![Some(4)]));
    assert_eq!(asked(), [vec![2]]);
}

#[cache(batch, none = "10s", ttl = "1m")]
fn with_absence(ids: Vec<u64>) -> BTreeMap<u64, String> {
    note(&ids);
    ids.into_iter().filter(|id| id.is_multiple_of(2)).map(|id| (id, id.to_string())).collect()
}

#[test]
fn absence_is_kept_for_as_long_as_none_says() {
    let scope = testing::scope();
    assert_eq!(with_absence(vec![1, 2]), BTreeMap::from([(2, "2".to_owned())]));
    assert_eq!(with_absence(vec![1, 2]).len(), 1);
    assert_eq!(asked(), [vec![1, 2]]);
    scope.advance(std::time::Duration::from_secs(11));
    with_absence(vec![2, 1]);
    assert_eq!(asked(), [vec![1]]);
}

#[cache(batch, none = "10s", ttl = "1m")]
fn of_a_wrong_length(ids: &[u64]) -> Vec<Option<u64>> {
    note(ids);
    if ids.contains(&666) { vec![Some(1)] } else { ids.iter().map(|id| (*id != 1).then_some(*id)).collect() }
}

#[test]
fn nothing_is_concluded_from_a_vector_of_another_length() {
    let _scope = testing::scope();
    assert_eq!(of_a_wrong_length(&[1, 2, 666]), [None, None, None]);
    assert_eq!(of_a_wrong_length(&[1, 2]), [None, Some(2)], "also not that there is nothing");
    assert_eq!(of_a_wrong_length(&[1, 2]), [None, Some(2)]);
    assert_eq!(asked(), [vec![1, 2, 666], vec![1, 2]]);
}

#[cache(batch, skip(calls))]
fn of_tenant(calls: &Cell<u32>, tenant: u32, ids: &[&str], scale: u64) -> HashMap<String, u64> {
    calls.set(calls.get() + 1);
    ids.iter().map(|id| ((*id).to_owned(), u64::from(tenant) * scale + id.len() as u64)).collect()
}

#[test]
fn further_parameters_are_in_the_key_or_skipped() {
    let _scope = testing::scope();
    let calls = Cell::new(0);
    assert_eq!(of_tenant(&calls, 1, &["a", "bb"], 10)["bb"], 12);
    assert_eq!(of_tenant(&calls, 1, &["bb", "a"], 10)["a"], 11);
    assert_eq!(calls.get(), 1);
    assert_eq!(of_tenant(&calls, 2, &["bb"], 10)["bb"], 22);
    assert_eq!(of_tenant(&calls, 2, &["bb"], 100)["bb"], 202);
    assert_eq!(calls.get(), 3);
    assert_eq!(of_tenant::cache().get(&(1, "bb".to_owned(), 10)), Some(12));
    assert_eq!(of_tenant::get_many(1, &["a", "c"], 10), [Some(11), None]);
}

#[cache]
fn user(id: u64) -> Result<User, String> {
    note(&[id]);
    Ok(user_of(id))
}

#[cache(batch, of = user)]
fn all_users(ids: &[u64]) -> Result<HashMap<u64, User>, String> {
    note(ids);
    Ok(ids.iter().map(|id| (*id, user_of(*id))).collect())
}

#[test]
fn entries_are_shared_with_the_single_function_both_ways() {
    let _scope = testing::scope();
    user(1).unwrap();
    assert_eq!(all_users(&[1, 2]).unwrap().len(), 2);
    assert_eq!(user(2).unwrap(), user_of(2));
    assert_eq!(asked(), [vec![1], vec![2]]);
    user::invalidate(2);
    assert_eq!(all_users::get_many(&[1, 2]), [Some(user_of(1)), None]);
    all_users::invalidate_many(&[1]);
    user(1).unwrap();
    assert_eq!(asked(), [vec![1]]);
}

#[cache(ttl = "1m")]
async fn maybe(tenant: u32, id: u64) -> Option<User> {
    note(&[id, u64::from(tenant)]);
    id.is_multiple_of(2).then(|| user_of(id))
}

#[cache(batch, of = maybe)]
async fn maybe_all(tenant: u32, ids: &[u64]) -> Vec<Option<User>> {
    note(ids);
    let _ = tenant;
    ids.iter().map(|id| id.is_multiple_of(2).then(|| user_of(*id))).collect()
}

#[tokio::test]
async fn absence_is_shared_where_the_single_function_has_options() {
    let scope = testing::scope();
    scope
        .run(async {
            assert_eq!(maybe(1, 3).await, None);
            assert_eq!(maybe_all(1, &[3, 2, 5]).await, [None, Some(user_of(2)), None]);
            assert_eq!((maybe(1, 2).await, maybe(1, 5).await), (Some(user_of(2)), None));
            assert_eq!(asked(), [vec![3, 1], vec![2, 5]]);
            assert_eq!(maybe_all::get_many(1, &[2, 4]).await, [Some(user_of(2)), None]);
        })
        .await;
}

struct Repo {
    factor: u64,
}

impl Repo {
    #[cache(batch, skip(self))]
    fn find(&self, ids: &[u64]) -> HashMap<u64, u64> {
        note(ids);
        ids.iter().map(|id| (*id, id * self.factor)).collect()
    }

    #[cache(skip(self))]
    async fn one(&self, id: u64) -> Result<u64, String> {
        Ok(id * self.factor)
    }

    #[cache(batch, of = Repo::one, skip(self))]
    async fn many(&self, ids: &[u64]) -> Result<BTreeMap<u64, u64>, String> {
        note(ids);
        Ok(ids.iter().map(|id| (*id, id * self.factor)).collect())
    }
}

#[tokio::test]
async fn methods() {
    let scope = testing::scope();
    scope
        .run(async {
            let repo = Repo { factor: 3 };
            assert_eq!(repo.find(&[1, 2])[&2], 6);
            assert_eq!(repo.find(&[2, 3])[&3], 9);
            assert_eq!(asked(), [vec![1, 2], vec![3]]);
            assert_eq!(Repo::find_get_many(&[1, 9]), [Some(3), None]);
            Repo::find_invalidate_many(&[1]);
            assert_eq!(Repo::find_cache().get(&1), None);
            assert_eq!(repo.one(7).await, Ok(21));
            assert_eq!(repo.many(&[7, 8]).await.unwrap()[&8], 24);
            assert_eq!(asked(), [vec![8]]);
        })
        .await;
}

#[cache(batch)]
async fn any<T>(ids: &[T]) -> HashMap<T, usize>
where
    T: cachekit::Key + std::fmt::Debug,
{
    note(&[ids.len() as u64]);
    ids.iter().map(|id| (id.clone(), format!("{id:?}").len())).collect()
}

#[tokio::test]
async fn generic_functions() {
    let scope = testing::scope();
    scope
        .run(async {
            assert_eq!(any(&[1_u8, 22]).await[&22], 2);
            assert_eq!(any(&["a".to_owned()]).await["a"], 3);
            assert_eq!(any(&[22_u8, 1]).await[&1], 1);
            assert_eq!(asked(), [vec![2], vec![1]]);
            assert_eq!(any::get_many(&[1_u8, 3]).await, [Some(1), None]);
        })
        .await;
}

#[cache(batch, ttl = "10s", refresh_ahead = "50%", refresh = "inline", tags = ["n:{ids}", "all"], bypass_if = ids.len() > 5)]
fn with_everything(ids: &[u64]) -> HashMap<u64, u64> {
    note(ids);
    ids.iter().map(|id| (*id, *id)).collect()
}

#[test]
fn tags_refreshes_and_bypasses_are_of_single_ids() {
    let scope = testing::scope();
    with_everything(&[1, 2, 3]);
    cachekit::invalidate_tag("n:2");
    with_everything(&[1, 2, 3]);
    assert_eq!(asked(), [vec![1, 2, 3], vec![2]]);
    cachekit::invalidate_tag("all");
    with_everything(&[1]);
    assert_eq!(asked(), [vec![1]]);
    scope.advance(std::time::Duration::from_secs(6));
    with_everything(&[1, 4]);
    assert_eq!(asked(), [vec![1, 4]], "what is due is refreshed with what is missing");
    with_everything(&[1, 2, 3, 4, 5, 6]);
    assert_eq!(asked(), [vec![1, 2, 3, 4, 5, 6]]);
    assert_eq!(with_everything::stats().bypasses.asked, 1);
}

#[cachekit::invalidate(users(ids))]
fn rename(ids: &[u64]) {}

#[test]
fn invalidate_takes_several_ids() {
    let _scope = testing::scope();
    users(&[1, 2, 3]);
    rename(&[1, 3]);
    asked();
    users(&[1, 2, 3]);
    assert_eq!(asked(), [vec![1, 3]]);
}

/// Says when it is cloned.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Counted(u64);

thread_local! {
    static CLONES: Cell<u32> = const { Cell::new(0) };
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Counted(self.0)
    }
}

#[cache(batch)]
fn counted(ids: &[Counted]) -> Vec<Option<u64>> {
    ids.iter().map(|id| Some(id.0)).collect()
}

#[test]
fn a_full_hit_clones_no_id() {
    let _scope = testing::scope();
    let ids = [Counted(1), Counted(2)];
    counted(&ids);
    CLONES.set(0);
    assert_eq!(counted(&ids), [Some(1), Some(2)]);
    assert_eq!(CLONES.get(), 0);
}

#[derive(Debug, Clone, PartialEq)]
struct Down(u64);

#[cache]
async fn fragile(id: u64) -> Result<u64, Down> {
    gate(id).await;
    Err(Down(id))
}

#[cache(batch, of = fragile)]
async fn all_fragile(ids: &[u64]) -> Result<HashMap<u64, u64>, Down> {
    note(ids);
    gate(ids.len() as u64 + 100).await;
    match ids.iter().find(|id| **id >= 50) {
        Some(id) => Err(Down(*id)),
        None => Ok(ids.iter().map(|id| (*id, *id)).collect()),
    }
}

thread_local! {
    static GATE: RefCell<HashMap<u64, std::rc::Rc<tokio::sync::Notify>>> = RefCell::default();
}

/// Passes once it is opened.
async fn gate(number: u64) {
    let notify = GATE.with_borrow_mut(|gates| gates.entry(number).or_default().clone());
    notify.notified().await;
}

fn open(number: u64) {
    GATE.with_borrow_mut(|gates| gates.entry(number).or_default().clone()).notify_one();
}

/// Waits for so many more flights to be joined.
async fn joined(count: u64) {
    while fragile::stats().joins < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn errors_go_to_those_who_follow_one_element() {
    let scope = testing::scope();
    let run = async {
        // A batch follows a single call that fails.
        let (single, batch) = tokio::join!(fragile(1), async {
            let batch = all_fragile(&[2, 1]);
            let open = async {
                open(101);
                joined(1).await;
                open(1);
            };
            tokio::join!(batch, open).0
        });
        assert_eq!((single, batch), (Err(Down(1)), Err(Down(1))));
        assert_eq!(asked(), [vec![2]], "its own element is not lost");
        assert_eq!(fragile::cache().get(&2), Some(2));
        // A single call follows a batch that fails, and so does another batch.
        let (batch, other, single, ()) = tokio::join!(
            all_fragile(&[60, 61]),
            async { all_fragile(&[60, 2]).await },
            async { fragile(61).await },
            async {
                joined(3).await;
                open(102);
            }
        );
        assert_eq!((batch, other, single), (Err(Down(60)), Err(Down(60)), Err(Down(60))));
        assert_eq!(asked(), [vec![60, 61]]);
    };
    scope.run(run).await;
}

#[cache(batch, ttl = "10s", stale_if_error = "1m")]
fn stale(ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
    note(ids);
    if DOWN.get() { Err("down".to_owned()) } else { Ok(ids.iter().map(|id| (*id, *id)).collect()) }
}

thread_local! {
    static DOWN: Cell<bool> = const { Cell::new(false) };
}

#[test]
fn stale_values_stand_in_for_an_error_where_all_have_one() {
    let scope = testing::scope();
    stale(&[1, 2]).unwrap();
    scope.advance(std::time::Duration::from_secs(11));
    DOWN.set(true);
    assert_eq!(stale(&[2, 1]), Ok(HashMap::from([(1, 1), (2, 2)])));
    assert_eq!(stale(&[2, 3]), Err("down".to_owned()), "3 has none");
    DOWN.set(false);
    assert_eq!(stale(&[1, 2, 3]).unwrap().len(), 3);
}

#[cache(batch, backend = ["memory", FILE], ttl = "1h", name = "attribute_batch::stored", skip(factor))]
async fn stored(factor: u64, tenant: &str, ids: &[u64]) -> Result<BTreeMap<u64, Vec<u64>>, String> {
    note(ids);
    Ok(ids.iter().map(|id| (*id, vec![id * factor; tenant.len()])).collect())
}

static FILE: std::sync::LazyLock<cachekit::backend::MemoryBytes> =
    std::sync::LazyLock::new(cachekit::backend::MemoryBytes::new);

#[tokio::test]
async fn over_a_backend() {
    assert_eq!(stored(2, "ab", &[1, 2]).await.unwrap()[&2], [4, 4]);
    cachekit::flush().await;
    stored::cache().retain(|_, _| false);
    assert_eq!(stored(3, "ab", &[2, 1]).await.unwrap()[&2], [4, 4]);
    assert_eq!(asked(), [vec![1, 2]], "the others are in the backend");
    stored::invalidate_many("ab", &[1]).await;
    assert_eq!(stored::get_many("ab", &[1, 2]).await, [None, Some(vec![4, 4])]);
    stored::clear().await;
    assert_eq!(stored::get_many("ab", &[2]).await, [None]);
}

#[test]
fn runs_past_the_cache_are_counted() {
    let scope = testing::scope();
    users(&[1]);
    assert_eq!(users::stats().batches, 1);
    drop(scope);
    let dry = testing::dry_run();
    users(&[1, 2]);
    let before = users::stats();
    assert_eq!(asked().len(), 2, "it computes");
    users(&[1, 2]);
    assert_eq!((users::stats().batches, users::stats().loads), (before.batches + 1, before.loads), "all would be hits");
    drop(dry);
}
