//! `cachekit explain`.

use crate::{
    args::EntryArgs,
    failure::{Exit, Failure},
    output::{self, Out},
    store::{self, Found, Store},
};
use cachekit_runtime::{
    backend::HEAD,
    envelope::{Head, Kind, Rejected},
    identity::text,
};
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    cache: &'a str,
    /// The path in Rust, where the name is that of a function.
    function: Option<String>,
    key: &'a str,
    shapes: Vec<Shape>,
}

#[derive(Serialize)]
struct Shape {
    fingerprint: String,
    /// Does a call of a program of this shape get it?
    given: bool,
    verdict: String,
    codec: Option<String>,
    bytes: usize,
    age_ms: Option<u64>,
    ttl_ms: Option<u64>,
    stale_ms: Option<u64>,
    left_in_store_ms: Option<u64>,
    tags: Vec<String>,
}

pub(crate) async fn run(args: EntryArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.at.store)?;
    let cache = store::cache_name(&args.cache)?;
    let address = store::address(&cache, &args.key)?;
    let mut shapes = Vec::new();
    for found in store.find(&address).await? {
        shapes.push(shape(&store, &found).await?);
    }
    let is_given = shapes.iter().any(|shape| shape.given);
    let function = text::original_name(&cache).filter(|name| *name != cache);
    let document = Document { store: &store.name, cache: &cache, function, key: store::key_of(&address), shapes };
    if out.json {
        out.document(&document)?;
    } else {
        show(&document, out)?;
    }
    Ok(if is_given { Exit::Fine } else { Exit::Found })
}

async fn shape(store: &Store, found: &Found) -> Result<Shape, Failure> {
    let fingerprint = found.address.fingerprint().to_string();
    let left_in_store_ms = found.ttl.flatten().and_then(|left| u64::try_from(left.as_millis()).ok());
    let bare = |verdict: String| Shape {
        fingerprint: fingerprint.clone(),
        given: false,
        verdict,
        codec: None,
        bytes: found.bytes.len(),
        age_ms: None,
        ttl_ms: None,
        stale_ms: None,
        left_in_store_ms,
        tags: Vec::new(),
    };
    let envelope = match found.envelope() {
        Ok(envelope) => envelope,
        Err(Rejected::NoValue) => return Ok(bare(without_value(found))),
        Err(rejected) => return Ok(bare(format!("unusable: it is {rejected}, and counts as missing"))),
    };
    let judgement = store.judge(&envelope, found).await?;
    let times = envelope.freshness();
    let stale = times.revalidate.into_iter().chain(times.if_error).max();
    Ok(Shape {
        given: judgement.is_given(),
        codec: Some(envelope.codec().to_owned()),
        age_ms: Some(store.now(&found.address).saturating_sub(times.created)),
        ttl_ms: times.ttl,
        stale_ms: stale,
        tags: envelope.tags().iter().map(|tag| tag.name.to_string()).collect(),
        ..bare(store::judged(&judgement))
    })
}

fn without_value(found: &Found) -> String {
    let head = found.bytes.get(..HEAD).and_then(|head| Head::read(head).ok());
    match head.map(|head| head.kind()) {
        Some(Kind::Lock) => "being computed: a program holds the fill lock".to_owned(),
        Some(Kind::Marker) => "being computed, or a program has ended while it was".to_owned(),
        Some(Kind::Tombstone) => "invalidated just now".to_owned(),
        _ => "no value".to_owned(),
    }
}

fn show(document: &Document<'_>, out: &mut Out) -> Result<(), Failure> {
    let function = document.function.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    out.line(&format!("{}{function}, key {}, in {}", document.cache, quoted(document.key), document.store))?;
    if document.shapes.is_empty() {
        out.line("absent: a call computes. It was never stored, or it was evicted, expired or invalidated")?;
    }
    for shape in &document.shapes {
        out.line(&format!("\nshape {}", shape.fingerprint))?;
        out.line(&format!("  {}", shape.verdict))?;
        let time = |time: Option<u64>| time.map(|time| output::age(Duration::from_millis(time)));
        let facts = [
            ("age", time(shape.age_ms)),
            ("ttl", shape.codec.as_ref().map(|_| time(shape.ttl_ms).unwrap_or_else(|| "none".to_owned()))),
            ("may be stale for", time(shape.stale_ms)),
            ("left in the store", Some(time(shape.left_in_store_ms).unwrap_or_else(|| "no end".to_owned()))),
            ("bytes", Some(output::bytes(shape.bytes as u64))),
            ("codec", shape.codec.clone()),
            ("tags", (!shape.tags.is_empty()).then(|| shape.tags.join(", "))),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                out.line(&format!("  {name:18} {fact}"))?;
            }
        }
    }
    Ok(())
}

fn quoted(key: &str) -> String {
    if key.is_empty() { "of no parameters".to_owned() } else { key.to_owned() }
}
