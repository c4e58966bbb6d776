//! A listener hears of removals, for plain and for generic functions.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use cachekit::RemovalCause;

static HEARD: AtomicU64 = AtomicU64::new(0);

fn listener(key: &(u64, String), value: &u64, cause: RemovalCause) {
    assert_eq!((key.1.as_str(), *value, cause), ("a", key.0, RemovalCause::Invalidated));
    HEARD.fetch_add(1, SeqCst);
}

#[cache(on_removal = listener)]
fn user(id: u64, name: &str) -> Result<u64, String> {
    let _ = name;
    computed();
    Ok(id)
}

struct Repo;

impl Repo {
    #[cache(skip(self), on_removal = listener)]
    fn find(&self, id: u64, name: &str) -> u64 {
        let _ = name;
        id
    }
}

#[cache(key = (id + 1, name), on_removal = shifted)]
fn keyed(id: u64, name: &str) -> u64 {
    let _ = name;
    id
}

fn shifted(key: &(u64, String), value: &u64, _: RemovalCause) {
    assert_eq!(key.0, value + 1);
    HEARD.fetch_add(1, SeqCst);
}

fn main() {
    assert_eq!((user(1, "a"), Repo.find(2, "a"), keyed(3, "a")), (Ok(1), 2, 3));
    user::invalidate(1, "a");
    assert_eq!(HEARD.load(SeqCst), 1);
    Repo::find_cache().invalidate(&(2, "a".to_owned()));
    assert_eq!(HEARD.load(SeqCst), 2);
    keyed::invalidate(3, "a");
    assert_eq!(HEARD.load(SeqCst), 3);
}
