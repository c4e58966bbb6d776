//! `cachekit list`.

use crate::{
    args::ListArgs,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    progress,
    store::{self, Inner, Item},
};
use cachekit_runtime::{backend::Fingerprint, envelope::Kind};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a cache has in a store.
#[derive(Debug, Default, Serialize)]
struct Cache {
    entries: u64,
    bytes: u64,
    /// Fills that are under way.
    filling: u64,
    /// What is no entry of this version of cachekit.
    foreign: u64,
    shapes: BTreeSet<String>,
    oldest: Option<u64>,
    newest: Option<u64>,
}

impl Cache {
    fn add(&mut self, item: &Item) {
        match item.kind {
            Some(Kind::Value) => {
                self.entries += 1;
                self.bytes += item.bytes;
                self.shapes.insert(item.address.fingerprint().to_string());
                self.oldest = self.oldest.into_iter().chain(item.created).min();
                self.newest = self.newest.max(item.created);
            }
            Some(Kind::Marker | Kind::Lock) => self.filling += 1,
            Some(_) => {}
            None => self.foreign += 1,
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    caches: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    cache: &'a str,
    #[serde(flatten)]
    of: &'a Cache,
}

pub(crate) async fn run(args: ListArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.at.store)?;
    let mut caches: BTreeMap<String, Cache> = BTreeMap::new();
    let bar = progress::bar(None, "entries", out.json);
    let walked = store.walk(None, |item| {
        bar.inc(1);
        caches.entry(item.address.cache().to_owned()).or_default().add(&item);
        Ok(true)
    });
    walked.await?;
    // A cache without entries is known by the shapes that were announced.
    if let Inner::Redis(redis) = &store.inner {
        for known in redis.shapes().await? {
            let shapes = &mut caches.entry(known.cache).or_default().shapes;
            shapes.extend(known.fingerprints.iter().map(Fingerprint::to_string));
        }
    }
    bar.finish_and_clear();
    if out.json {
        let caches = caches.iter().map(|(cache, of)| Line { cache, of }).collect();
        out.document(&Document { store: &store.name, caches })?;
        return Ok(Exit::Fine);
    }
    if caches.is_empty() {
        output::remark(&format!("no caches in {}", store.name));
        return Ok(Exit::Fine);
    }
    let mut table = Table::new(&["cache", "#entries", "#bytes", "#filling", "#newest", "shapes"]);
    let now = store::now();
    for (name, cache) in &caches {
        let newest = cache.newest.map(|newest| std::time::Duration::from_millis(now.saturating_sub(newest)));
        table.row([
            name.clone(),
            output::count(cache.entries),
            output::bytes(cache.bytes),
            output::count(cache.filling),
            newest.map_or_else(|| "-".to_owned(), |age| format!("{} ago", output::age(age))),
            shown(&cache.shapes),
        ]);
    }
    out.table(&table)?;
    Ok(Exit::Fine)
}

/// The first two, and how many more there are.
fn shown(shapes: &BTreeSet<String>) -> String {
    let first: Vec<&str> = shapes.iter().take(2).map(String::as_str).collect();
    match shapes.len().saturating_sub(first.len()) {
        0 => first.join(" "),
        more => format!("{} and {more} more", first.join(" ")),
    }
}
