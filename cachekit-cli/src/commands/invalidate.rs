//! `cachekit invalidate`.

use crate::{
    args::InvalidateArgs,
    ask,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out},
    progress,
    store::{self, Store},
};
use cachekit_runtime::{backend::Address, identity::text, inspect};
use serde::Serialize;

/// So many in one request.
const AT_ONCE: usize = 500;

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    keys: u64,
    tags: &'a [String],
}

pub(crate) async fn run(args: InvalidateArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.at.store)?;
    let mut keys = 0;
    if !args.tag.is_empty() {
        tags(&args, &store).await?;
    } else if let Some(cache) = &args.cache {
        let cache = store::cache_name(cache)?;
        keys = match &args.prefix {
            Some(prefix) => by_prefix(&args, &store, &cache, prefix, out.json).await?,
            None if args.keys.is_empty() => {
                return Err(Failure::usage("no key was named").next(format_args!(
                    "name keys, or `--prefix`; `cachekit clear {cache}` removes all of the cache"
                )));
            }
            None => by_key(&args, &store, &cache).await?,
        };
    }
    store.backend().flush().await?;
    if out.json {
        out.document(&Document { store: &store.name, keys, tags: &args.tag })?;
    } else {
        let what = match args.tag.len() {
            0 => output::many(keys, "key", "keys"),
            n => output::many(n as u64, "tag", "tags"),
        };
        out.line(&format!("invalidated {what} in {}", store.name))?;
    }
    Ok(Exit::Fine)
}

async fn tags(args: &InvalidateArgs, store: &Store) -> Result<(), Failure> {
    let how = if args.soft { "make stale" } else { "invalidate" };
    ask::confirm(&format!("{how} what has the tags {} in {}", args.tag.join(", "), store.name), args.yes)?;
    let names: Vec<String> = args.tag.iter().map(|tag| text::tag_name(tag)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match args.soft {
        true => inspect::soften_tags(store.backend(), &names, store::now()).await?,
        false => inspect::invalidate_tags(store.backend(), &names).await?,
    }
    Ok(())
}

async fn by_key(args: &InvalidateArgs, store: &Store, cache: &str) -> Result<u64, Failure> {
    let addresses: Vec<Address> = args.keys.iter().map(|key| store::address(cache, key)).collect::<Result<_, _>>()?;
    let what = format!("invalidate {} of the cache {cache} in {}", args.keys.join(", "), store.name);
    ask::confirm(&what, args.yes)?;
    for some in addresses.chunks(AT_ONCE) {
        store.backend().remove_many(some).await?;
    }
    Ok(addresses.len() as u64)
}

async fn by_prefix(
    args: &InvalidateArgs,
    store: &Store,
    cache: &str,
    prefix: &str,
    quiet: bool,
) -> Result<u64, Failure> {
    let what = format!("invalidate all keys of the cache {cache} that begin with {prefix:?} in {}", store.name);
    ask::confirm(&what, args.yes)?;
    interrupt::note();
    let bar = progress::bar(None, "keys", quiet);
    let mut done = 0;
    let ended = every(store, cache, prefix, |some| {
        done += some;
        bar.inc(some);
    });
    let ended = ended.await;
    bar.finish_and_clear();
    match ended {
        Ok(()) => Ok(done),
        Err(failure) => {
            // What went is gone for good, whatever ended it.
            let so_far = format!("{} invalidated before", output::many(done, "key was", "keys were"));
            match store.backend().flush().await {
                Ok(()) => Err(failure.after(so_far)),
                Err(error) => Err(Failure::from(error).after(so_far)),
            }
        }
    }
}

async fn every(store: &Store, cache: &str, prefix: &str, mut went: impl FnMut(u64)) -> Result<(), Failure> {
    let mut from = None;
    loop {
        let page = store.page(Some(cache), from).await?;
        let mut addresses: Vec<Address> = page
            .items
            .into_iter()
            .map(|item| item.address)
            .filter(|address| store::key_of(address).starts_with(prefix))
            .collect();
        // Each id stands for all of its shapes.
        addresses.sort_by(|one, other| one.id().cmp(other.id()));
        addresses.dedup_by(|one, other| one.id() == other.id());
        for some in addresses.chunks(AT_ONCE) {
            store.backend().remove_many(some).await?;
            went(some.len() as u64);
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
