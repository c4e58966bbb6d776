use cachekit::cache;
use std::{future::Future, pin::Pin};

struct Repo;

impl Repo {
    // What `#[async_trait]` above makes of `#[cache(skip(self))] async fn find(&self, id: u64) -> u64`.
    #[cache(skip(self))]
    fn find<'life0, 'async_trait>(&'life0 self, id: u64) -> Pin<Box<dyn Future<Output = u64> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move { id })
    }
}

fn main() {}
