//! Every shape of a batch: what it takes, what it returns, where it stands.

#![forbid(unsafe_code)]
#![deny(warnings, clippy::pedantic)]

use cachekit::cache;
use std::{
    collections::{BTreeMap, HashMap, hash_map::RandomState},
    hash::BuildHasherDefault,
    rc::Rc,
};

type Failing<T> = Result<T, Rc<str>>;
type Named<V> = HashMap<String, V, BuildHasherDefault<std::hash::DefaultHasher>>;

#[derive(Clone)]
struct User;

/// With a listener and a bound.
#[must_use]
#[cache(batch, strategy = "lru", capacity = 100, ttl = |_value| std::time::Duration::from_secs(1), jitter = "10%", cache_if = |_value| true, on_removal = gone, max_loads = 4)]
pub fn plain(ids: &[u64]) -> HashMap<u64, u8> {
    ids.iter().map(|id| (*id, 1)).collect()
}

fn gone(_: &u64, _: &u8, _: cachekit::RemovalCause) {}

#[cache(batch, companion = several)]
async fn text(ids: &[&str]) -> Failing<Named<User>> {
    Ok(ids.iter().map(|id| ((*id).to_owned(), User)).collect())
}

#[cache(batch = ids, skip(fields), idle = "1m")]
async fn with_lists(fields: &[String], tenant: u32, ids: Vec<(u8, String)>, states: &[u8]) -> Result<Vec<Option<usize>>, String> {
    Ok(ids.iter().map(|(id, _)| Some(usize::from(*id) + fields.len() + tenant as usize + states.len())).collect())
}

#[cache(batch, companion = false)]
fn hidden(ids: &[Option<&'static str>]) -> BTreeMap<Option<&'static str>, u8> {
    ids.iter().map(|id| (*id, 0)).collect()
}

#[cache(batch, max_bytes = "1MiB", hasher = RandomState)]
fn generic<T: cachekit::Key, const N: usize>(ids: &[[T; N]]) -> HashMap<[T; N], Vec<u8>> {
    ids.iter().map(|id| (id.clone(), Vec::new())).collect()
}

#[cache]
async fn single<T: cachekit::Key>(tenant: u32, id: T) -> Option<T> {
    (tenant > 0).then_some(id)
}

#[cache(batch, of = single::<u64>)]
async fn of_generic(tenant: u32, ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id + u64::from(tenant))).collect()
}

struct Repo<T> {
    users: cachekit::Cache<(u8, u64), T>,
}

trait Find<T> {
    fn find(&self, ids: &[u64]) -> HashMap<u64, u64>;
}

#[cache]
impl<T: Clone + Send + Sync + 'static> Find<T> for Repo<T> {
    #[cache(batch, skip(self))]
    fn find(&self, ids: &[u64]) -> HashMap<u64, u64> {
        ids.iter().map(|id| (*id, *id)).collect()
    }
}

impl<T: Clone + Send + Sync + 'static> Repo<T> {
    #[cache(batch, cache = self.users)]
    async fn own(&self, tenant: u8, ids: &[u64]) -> Vec<Option<T>> {
        ids.iter().map(|_| None).chain((tenant > 200).then_some(None)).collect()
    }

    #[cache(batch, skip(self))]
    async fn shared(self: std::sync::Arc<Self>, ids: &[u64]) -> HashMap<u64, usize> {
        ids.iter().map(|id| (*id, std::sync::Arc::strong_count(&self))).collect()
    }

    #[cache(batch, method, bypass_if = ids.is_empty())]
    fn many(ids: &[u64]) -> HashMap<u64, String> {
        ids.iter().map(|id| (*id, id.to_string())).collect()
    }
}

fn outer() -> usize {
    #[cache(batch, single_flight = false, stale_if_error = "1m", ttl = "1s")]
    fn inner(ids: &[u64]) -> Result<HashMap<u64, u64>, String> {
        Ok(ids.iter().map(|id| (*id, *id)).collect())
    }
    inner(&[1]).map_or(0, |found| found.len())
}

fn is_send(_: impl Send) {}

fn main() {
    assert_eq!(plain(&[1, 2]).len() + hidden(&[None]).len() + generic(&[[1_u8, 2]]).len() + outer(), 5);
    is_send(of_generic(1, &[1]));
    is_send(with_lists(&[], 1, Vec::new(), &[]));
    drop(text(&["a"]));
    drop(several::invalidate_many(&["a"]));
    let repo = Repo { users: cachekit::Cache::<(u8, u64), User>::builder().build() };
    is_send(repo.own(1, &[2]));
    is_send(std::sync::Arc::new(Repo { users: cachekit::Cache::<(u8, u64), User>::builder().build() }).shared(&[1]));
    assert_eq!(repo.find(&[1]).len() + Repo::<User>::many(&[1]).len(), 2);
    assert_eq!(Repo::<User>::many_get_many(&[1]), [Some("1".to_owned())]);
    plain::invalidate_many(&[1]);
    plain::clear();
    drop(of_generic::get_many(1, &[1]));
}
