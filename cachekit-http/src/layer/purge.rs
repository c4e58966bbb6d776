//! Purging by hand.

use super::shared::Shared;
use cachekit_runtime::{Delivery, stats::Stats};
use http::Uri;
use std::sync::Arc;

/// The handle of a layer: what is done to its entries from outside of requests. From [`CacheLayer::handle`](super::CacheLayer::handle).
///
/// A purge is over when it returns: no request that begins afterwards gets what was purged, and a response that was under way is not stored. On other nodes that
/// holds once the backend has told them, within the bound that it states; the [`Delivery`] says what is known of that.
///
/// All operations are cancel-safe: dropped meanwhile, they go on, and soft ones may become hard.
#[derive(Debug, Clone)]
pub struct CacheHandle {
    pub(super) shared: Arc<Shared>,
}

/// A URI that is not absolute cannot be purged; of a handler, one without a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no host: write it with scheme and host, as clients do")]
pub struct NotAbsolute(Uri);

impl CacheHandle {
    /// Purges every variant of a URI, of every identity. It is written as clients write it, with scheme and host.
    ///
    /// Of a handler with `#[cache(http(…))]` it purges what was asked for by this path, of whatever host and query: what it is made of is what the handler takes. There the path alone,
    /// `/users/7`, is enough.
    ///
    /// # Errors
    /// It has no host; of a handler: it has no path.
    pub async fn purge_uri(&self, uri: &Uri) -> Result<Delivery, NotAbsolute> {
        Ok(self.shared.store.invalidate_uris(&self.keys_of(uri)?).await)
    }

    /// Purges what a rule has given this tag.
    pub async fn purge_tag(&self, tag: impl Into<String>) -> Delivery {
        self.shared.store.invalidate_tags(vec![tag.into()]).await
    }

    /// Purges everything of this layer.
    pub async fn purge_all(&self) -> Delivery {
        self.shared.store.invalidate_all().await
    }

    /// As [`purge_uri`](Self::purge_uri), softly: what is there counts as stale from now on, and stands in where stale responses may, for as long as they may from the first soft
    /// purge on. On other nodes too; a backend that does not take it now purges instead, and what was purged softly eight times and not asked for anew is purged.
    ///
    /// # Errors
    /// It has no host.
    pub async fn soft_purge_uri(&self, uri: &Uri) -> Result<Delivery, NotAbsolute> {
        Ok(self.shared.store.soften_uris(&self.keys_of(uri)?).await)
    }

    /// As [`purge_tag`](Self::purge_tag), [softly](Self::soft_purge_uri).
    pub async fn soft_purge_tag(&self, tag: &str) -> Delivery {
        self.shared.store.soften_tags(vec![tag.to_owned()]).await
    }

    /// As [`purge_all`](Self::purge_all), [softly](Self::soft_purge_uri).
    pub async fn soft_purge_all(&self) -> Delivery {
        self.shared.store.soften_all().await
    }

    /// The statistics of its cache. A look for a response that varies is two looks there.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.store.stats()
    }

    fn keys_of(&self, uri: &Uri) -> Result<Vec<String>, NotAbsolute> {
        self.shared.keys_of(uri).ok_or_else(|| NotAbsolute(uri.clone()))
    }
}
