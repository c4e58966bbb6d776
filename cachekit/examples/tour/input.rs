//! The text that the tour works on.

use anyhow::{Context, Result, ensure};
use std::{
    cmp::Reverse,
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

pub(crate) struct Text {
    pub(crate) files: usize,
    pub(crate) lines: Vec<String>,
    /// In order of appearance, with repetitions.
    pub(crate) words: Vec<String>,
    /// Each word once, the commonest first.
    pub(crate) vocabulary: Vec<String>,
}

pub(crate) fn read(files: &[PathBuf]) -> Result<Text> {
    let files = if files.is_empty() { own_sources()? } else { files.to_vec() };
    ensure!(
        !files.is_empty(),
        "there is nothing to read: name some text files, `cargo run -p cachekit --example tour -- FILE…`"
    );
    let mut lines = Vec::new();
    for file in &files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
    }
    let words: Vec<String> = lines
        .iter()
        .flat_map(|line| line.split(|c: char| !c.is_alphabetic()))
        .filter(|word| word.len() > 2)
        .map(str::to_lowercase)
        .collect();
    ensure!(
        !words.is_empty(),
        "there are no words in what was read: name some text files, `cargo run -p cachekit --example tour -- FILE…`"
    );
    let mut counts: HashMap<&String, usize> = HashMap::new();
    words.iter().for_each(|word| *counts.entry(word).or_default() += 1);
    let mut counts: Vec<(&String, usize)> = counts.into_iter().collect();
    counts.sort_unstable_by_key(|(word, count)| (Reverse(*count), *word));
    let vocabulary = counts.into_iter().map(|(word, _)| word.clone()).collect();
    Ok(Text { files: files.len(), lines, words, vocabulary })
}

/// At most so many of them, from all over the text.
pub(crate) fn sample<T>(all: &[T], count: usize) -> impl Iterator<Item = &T> {
    all.iter().step_by(all.len().div_ceil(count).max(1))
}

fn own_sources() -> Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate stands in a workspace")?;
    let mut found = Vec::new();
    for folder in ["cachekit/src", "cachekit-macros/src", "cachekit-runtime/src"] {
        collect(&root.join(folder), &mut found)?;
    }
    found.push(root.join("Cargo.lock"));
    found.retain(|file| file.is_file());
    Ok(found)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, found)?;
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    Ok(())
}
