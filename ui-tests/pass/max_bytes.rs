//! A bound in bytes: by what the value says, or by a weigher, of plain, generic and asynchronous functions and of methods.
use cachekit::{Key, Weigh, cache};
use std::{collections::HashMap, sync::Arc};

#[derive(Clone)]
struct Page {
    body: Vec<u8>,
}

impl Weigh for Page {
    fn weight(&self) -> u64 {
        self.body.weight()
    }
}

#[cache(max_bytes = "64MiB")]
fn page(id: u64) -> Page {
    Page { body: vec![id as u8; 10] }
}

#[cache(max_bytes = "1.5 GB", strategy = "lru", ttl = "30s")]
async fn shared(id: u64, name: &str) -> Result<Arc<Page>, String> {
    if name.is_empty() { Err("nobody".into()) } else { Ok(Arc::new(page(id))) }
}

#[cache(max_bytes = "512KiB", errors = "1s")]
fn whole(id: u64) -> Result<Option<HashMap<String, Page>>, String> {
    if id == 0 { Err("none".into()) } else { Ok(Some([("first".into(), page(id))].into())) }
}

#[cache(max_bytes = "1024B")]
fn several<T: Key + Weigh>(one: &T) -> Vec<T> {
    vec![one.clone(), one.clone()]
}

#[derive(Clone)]
struct Opaque(u64);

fn weigh(key: &u64, value: &Opaque) -> u64 {
    key + value.0
}

fn weigh_pair(_: &(u64, String), value: &Opaque) -> u64 {
    value.0
}

fn weigh_any<T>(_: &T, value: &Opaque) -> u64 {
    value.0
}

#[cache(max_bytes = "10kB", weigher = weigh)]
fn opaque(id: u64) -> Opaque {
    Opaque(id)
}

#[cache(max_bytes = "10kB", weigher = weigh_any)]
fn generic<T: Key>(of: T) -> Opaque {
    let _ = of;
    Opaque(1)
}

fn heard(_: &(u64, String), _: &Opaque, _: cachekit::RemovalCause) {}

struct Site {
    tenant: u64,
}

impl Site {
    #[cache(max_bytes = "10kB", weigher = weigh_pair, on_removal = heard, skip(self))]
    fn opaque(&self, id: u64, name: &str) -> Opaque {
        let _ = name;
        Opaque(id)
    }

    #[cache(max_bytes = "10kB", weigher = self::weigh, key = (self.tenant,), skip(id))]
    async fn by_tenant(&self, id: u64) -> Opaque {
        Opaque(id)
    }
}

trait Find {
    fn find(&self, id: u64) -> Opaque;
}

impl Find for Site {
    #[cache(max_bytes = "10kB", weigher = weigh, companion = false, skip(self))]
    fn find(&self, id: u64) -> Opaque {
        Opaque(id)
    }
}

#[cache(max_bytes = "10kB", weigher = weigh, companion = false)]
fn hidden(id: u64) -> Opaque {
    Opaque(id)
}

#[cache(max_bytes = "1MiB")]
fn nothing_to_skip() -> Page {
    Page { body: Vec::new() }
}

fn main() {
    let site = Site { tenant: 7 };
    for id in 1..4 {
        assert_eq!(page(id).body, vec![id as u8; 10]);
        assert_eq!(whole(id).unwrap().unwrap().len(), 1);
        assert_eq!(several(&id), [id, id]);
        assert_eq!((opaque(id).0, generic(id).0, site.opaque(id, "a").0, site.find(id).0, hidden(id).0), (id, 1, id, id, id));
    }
    let _futures = (shared(1, "a"), site.by_tenant(1));
    assert!(nothing_to_skip().body.is_empty());
    assert_eq!(page::get(3).map(|page| page.body.len()), Some(10));
    assert_eq!(Site::opaque_cache().get(&(3, "a".to_owned())).map(|opaque| opaque.0), Some(3));
}
