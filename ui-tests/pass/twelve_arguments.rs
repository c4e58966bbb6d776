//! Twelve parts of a key, of every form.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::borrow::Cow;
use std::sync::Arc;

#[cache]
#[allow(clippy::too_many_arguments)]
fn many(
    a: u8,
    b: &str,
    c: Option<&str>,
    d: &[u8],
    e: &[&str],
    f: [&str; 2],
    g: (u8, &str),
    h: Cow<'_, str>,
    i: Arc<str>,
    j: Box<str>,
    k: &String,
    l: Option<u8>,
) -> u64 {
    let _ = (a, b, c, d, e, f, g, h, i, j, k, l);
    computed()
}

fn main() {
    let call = |last| {
        many(
            1,
            "b",
            Some("c"),
            b"d",
            &["e"],
            ["f", "g"],
            (1, "g"),
            "h".into(),
            "i".into(),
            "j".into(),
            &"k".to_owned(),
            last,
        )
    };
    assert_eq!((call(None), call(None), call(Some(1)), call(Some(1))), (1, 1, 2, 2));
}
