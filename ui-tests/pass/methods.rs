//! Methods: skip(self), a part of self in the key, self by value, Arc<Self>.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::sync::Arc;

struct Repo {
    tenant: String,
}

impl Repo {
    #[cache(skip(self))]
    fn shared(&self, id: u64) -> u64 {
        computed() + id
    }

    #[cache(key = (self.tenant, id))]
    fn per_tenant(&self, id: u64) -> String {
        computed();
        format!("{}{id}", self.tenant)
    }

    #[cache(skip(self))]
    fn arc(self: Arc<Self>, id: u64) -> u64 {
        computed() + id
    }

    #[cache(skip(self))]
    fn consumed(self, id: u64) -> u64 {
        drop(self.tenant);
        computed() + id
    }

    #[cache(method)]
    fn without_self(id: u64) -> u64 {
        computed() + id
    }

    #[cache]
    fn constructor(tenant: &str) -> Arc<Self> {
        computed();
        Arc::new(Repo { tenant: tenant.to_owned() })
    }
}

fn main() {
    let (one, two) = (Repo { tenant: "a".into() }, Repo { tenant: "b".into() });
    assert_eq!(one.shared(1), two.shared(1));
    assert_eq!((one.per_tenant(1), two.per_tenant(1), one.per_tenant(1)), ("a1".into(), "b1".into(), "a1".into()));
    assert_eq!(COMPUTED.load(SeqCst), 3);
    let shared = Repo::constructor("c");
    assert_eq!(Arc::ptr_eq(&shared, &Repo::constructor("c")), true);
    assert_eq!(shared.clone().arc(1), shared.arc(1));
    assert_eq!(one.consumed(1), two.consumed(1));
    assert_eq!(Repo::without_self(1), Repo::without_self(1));
    assert_eq!(Repo::shared_cache().get(&1), Some(2));
    Repo::shared_cache().invalidate(&1);
    let repo = Repo { tenant: "d".into() };
    let before = COMPUTED.load(SeqCst);
    assert_eq!(repo.shared(1), before + 2);
    assert_eq!(repo.shared_refresh(1), before + 3);
    assert_eq!(repo.shared_uncached(1), before + 4);
    let (value, outcome) = repo.shared_traced(1);
    assert_eq!((value, outcome.kind), (before + 3, cachekit::OutcomeKind::Hit));
}
