//! Hashers by the path of their type, with parameters too.
use cachekit::{Key, cache};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher, RandomState};

#[derive(Default)]
struct Sum(u64);

impl Hasher for Sum {
    fn write(&mut self, bytes: &[u8]) {
        self.0 += bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Default)]
struct Seeded<const SEED: u64>;

impl<const SEED: u64> BuildHasher for Seeded<SEED> {
    type Hasher = Sum;
    fn build_hasher(&self) -> Sum {
        Sum(SEED)
    }
}

type Weak = BuildHasherDefault<Sum>;

#[cache(hasher = std::hash::RandomState)]
fn session(token: &str) -> usize {
    token.len()
}

#[cache(hasher = BuildHasherDefault<DefaultHasher>, ttl = "1m")]
fn by_parameter(id: u64, name: &str) -> u64 {
    id + name.len() as u64
}

#[cache(hasher = BuildHasherDefault::<Sum>)]
fn by_turbofish(id: u64) -> u64 {
    id
}

#[cache(hasher = Weak, strategy = "lru", capacity = 10)]
fn by_alias(id: u64) -> u64 {
    id
}

#[cache(hasher = self::Seeded<3>)]
async fn seeded(id: u64) -> u64 {
    id
}

#[cache(hasher = RandomState)]
fn generic<T: Key>(id: T) -> T {
    id
}

struct Repo;

impl Repo {
    #[cache(hasher = RandomState, skip(self))]
    fn find(&self, id: u64) -> u64 {
        id
    }
}

trait Name {
    fn name(&self, id: u64) -> u64;
}

#[cache]
impl Name for Repo {
    #[cache(hasher = Weak, skip(self))]
    fn name(&self, id: u64) -> u64 {
        id
    }
}

fn main() {
    assert_eq!(session("token"), 5);
    assert_eq!(session::get("token"), Some(5));
    assert_eq!(session::cache().get("token"), Some(5));
    for id in 0..100 {
        assert_eq!((by_parameter(id, "ab"), by_turbofish(id), by_alias(id), generic(id)), (id + 2, id, id, id));
        assert_eq!((Repo.find(id), Repo.name(id)), (id, id));
        assert_eq!((by_turbofish::get(id), generic::get(id), Repo::name_cache().get(&id)), (Some(id), Some(id), Some(id)));
    }
    assert_eq!(by_alias::stats().entries, 10);
    let _future = seeded(1);
}
