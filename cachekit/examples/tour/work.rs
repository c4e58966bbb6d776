//! The three functions, each plain and annotated.

use crate::input::Text;
use anyhow::Result;
use cachekit::cache;
use redb::{Database, ReadableDatabase, TableDefinition};
use std::{collections::HashMap, path::Path, sync::Arc};

/// The word of the dictionary that is most similar to this one, but is not it.
pub(crate) fn nearest_plain(word: &str, dictionary: &[String]) -> Option<Arc<str>> {
    dictionary
        .iter()
        .filter(|other| *other != word)
        .min_by_key(|other| edit_distance(word, other))
        .map(|other| other.as_str().into())
}

#[cache(capacity = 5_000, skip(dictionary))]
pub(crate) fn nearest(word: &str, dictionary: &[String]) -> Option<Arc<str>> {
    nearest_plain(word, dictionary)
}

/// Levenshtein's, by rows.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

const POSTINGS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("postings");

/// Where each word occurs, on disk.
pub(crate) struct Index {
    store: Database,
}

impl Index {
    pub(crate) fn build(path: &Path, text: &Text) -> Result<Index> {
        let mut lines: HashMap<&str, Vec<u8>> = HashMap::new();
        for (number, word) in text.words.iter().enumerate() {
            lines.entry(word).or_default().extend_from_slice(&u32::try_from(number)?.to_le_bytes());
        }
        let store = Database::create(path)?;
        let transaction = store.begin_write()?;
        {
            let mut table = transaction.open_table(POSTINGS)?;
            for (word, postings) in &lines {
                table.insert(*word, postings.as_slice())?;
            }
        }
        transaction.commit()?;
        Ok(Index { store })
    }
}

/// How often a word occurs, from the index on disk.
pub(crate) async fn occurrences_plain(word: &str, index: &Index) -> Result<usize> {
    let transaction = index.store.begin_read()?;
    let table = transaction.open_table(POSTINGS)?;
    let postings = table.get(word)?;
    tokio::task::yield_now().await;
    Ok(postings.map_or(0, |postings| postings.value().chunks_exact(4).count()))
}

#[cache(ttl = "10m", skip(index))]
pub(crate) async fn occurrences(word: &str, index: &Index) -> Result<usize> {
    occurrences_plain(word, index).await
}

/// In how many ways so many words can be set in rows of one to `columns` words.
pub(crate) fn layouts_plain(words: u64, columns: u64) -> u64 {
    if words == 0 { 1 } else { (1..=columns.min(words)).map(|row| layouts_plain(words - row, columns)).sum() }
}

#[cache(capacity = "unbounded")]
pub(crate) fn layouts(words: u64, columns: u64) -> u64 {
    if words == 0 { 1 } else { (1..=columns.min(words)).map(|row| layouts(words - row, columns)).sum() }
}
