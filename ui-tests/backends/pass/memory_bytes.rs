//! Memory in front of a backend of bytes, and such a backend alone: what one cache stored, one of the same name finds after a restart.
use cachekit::backend::MemoryBytes;
use cachekit::cache;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static BYTES: LazyLock<MemoryBytes> = LazyLock::new(MemoryBytes::new);
static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() {
    COMPUTED.fetch_add(1, SeqCst);
}

/// Before the restart.
mod before {
    use super::*;

    #[cache(backend = ["memory", BYTES], name = "square", ttl = "1h")]
    pub fn square(of: u64) -> u64 {
        computed();
        of * of
    }

    #[cache(backend = BYTES, name = "name", codec = "postcard", compress = "lz4", timeout = "5s")]
    pub fn name(id: u64, locale: &str) -> Result<(String, u64), String> {
        computed();
        if id == 0 { Err("nobody".to_owned()) } else { Ok((format!("{id} {locale}"), id)) }
    }
}

mod after {
    use super::*;

    #[cache(backend = ["memory", BYTES], name = "square", ttl = "1h")]
    pub fn square(_: u64) -> u64 {
        computed();
        0
    }

    #[cache(backend = &*BYTES, name = "name", codec = "postcard", compress = "lz4", timeout = "5s")]
    pub fn name(_: u64, _: &str) -> Result<(String, u64), String> {
        computed();
        Err("elsewhere".to_owned())
    }
}

fn main() {
    assert_eq!((before::square(12), before::square(12)), (144, 144));
    assert_eq!(before::name(7, "en"), Ok(("7 en".to_owned(), 7)));
    assert_eq!(before::name(7, "en"), Ok(("7 en".to_owned(), 7)));
    assert_eq!(COMPUTED.load(SeqCst), 2);
    cachekit::flush().wait();

    assert_eq!(after::square(12), 144);
    assert_eq!(after::name(7, "en"), Ok(("7 en".to_owned(), 7)));
    assert_eq!(COMPUTED.load(SeqCst), 2);
    assert!(before::name(0, "en").is_err());
    assert!(before::name(0, "en").is_err());
    assert_eq!(COMPUTED.load(SeqCst), 4);

    assert_eq!(after::name::get(7, "en"), Some(("7 en".to_owned(), 7)));
    after::name::invalidate(7, "en");
    assert_eq!(before::name::get(7, "en"), None);
    after::name::insert(7, "en", ("seven".to_owned(), 7));
    assert_eq!(before::name(7, "en"), Ok(("seven".to_owned(), 7)));
    after::name::clear();
    assert_eq!(before::name::get(7, "en"), None);
    assert_eq!(COMPUTED.load(SeqCst), 4);
}
