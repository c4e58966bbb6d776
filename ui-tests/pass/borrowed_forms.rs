//! References of every kind are looked up without being owned.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::borrow::Cow;
use std::path::Path;

#[cache]
fn forms<'a>(
    path: &'a Path,
    names: &[&'a str],
    bytes: &'static [u8],
    cow: Cow<'a, str>,
    maybe: Option<Option<&'a str>>,
) -> usize {
    computed();
    path.as_os_str().len() + names.len() + bytes.len() + cow.len() + maybe.flatten().map_or(0, str::len)
}

fn main() {
    let name = String::from("x");
    for _ in 0..3 {
        assert_eq!(forms(Path::new("/ab"), &[&name, "y"], b"12", Cow::Owned("cd".into()), Some(Some("z"))), 10);
    }
    assert_eq!(COMPUTED.load(SeqCst), 1);
    assert_eq!(forms::get(Path::new("/ab"), &["x", "y"], b"12", "cd".into(), Some(Some("z"))), Some(10));
    assert_eq!(forms::get(Path::new("/ab"), &["xy"], b"12", "cd".into(), Some(Some("z"))), None);
}
