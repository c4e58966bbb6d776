//! What tools ask of a store: whether there is one, and which entries an id has.

use super::{FileBackend, HEADER, Header, NEVER, layout, open};
use crate::{Error, backend::Scanned};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// An id has no more fingerprints than this many programs have shapes.
const SHAPES: usize = 1_024;

/// The file of the store in this folder, if there is one.
#[must_use]
pub fn store_in(folder: &Path) -> Option<PathBuf> {
    Some(open::path_of_store(folder)).filter(|path| path.is_file())
}

impl FileBackend {
    /// How many records the file has: the entries of all caches and versions of tags, those included that no walk shows because their time is over.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn records(&self) -> Result<u64, Error> {
        self.core.snapshot().await?.count().map_err(|trouble| self.core.report(trouble))
    }

    /// The entries of an [id](crate::backend::Address::id) under every fingerprint.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn entries_of(&self, id: &str) -> Result<Vec<Scanned>, Error> {
        if self.core.ping().await.is_ok() {
            self.core.written(false).await?;
        }
        let snapshot = self.core.snapshot().await?;
        let (prefix, now) = (layout::prefix(id), self.core.time.now());
        let until = layout::beyond(&prefix);
        let found = snapshot.scan(&prefix, Some(&until), SHAPES, now).map_err(|trouble| self.core.report(trouble))?;
        let rows = found.rows.into_iter().filter(|(key, _)| !self.core.is_gone(key));
        let entries = rows.filter_map(|(key, value)| {
            let (header, _) = Header::read(&value)?;
            let ttl = (header.end != NEVER).then(|| Duration::from_millis(header.end.saturating_sub(now)));
            Some(Scanned::new(layout::read_key(&key)?, value.slice(HEADER..), ttl))
        });
        Ok(entries.collect())
    }
}
