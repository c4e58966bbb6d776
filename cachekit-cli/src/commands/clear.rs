//! `cachekit clear`.

use crate::{
    args::ClearArgs,
    ask,
    failure::{Exit, Failure},
    output::Out,
    progress,
    store::{self, Store},
};
use cachekit_runtime::backend::Fingerprint;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    cleared: &'a [String],
    /// Of one shape: how many entries went.
    entries: Option<u64>,
}

pub(crate) async fn run(args: ClearArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.at.store)?;
    let caches: Vec<String> = args.caches.iter().map(|cache| store::cache_name(cache)).collect::<Result<_, _>>()?;
    let names = caches.join(", ");
    let what = match args.fingerprint {
        Some(fingerprint) => format!("remove all entries of the shape {fingerprint} of {names} in {}", store.name),
        None => format!("clear {names} in {}", store.name),
    };
    ask::confirm(&what, args.yes)?;
    let mut entries = None;
    for cache in &caches {
        match args.fingerprint {
            Some(fingerprint) => *entries.get_or_insert(0) += of_shape(&store, cache, fingerprint, out.json).await?,
            None => store.backend().clear(cache).await?,
        }
    }
    store.backend().flush().await?;
    if out.json {
        out.document(&Document { store: &store.name, cleared: &caches, entries })?;
    } else {
        let what = entries
            .map_or_else(|| format!("cleared {names}"), |entries| format!("removed {entries} entries of {names}"));
        out.line(&format!("{what} in {}", store.name))?;
    }
    Ok(Exit::Fine)
}

/// The entries of one shape, one by one: those of the others stay.
async fn of_shape(store: &Store, cache: &str, fingerprint: Fingerprint, quiet: bool) -> Result<u64, Failure> {
    let bar = progress::bar(None, "entries", quiet);
    let (mut from, mut removed) = (None, 0);
    loop {
        let page = store.page(Some(cache), from).await?;
        for item in page.items.iter().filter(|item| item.address.fingerprint() == fingerprint) {
            removed += u64::from(store.backend().remove(&item.address).await?);
            bar.inc(1);
        }
        match page.next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    bar.finish_and_clear();
    Ok(removed)
}
