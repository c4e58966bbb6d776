//! `cachekit clear`.

use crate::{
    args::ClearArgs,
    ask,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out},
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
    let entries = match args.fingerprint {
        Some(fingerprint) => Some(of_shape(&store, &caches, fingerprint, out.json).await?),
        None => {
            for cache in &caches {
                store.backend().clear(cache).await?;
            }
            store.backend().flush().await?;
            None
        }
    };
    if out.json {
        out.document(&Document { store: &store.name, cleared: &caches, entries })?;
    } else {
        let what = entries
            .map_or_else(|| format!("cleared {names}"), |entries| format!("removed {entries} entries of {names}"));
        out.line(&format!("{what} in {}", store.name))?;
    }
    Ok(Exit::Fine)
}

/// The entries of one shape, one by one: those of the others stay. What went is gone for good, whatever ends it.
async fn of_shape(store: &Store, caches: &[String], fingerprint: Fingerprint, quiet: bool) -> Result<u64, Failure> {
    interrupt::note();
    let bar = progress::bar(None, "entries", quiet);
    let mut removed = 0;
    let mut ended = Ok(());
    for cache in caches {
        ended = every(store, cache, fingerprint, || {
            removed += 1;
            bar.inc(1);
        })
        .await;
        if ended.is_err() {
            break;
        }
    }
    bar.finish_and_clear();
    let flushed = store.backend().flush().await.map_err(Failure::from);
    let so_far = || format!("{} removed before", output::many(removed, "entry was", "entries were"));
    ended.and(flushed).map(|()| removed).map_err(|failure| failure.after(so_far()))
}

async fn every(store: &Store, cache: &str, fingerprint: Fingerprint, mut went: impl FnMut()) -> Result<(), Failure> {
    let mut from = None;
    loop {
        let page = store.page(Some(cache), from).await?;
        for item in page.items.iter().filter(|item| item.address.fingerprint() == fingerprint) {
            if store.backend().remove(&item.address).await? {
                went();
            }
            if interrupt::asked() {
                return Err(
                    Failure::interrupted("interrupted").next("the same command goes on: what went is not met again")
                );
            }
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(()),
        }
    }
}
