//! `cachekit stats`.

use super::spread::{Percentiles, Spread};
use crate::{
    args::StatsArgs,
    failure::{Exit, Failure},
    output::{self, Out, Table},
    progress,
    store::{self, Inner, Item, Store},
};
use cachekit_runtime::{envelope::Kind, inspect::Server};
use serde::Serialize;
use std::{collections::BTreeMap, fs, time::Duration};

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    servers: Vec<About>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_bytes: Option<u64>,
    caches: Vec<Cache>,
}

/// What a server says of itself.
#[derive(Serialize)]
struct About {
    address: String,
    version: String,
    run_id: Option<String>,
    used_memory: Option<u64>,
    maxmemory: Option<u64>,
    policy: Option<String>,
    keyspace_hits: Option<u64>,
    keyspace_misses: Option<u64>,
    evicted_keys: Option<u64>,
    clients: Option<u64>,
}

#[derive(Serialize)]
struct Cache {
    cache: String,
    entries: u64,
    bytes: u64,
    size: Option<Percentiles>,
    ttl_left_ms: Option<Percentiles>,
    without_end: u64,
    age_ms: Option<Percentiles>,
    shapes: BTreeMap<String, u64>,
}

#[derive(Default)]
struct Seen {
    bytes: u64,
    without_end: u64,
    sizes: Spread,
    left: Spread,
    ages: Spread,
    shapes: BTreeMap<String, u64>,
}

impl Seen {
    fn add(&mut self, item: &Item, now: u64) {
        self.bytes += item.bytes;
        self.sizes.add(item.bytes);
        match item.ttl {
            Some(left) => self.left.add(u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            None => self.without_end += 1,
        }
        if let Some(created) = item.created {
            self.ages.add(now.saturating_sub(created));
        }
        *self.shapes.entry(item.address.fingerprint().to_string()).or_default() += 1;
    }

    fn into_cache(self, cache: String) -> Cache {
        Cache {
            cache,
            entries: self.sizes.count(),
            bytes: self.bytes,
            size: self.sizes.percentiles(),
            ttl_left_ms: self.left.percentiles(),
            without_end: self.without_end,
            age_ms: self.ages.percentiles(),
            shapes: self.shapes,
        }
    }
}

pub(crate) async fn run(args: StatsArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.at.store)?;
    let cache = args.cache.as_deref().map(store::cache_name).transpose()?;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let bar = progress::bar(None, "entries", out.json);
    let walked = store.walk(cache.as_deref(), |item| {
        bar.inc(1);
        if item.kind == Some(Kind::Value) {
            let now = store.now(&item.address);
            seen.entry(item.address.cache().to_owned()).or_default().add(&item, now);
        }
        Ok(true)
    });
    walked.await?;
    bar.finish_and_clear();
    if let (Some(cache), true) = (&cache, seen.is_empty()) {
        return Err(Failure::nothing(format_args!("the cache {cache:?} has no entries in {}", store.name))
            .next("`cachekit list` shows the caches"));
    }
    let servers = match &store.inner {
        Inner::Redis(redis) => redis.servers(args.at.store.connect.timeout).await?.iter().map(about).collect(),
        Inner::File { .. } => Vec::new(),
    };
    let caches = seen.into_iter().map(|(name, seen)| seen.into_cache(name)).collect();
    let document = Document { store: &store.name, servers, file_bytes: file_bytes(&store), caches };
    if out.json {
        out.document(&document)?;
    } else {
        show(&document, out)?;
    }
    Ok(Exit::Fine)
}

fn file_bytes(store: &Store) -> Option<u64> {
    let Inner::File { file, .. } = &store.inner else { return None };
    fs::metadata(cachekit_runtime::inspect::store_in(file)?).ok().map(|about| about.len())
}

fn about(server: &Server) -> About {
    let number = |name: &str| server.info(name)?.parse().ok();
    About {
        address: server.address.clone(),
        version: server.info("valkey_version").or(server.info("redis_version")).unwrap_or("unknown").to_owned(),
        run_id: server.info("run_id").map(str::to_owned),
        used_memory: number("used_memory"),
        maxmemory: number("maxmemory").filter(|bytes| *bytes > 0),
        policy: server.info("maxmemory_policy").map(str::to_owned),
        keyspace_hits: number("keyspace_hits"),
        keyspace_misses: number("keyspace_misses"),
        evicted_keys: number("evicted_keys"),
        clients: number("connected_clients"),
    }
}

fn show(document: &Document<'_>, out: &mut Out) -> Result<(), Failure> {
    out.line(document.store)?;
    for server in &document.servers {
        let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), output::count);
        let memory = server.used_memory.map_or_else(|| "?".to_owned(), output::bytes);
        let bound =
            server.maxmemory.map_or_else(|| "no bound".to_owned(), |most| format!("of {}", output::bytes(most)));
        out.line(&format!(
            "{}: version {}, memory {memory} ({bound}, {}), {} evicted, {} hits and {} misses of all keys, {} clients",
            server.address,
            server.version,
            server.policy.as_deref().unwrap_or("?"),
            number(server.evicted_keys),
            number(server.keyspace_hits),
            number(server.keyspace_misses),
            number(server.clients),
        ))?;
    }
    if let Some(bytes) = document.file_bytes {
        out.line(&format!("file of {}", output::bytes(bytes)))?;
    }
    out.line("")?;
    let columns = [
        "cache",
        "#entries",
        "#bytes",
        "#size p50",
        "#p99",
        "#max",
        "#left p50",
        "#max",
        "#no end",
        "#age p50",
        "#max",
        "#shapes",
    ];
    let mut table = Table::new(&columns);
    let time = |time: Option<u64>| time.map_or_else(|| "-".to_owned(), |time| output::age(Duration::from_millis(time)));
    for cache in &document.caches {
        let size = |of: fn(&Percentiles) -> u64| {
            cache.size.as_ref().map_or_else(|| "-".to_owned(), |all| output::bytes(of(all)))
        };
        table.row([
            cache.cache.clone(),
            output::count(cache.entries),
            output::bytes(cache.bytes),
            size(|all| all.p50),
            size(|all| all.p99),
            size(|all| all.max),
            time(cache.ttl_left_ms.map(|all| all.p50)),
            time(cache.ttl_left_ms.map(|all| all.max)),
            output::count(cache.without_end),
            time(cache.age_ms.map(|all| all.p50)),
            time(cache.age_ms.map(|all| all.max)),
            cache.shapes.len().to_string(),
        ]);
    }
    out.table(&table)
}
