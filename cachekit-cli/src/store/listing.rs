//! Walking over the entries without their values.

use super::{Inner, Store};
use crate::{failure::Failure, interrupt};
use cachekit_runtime::{
    backend::{Address, Backend, Cursor},
    envelope::Kind,
    inspect::{self, outline},
};
use std::time::Duration;

/// So many entries a page.
const PAGE: usize = 1_000;

/// The values of a file store's page are in memory at once.
const PAGE_OF_VALUES: usize = 256;

/// An entry without its value.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) address: Address,
    /// `None`: it is no entry of cachekit, or of a later one.
    pub(crate) kind: Option<Kind>,
    pub(crate) bytes: u64,
    /// What is left; `None`: no end.
    pub(crate) ttl: Option<Duration>,
    /// In milliseconds since 1970.
    pub(crate) created: Option<u64>,
}

/// Some of the entries.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) next: Option<Cursor>,
}

impl Store {
    /// A page of the walk.
    pub(crate) async fn page(&self, cache: Option<&str>, from: Option<Cursor>) -> Result<Page, Failure> {
        match &self.inner {
            Inner::Redis(redis) => {
                let listing = redis.listing(cache, from, PAGE).await?;
                let item = |listed: inspect::Listed| Item {
                    kind: listed.outline.map(|outline| outline.kind),
                    created: listed.outline.and_then(|outline| outline.created),
                    address: listed.address,
                    bytes: listed.bytes,
                    ttl: listed.ttl,
                };
                Ok(Page { items: listing.entries.into_iter().map(item).collect(), next: listing.next })
            }
            Inner::File { backend, .. } => {
                let page = backend.scan(cache, from, PAGE_OF_VALUES).await?;
                let entries = page.entries.into_iter().filter(|entry| !inspect::is_bookkeeping(&entry.address));
                let items = entries.map(|entry| {
                    let outline = outline(&entry.bytes);
                    Item {
                        kind: outline.map(|outline| outline.kind),
                        created: outline.and_then(|outline| outline.created),
                        bytes: entry.bytes.len() as u64,
                        address: entry.address,
                        ttl: entry.ttl,
                    }
                });
                Ok(Page { items: items.collect(), next: page.next })
            }
        }
    }

    /// Shows each entry to `visit` until that says `false`. An entry of a Redis that changes while this runs may come twice.
    pub(crate) async fn walk(
        &self,
        cache: Option<&str>,
        mut visit: impl FnMut(Item) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        interrupt::note();
        let mut from = None;
        loop {
            let page = self.page(cache, from).await?;
            for item in page.items {
                if !visit(item)? {
                    return Ok(());
                }
            }
            if interrupt::asked() {
                return Err(Failure::interrupted("interrupted: the store was not walked over to its end"));
            }
            match page.next {
                Some(next) => from = Some(next),
                None => return Ok(()),
            }
        }
    }
}
