//! The main job on real input: functions over real text, each plain and annotated.
//!
//! `cargo run -p cachekit --example tour -- [FILE…]`; without files it reads this workspace's own sources and lock file.

mod demos;
mod input;
mod table;
mod work;

use anyhow::Result;
use std::{future::Future, path::PathBuf, time::Instant};
use table::{Row, Table};

#[tokio::main]
async fn main() -> Result<()> {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let text = input::read(&files)?;
    println!(
        "{} files, {} lines, {} words, {} different\n",
        text.files,
        text.lines.len(),
        text.words.len(),
        text.vocabulary.len()
    );

    let mut table = Table::default();
    nearest(&text, &mut table);
    occurrences(&text, &mut table).await?;
    layouts(&text, &mut table);
    println!("{table}");

    demos::invalidation();
    demos::expiry();
    demos::single_flight();
    demos::single_flight_of_tasks().await?;
    demos::rejection();
    Ok(())
}

/// A pure function that is honestly expensive: the most similar other word of the text, by edit distance.
fn nearest(text: &input::Text, table: &mut Table) {
    let calls: Vec<&str> = input::sample(&text.words, 2_000).map(String::as_str).collect();
    let dictionary = &text.vocabulary[..text.vocabulary.len().min(500)];
    let (plain, without) = timed(|| calls.iter().map(|word| work::nearest_plain(word, dictionary)).collect::<Vec<_>>());
    let (cached, with) = timed(|| calls.iter().map(|word| work::nearest(word, dictionary)).collect::<Vec<_>>());
    assert!(plain == cached, "the annotated function gives what the plain one gives");
    table.add(Row::new("nearest(word)", "pure, edit distance", calls.len(), &work::nearest::stats(), without, with));
}

/// An async function against an embedded store on disk.
async fn occurrences(text: &input::Text, table: &mut Table) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let index = work::Index::build(&folder.path().join("index.redb"), text)?;
    let calls: Vec<&str> = input::sample(&text.words, 20_000).map(String::as_str).collect();
    let (plain, without) = timed_async(async {
        let mut found = Vec::with_capacity(calls.len());
        for word in &calls {
            found.push(work::occurrences_plain(word, &index).await?);
        }
        anyhow::Ok(found)
    })
    .await;
    let (cached, with) = timed_async(async {
        let mut found = Vec::with_capacity(calls.len());
        for word in &calls {
            found.push(work::occurrences(word, &index).await?);
        }
        anyhow::Ok(found)
    })
    .await;
    assert!(plain? == cached?, "the annotated function gives what the plain one gives");
    table.add(Row::new(
        "occurrences(word).await",
        "async, store on disk",
        calls.len(),
        &work::occurrences::stats(),
        without,
        with,
    ));
    Ok(())
}

/// A recursive function: in how many ways a line's words can be set in columns.
fn layouts(text: &input::Text, table: &mut Table) {
    let calls: Vec<u64> =
        input::sample(&text.lines, 5_000).map(|line| line.split_whitespace().count().min(18) as u64).collect();
    let (plain, without) = timed(|| calls.iter().map(|words| work::layouts_plain(*words, 4)).collect::<Vec<_>>());
    let (cached, with) = timed(|| calls.iter().map(|words| work::layouts(*words, 4)).collect::<Vec<_>>());
    assert!(plain == cached, "the annotated function gives what the plain one gives");
    table.add(Row::new("layouts(words, columns)", "recursive", calls.len(), &work::layouts::stats(), without, with));
}

fn timed<R>(work: impl FnOnce() -> R) -> (R, std::time::Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

async fn timed_async<R>(work: impl Future<Output = R>) -> (R, std::time::Duration) {
    let start = Instant::now();
    let result = work.await;
    (result, start.elapsed())
}
