//! Sync calls, wherever they come from.

use crate::gated::Gated;
use cachekit_runtime::{Cache, Place};
use serde::{Deserialize, Deserializer, Serialize};
use std::{
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

static NAMES: LazyLock<Cache<u64, String>> =
    LazyLock::new(|| Cache::builder().name("far::threads::names").backends([Place::own(Gated::new())]).build());

/// A value whose reading calls a cached function.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Named(String);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        NAMES.get_or_compute(&1, || "computed".to_owned());
        NAMES.invalidate(&1);
        Ok(Named(name))
    }
}

#[test]
fn a_value_may_call_cached_functions_when_it_is_read() {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let cache = Cache::<u64, Named>::builder().name("far::threads").backends([Place::own(Gated::new())]).build();
        cache.insert(1, Named("a".to_owned()));
        done.send(cache.get(&1))
    });
    let got = is_done.recv_timeout(Duration::from_secs(20)).expect("it does not wait for itself");
    assert_eq!(got, Some(Named("a".to_owned())));
}
