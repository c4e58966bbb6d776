//! Err is not stored; Ok is; aliases of Result are seen.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

type Api<T> = std::result::Result<T, NoClone>;

#[derive(Debug)]
struct NoClone;

#[cache]
fn api(id: u64) -> Api<u64> {
    computed();
    if id == 0 { Err(NoClone) } else { Ok(id) }
}

#[cache(errors = "1h")]
fn kept(id: u64) -> Result<u64, String> {
    computed();
    if id == 0 { Err("zero".into()) } else { Ok(id) }
}

fn main() {
    assert!(api(0).is_err() && api(0).is_err());
    assert_eq!(COMPUTED.load(SeqCst), 2);
    assert_eq!((api(1).ok(), api(1).ok(), api::get(1)), (Some(1), Some(1), Some(1)));
    assert_eq!(COMPUTED.load(SeqCst), 3);
    assert_eq!((kept(0), kept(0)), (Err("zero".into()), Err("zero".into())));
    assert_eq!(COMPUTED.load(SeqCst), 4);
    assert_eq!(kept::get(0), Some(Err("zero".into())));
}
