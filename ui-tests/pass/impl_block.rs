//! A bare #[cache] on an impl block, of a trait and without.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

trait Service {
    fn find(&self, id: u64) -> u64;
    fn other(&self) -> u64 {
        5
    }
}

struct Repo<T>(T);

#[cache]
impl<T: Clone> Service for Repo<T> {
    #[cache(skip(self))]
    fn find(&self, id: u64) -> u64 {
        let _ = self.0.clone();
        computed() + id
    }
}

#[cache]
impl Repo<u8> {
    #[cache]
    fn without_self(id: u64) -> u64 {
        computed() + id
    }

    fn plain(&self) -> u8 {
        self.0
    }
}

mod services {
    pub trait Load<K> {
        type Item;
        type Failure;
        const STEP: u64;
        fn load(&self, key: K) -> Result<Self::Item, Self::Failure>;
        fn step(&self) -> u64 {
            Self::STEP
        }
    }
}

#[derive(Clone)]
struct Store;

#[cfg(all())]
#[cache]
impl services::Load<u64> for Store {
    type Item = Vec<u64>;
    type Failure = std::num::ParseIntError;
    const STEP: u64 = 3;

    #[cache(skip(self), ttl = "1m", refresh_ahead = "80%")]
    fn load(&self, key: u64) -> Result<Self::Item, Self::Failure> {
        let parsed: u64 = "1".parse()?;
        if key == 0 {
            return Ok(Self::Item::new());
        }
        let list: Self::Item = vec![key, self.step(), Self::STEP, parsed, computed()];
        Ok(list)
    }
}

#[cfg(any())]
#[cache]
impl services::Load<u8> for Store {
    type Item = Missing;
    #[cache(skip(self))]
    fn load(&self, key: u8) -> Missing {
        missing(key)
    }
}

struct Any;

// No inherent impl can name `K`.
#[cache]
impl<K: std::hash::Hash + Eq + Clone + Send + Sync + 'static> services::Load<K> for Any {
    type Item = u64;
    type Failure = ();
    const STEP: u64 = 1;

    #[cache(skip(self))]
    fn load(&self, key: K) -> Result<Self::Item, Self::Failure> {
        let _ = key;
        Ok(computed())
    }
}

#[cache]
impl Service for Vec<u64> {
    #[cache(key = (self.len(), id))]
    fn find(&self, id: u64) -> u64 {
        computed() + id
    }
}

fn blocks_of_traits() {
    use services::Load;
    let store = Store;
    let first = store.load(5);
    assert_eq!(store.load(5), first);
    assert_eq!(first.as_ref().map(Vec::len), Ok(5));
    assert_ne!(store.load_uncached(5), first);
    let (traced, outcome) = store.load_traced(5);
    assert_eq!((traced, outcome.kind), (first.clone(), cachekit::OutcomeKind::Hit));
    assert_ne!(store.load_refresh(5), first);
    assert_ne!(store.load(5), first);
    assert_eq!(Store::load_cache().get(&5), store.load(5).ok());
    assert_eq!(Any.load(1_u8), Any.load(1_u8));
    assert_ne!(Any.load(1_u8), Any.load(1_u16));
    assert_eq!(vec![1].find(1), vec![2].find(1));
}

fn main() {
    let repo = Repo(1_u8);
    assert_eq!((repo.find(1), repo.find(1)), (2, 2));
    assert_eq!(Repo::<u8>::find_cache().get(&1), Some(2));
    assert_eq!(Repo::<u16>::find_cache().get(&1), None);
    assert_eq!((Repo::without_self(1), Repo::without_self(1)), (3, 3));
    assert_eq!((repo.plain(), repo.other()), (1, 5));
    blocks_of_traits();
}
