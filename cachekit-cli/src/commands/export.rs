//! `cachekit export`.

use super::lines::{Line, VERSION, encode};
use crate::{
    args::ExportArgs,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out},
    progress,
    store::{self, Inner, Store},
};
use bytes::Bytes;
use cachekit_runtime::{
    backend::{Address, Backend, Cursor},
    codec::DEFAULT_MAX_VALUE_BYTES,
    envelope::{Envelope, Kind, TagVersion},
    inspect::{self, Setting},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// Values of one request are no more than this, unless one alone is.
const BYTES: u64 = 4 << 20;

/// How far an export came, in a file beside its own until it is done.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    store: String,
    cache: Option<String>,
    /// Which starts of which servers the cursor belongs to.
    servers: Vec<String>,
    /// In hexadecimal digits.
    cursor: Option<String>,
    /// How long the file is by then.
    length: u64,
    done: Done,
}

#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
struct Done {
    entries: u64,
    /// Expired, or invalidated, and not removed yet.
    invalid: u64,
    /// No entries of this version of cachekit, or damaged.
    unreadable: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    #[serde(flatten)]
    done: Done,
}

/// Where the lines go.
enum To<'a> {
    Out(&'a mut Out),
    File { file: BufWriter<File>, path: PathBuf, length: u64 },
}

impl To<'_> {
    fn line(&mut self, line: &Line) -> Result<(), Failure> {
        match self {
            To::Out(out) => out.document(line),
            To::File { file, length, .. } => {
                let mut text = serde_json::to_vec(line).map_err(io::Error::from)?;
                text.push(b'\n');
                *length += text.len() as u64;
                Ok(file.write_all(&text)?)
            }
        }
    }

    fn note(&mut self, state: &mut State) -> Result<(), Failure> {
        let To::File { file, path, length } = self else { return Ok(()) };
        file.flush()?;
        state.length = *length;
        let (beside, fresh) = (beside(path), beside(path).with_extension("resume-new"));
        let text = serde_json::to_vec(state).map_err(io::Error::from)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Where it was says which keys there are.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&fresh)?.write_all(&text)?;
        Ok(fs::rename(fresh, beside)?)
    }
}

pub(crate) async fn run(args: ExportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.source)?;
    let cache = args.cache.as_deref().map(store::cache_name).transpose()?;
    interrupt::note();
    let json = out.json;
    let mut state = State {
        store: store.name.clone(),
        cache,
        servers: servers(&store, args.source.connect.timeout).await?,
        ..State::default()
    };
    let mut to = match &args.out {
        None => To::Out(out),
        Some(path) => begin(path, &args, &mut state)?,
    };
    let bar = progress::bar(None, "entries", json);
    bar.set_position(state.done.entries);
    let mut from = state.cursor.as_deref().and_then(unhex).map(|bytes| Cursor(bytes.into()));
    loop {
        // Before the store is asked what is left: nothing lives longer by being moved.
        let asked = store::now();
        let (found, next) = page(&store, state.cache.as_deref(), from, &mut state.done).await?;
        for entry in found {
            write(&store, entry, asked, &mut to, &mut state.done).await?;
        }
        bar.set_position(state.done.entries);
        state.cursor = next.as_ref().map(|Cursor(bytes)| hex(bytes));
        if next.is_none() {
            break;
        }
        to.note(&mut state)?;
        if interrupt::asked() {
            bar.finish_and_clear();
            let so_far = output::count(state.done.entries);
            let failure = Failure::interrupted(format_args!("interrupted after {so_far} entries"));
            return Err(match &args.out {
                Some(_) => failure.next("the same command with `--resume` goes on"),
                None => failure.next("an export into a file, by `--out`, can be resumed"),
            });
        }
        from = next;
    }
    bar.finish_and_clear();
    let done = state.done;
    if let To::File { mut file, path, .. } = to {
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::remove_file(beside(&path)).ok();
        match json {
            true => out.document(&Document { store: &store.name, done })?,
            false => {
                out.line(&format!("{} entries of {} in {}", output::count(done.entries), store.name, path.display()))?
            }
        }
    } else if !json {
        output::remark(&format!("{} entries of {}", output::count(done.entries), store.name));
    }
    if done.invalid + done.unreadable > 0 && !json {
        let (invalid, unreadable) = (output::count(done.invalid), output::count(done.unreadable));
        output::remark(&format!("left out: {invalid} that are invalid or over, {unreadable} that cannot be read"));
    }
    Ok(Exit::Fine)
}

/// Opens the file, new or where it was left.
fn begin<'a>(path: &Path, args: &ExportArgs, state: &mut State) -> Result<To<'a>, Failure> {
    let failed = |error: io::Error| {
        Failure::other(format_args!("{}: {error}", path.display())).next("name a file that can be written")
    };
    let mut options = OpenOptions::new();
    options.write(true);
    if args.resume {
        let text = fs::read(beside(path)).map_err(|_| {
            Failure::other(format_args!("there is no interrupted export into {}", path.display()))
                .next("without `--resume` an export begins anew")
        })?;
        let before: State = serde_json::from_slice(&text).map_err(|error| {
            Failure::other(format_args!("{}: {error}", beside(path).display())).next("begin anew with `--force`")
        })?;
        if (&before.store, &before.cache) != (&state.store, &state.cache) {
            return Err(Failure::usage(format_args!("the interrupted export was of {}", before.store))
                .next("name the same store and cache, or begin anew with `--force`"));
        }
        if state.servers.iter().any(|server| server.ends_with(' ')) {
            return Err(Failure::store(
                "this user may not ask a server for `INFO`: whether it has started anew since cannot be known",
            )
            .next("let it ask, or begin anew with `--force`"));
        }
        if before.servers != state.servers {
            return Err(Failure::store(
                "the servers are others, or have started anew: where the export was cannot be found again",
            )
            .next("begin anew with `--force`"));
        }
        *state = before;
        let mut file = options.open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() < state.length {
            return Err(Failure::other(format_args!(
                "{} is shorter than the interrupted export left it",
                path.display()
            ))
            .next("begin anew with `--force`"));
        }
        file.set_len(state.length).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        return Ok(To::File { file: BufWriter::new(file), path: path.to_owned(), length: state.length });
    }
    match args.force {
        true => options.create(true).truncate(true),
        false => options.create_new(true),
    };
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::other(format_args!("{} is there already", path.display()))
            .next("`--resume` goes on with it, `--force` replaces it"),
        _ => failed(error),
    })?;
    // It says where another export was.
    match fs::remove_file(beside(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    Ok(To::File { file: BufWriter::new(file), path: path.to_owned(), length: 0 })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".resume");
    name.into()
}

async fn servers(store: &Store, patience: Duration) -> Result<Vec<String>, Failure> {
    let Inner::Redis(redis) = &store.inner else { return Ok(Vec::new()) };
    let about = |server: inspect::Server| format!("{} {}", server.address, server.info("run_id").unwrap_or_default());
    let mut all: Vec<String> = redis.servers(patience).await?.into_iter().map(about).collect();
    all.sort_unstable();
    Ok(all)
}

/// An entry as the store has it.
struct Entry {
    address: Address,
    bytes: Bytes,
    /// What is left of its time; `None`: no end.
    ttl: Option<Duration>,
    /// Of a shared store: the generation of the cache.
    generation: Option<Option<u64>>,
}

/// Some entries with their values, and where to go on.
async fn page(
    store: &Store,
    cache: Option<&str>,
    from: Option<Cursor>,
    done: &mut Done,
) -> Result<(Vec<Entry>, Option<Cursor>), Failure> {
    let mut found = Vec::new();
    let Inner::Redis(redis) = &store.inner else {
        let page = store.backend().scan(cache, from, 128).await?;
        let entries = page.entries.into_iter().filter(|entry| !inspect::is_bookkeeping(&entry.address));
        found.extend(entries.map(|entry| Entry {
            address: entry.address,
            bytes: entry.bytes,
            ttl: entry.ttl,
            generation: None,
        }));
        return Ok((found, page.next));
    };
    let page = store.page(cache, from).await?;
    let mut by_cache: HashMap<String, Vec<(Address, Option<Duration>, u64)>> = HashMap::new();
    for item in page.items {
        match item.kind {
            Some(Kind::Value) => {
                let cache = by_cache.entry(item.address.cache().to_owned()).or_default();
                cache.push((item.address, item.ttl, item.bytes));
            }
            // Markers and locks: a fill is under way, and nothing is there yet.
            Some(_) => {}
            None => done.unreadable += 1,
        }
    }
    let Some(shared) = redis.shared() else { return Ok((found, page.next)) };
    for items in by_cache.into_values() {
        let mut rest = items.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |(_, _, more): &&(Address, Option<Duration>, u64)| {
                bytes += more;
                bytes <= BYTES
            };
            let some = rest.iter().take(512).take_while(fits).count().max(1);
            let (these, others) = rest.split_at(some.min(rest.len()));
            let addresses: Vec<Address> = these.iter().map(|(address, ..)| address.clone()).collect();
            for ((address, ttl, _), looked) in these.iter().zip(shared.look_many(&addresses).await?) {
                let looked = looked?;
                // Gone meanwhile.
                let Some(bytes) = looked.bytes else { continue };
                let generation = Some(looked.generation);
                found.push(Entry { address: address.clone(), bytes, ttl: *ttl, generation });
            }
            rest = others;
        }
    }
    Ok((found, page.next))
}

async fn write(store: &Store, entry: Entry, asked: u64, to: &mut To<'_>, done: &mut Done) -> Result<(), Failure> {
    let Entry { address, bytes, ttl, generation } = &entry;
    let Ok(envelope) = Envelope::read(bytes, DEFAULT_MAX_VALUE_BYTES) else {
        done.unreadable += 1;
        return Ok(());
    };
    let names: Vec<&str> = envelope.tags().iter().map(|tag| &*tag.name).collect();
    let versions = match names.is_empty() {
        true => Vec::new(),
        false => inspect::versions(store.backend(), &names).await?,
    };
    if !inspect::judge(&envelope, *generation, &versions, store.now(address)).is_given() {
        done.invalid += 1;
        return Ok(());
    }
    let mut freshness = inspect::freshness_of(&envelope, &versions);
    freshness.created = freshness.created.saturating_add_signed(-store.ahead(address));
    let tags: Vec<TagVersion> =
        envelope.tags().iter().map(|tag| TagVersion { name: tag.name.clone(), version: 0, soft: 0 }).collect();
    let (cache, key) = envelope.id().split_once(':').unwrap_or((envelope.id(), ""));
    let own = inspect::address(cache, key, envelope.fingerprint());
    let Ok(entry) = inspect::reseal(&envelope, &own, &Setting { freshness, generation: None, tags }) else {
        done.unreadable += 1;
        return Ok(());
    };
    to.line(&Line {
        version: VERSION,
        cache: cache.to_owned(),
        key: key.to_owned(),
        fingerprint: envelope.fingerprint().to_string(),
        codec: envelope.codec().to_owned(),
        expires: ttl.map(|ttl| asked.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))),
        tags: names.into_iter().map(str::to_owned).collect(),
        entry: encode(&entry),
    })?;
    done.entries += 1;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}
