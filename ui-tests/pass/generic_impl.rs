//! Methods of a generic impl: no sharing between instantiations.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

struct Repo<T>(T);

impl<T: Clone + Send + Sync + 'static> Repo<T> {
    #[cache(skip(self))]
    fn find(&self, id: u64) -> Option<T> {
        computed();
        (id > 0).then(|| self.0.clone())
    }

    #[cache(method)]
    fn size(extra: usize) -> usize {
        size_of::<T>() + extra
    }
}

fn main() {
    assert_eq!((Repo(1_u8).find(1), Repo("a").find(1), Repo(2_u8).find(1)), (Some(1), Some("a"), Some(1)));
    assert_eq!(COMPUTED.load(SeqCst), 2);
    assert_eq!((Repo::<u8>::size(1), Repo::<u64>::size(1)), (2, 9));
    assert_eq!(Repo::<u8>::find_cache().len(), 1);
    assert_eq!(Repo::<u16>::find_cache().len(), 0);
}
