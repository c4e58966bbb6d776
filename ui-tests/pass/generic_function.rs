//! Instantiations of a generic function never share a cache.
use cachekit::cache;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static COMPUTED: AtomicU64 = AtomicU64::new(0);

fn computed() -> u64 {
    COMPUTED.fetch_add(1, SeqCst) + 1
}

use std::hash::Hash;

#[cache]
fn name<T>(value: &T) -> String
where
    T: Hash + Eq + Clone + Send + Sync + 'static,
{
    let _ = value;
    computed();
    std::any::type_name::<T>().to_owned()
}

#[cache]
fn sized<const N: usize>(array: [u8; N]) -> usize {
    computed();
    array.len()
}

#[cache]
fn first<T: Hash + Eq + Clone + Send + Sync + 'static>(values: Vec<T>) -> Result<T, String> {
    computed();
    values.into_iter().next().ok_or_else(|| "empty".to_owned())
}

fn main() {
    assert_eq!((name(&1_u8), name(&1_u16), name(&1_u8)), ("u8".into(), "u16".into(), "u8".into()));
    assert_eq!(COMPUTED.load(SeqCst), 2);
    assert_eq!(name::get(&1_u8).as_deref(), Some("u8"));
    assert_eq!(name::get(&1_u32), None);
    name::clear::<u8>();
    assert_eq!((name::cache::<u8>().len(), name::cache::<u16>().len()), (0, 1));
    assert_eq!((sized([1, 2]), sized([1, 2, 3])), (2, 3));
    assert_eq!((first(vec![1]), first(vec!["a"])), (Ok(1), Ok("a")));
    assert_eq!(first::get(vec![1]), Some(1));
    assert_eq!(first::<u8>(vec![]), Err("empty".to_owned()));
}
