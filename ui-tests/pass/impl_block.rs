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

fn main() {
    let repo = Repo(1_u8);
    assert_eq!((repo.find(1), repo.find(1)), (2, 2));
    assert_eq!(Repo::<u8>::find_cache().get(&1), Some(2));
    assert_eq!(Repo::<u16>::find_cache().get(&1), None);
    assert_eq!((Repo::without_self(1), Repo::without_self(1)), (3, 3));
    assert_eq!((repo.plain(), repo.other()), (1, 5));
}
