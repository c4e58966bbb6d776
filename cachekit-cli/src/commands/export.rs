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
use indicatif::ProgressBar;
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
    /// How many records of a file store were looked at, entries or not.
    #[serde(default)]
    looked_at: u64,
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
    File {
        file: BufWriter<File>,
        path: PathBuf,
        length: u64,
        /// How many entries were in it when it was last noted how far it is.
        noted: Option<u64>,
    },
}

impl To<'_> {
    fn line(&mut self, line: &Line) -> Result<(), Failure> {
        match self {
            To::Out(out) => out.document(line),
            To::File { file, path, length, .. } => {
                let mut text = serde_json::to_vec(line).map_err(io::Error::from)?;
                text.push(b'\n');
                *length += text.len() as u64;
                file.write_all(&text).map_err(|error| unwritable(path, &error))
            }
        }
    }

    fn note(&mut self, state: &mut State) -> Result<(), Failure> {
        let To::File { file, path, length, noted } = self else { return Ok(()) };
        file.flush().map_err(|error| unwritable(path, &error))?;
        state.length = *length;
        let (beside, fresh) = (beside(path), beside(path).with_extension("resume-new"));
        let text = serde_json::to_vec(state).map_err(io::Error::from)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Where it was says which keys there are.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&fresh).and_then(|mut file| file.write_all(&text));
        written.and_then(|()| fs::rename(&fresh, &beside)).map_err(|error| unwritable(&beside, &error))?;
        *noted = Some(state.done.entries);
        Ok(())
    }

    /// Why it ended, with what can be done about it.
    fn ended(&self, failure: Failure) -> Failure {
        match (self, failure.exit()) {
            (To::Out(_), Exit::Interrupted) => failure.next("an export into a file, by `--out`, can be resumed"),
            (To::Out(_), _) => failure,
            (To::File { noted: Some(_), .. }, Exit::Interrupted) => {
                failure.next("the same command with `--resume` goes on")
            }
            (To::File { path, noted: Some(entries), .. }, _) => failure
                .after(format_args!("{} are in {}", output::many(*entries, "entry", "entries"), path.display()))
                .and_then("the same command with `--resume` goes on"),
            (To::File { path, noted: None, .. }, _) => failure
                .after(format_args!("what is in {} cannot be resumed", path.display()))
                .and_then("begin anew with `--force`"),
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::other(format_args!("{} cannot be written: {error}", path.display()))
        .next("see whether the disk has room, and whether the file may be written")
}

pub(crate) async fn run(args: ExportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let store = store::open(&args.source)?;
    let cache = args.cache.as_deref().map(store::cache_name).transpose()?;
    interrupt::note();
    let json = out.json;
    let mut state = State {
        store: store.name.clone(),
        cache,
        servers: store.servers(args.source.connect.timeout).await?,
        ..State::default()
    };
    let mut to = match &args.out {
        None => To::Out(out),
        Some(path) => begin(path, &args, &mut state)?,
    };
    let all = all(&store, &state).await?;
    let bar = progress::bar(all, if all.is_some() { "records" } else { "entries" }, json);
    let ended = lines(&store, &mut state, &mut to, &bar, all.is_some()).await;
    bar.finish_and_clear();
    if let Err(failure) = ended {
        return Err(to.ended(failure));
    }
    let done = state.done;
    if let To::File { mut file, path, .. } = to {
        let written = file.flush().and_then(|()| file.get_ref().sync_all());
        written.map_err(|error| unwritable(&path, &error).and_then("begin anew with `--force`"))?;
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

/// How many records a walk meets. A file store knows that of all caches alone, and a Redis not at all: its databases hold other things too, and other programs' keys.
async fn all(store: &Store, state: &State) -> Result<Option<u64>, Failure> {
    match (&store.inner, &state.cache) {
        (Inner::File { backend, .. }, None) => Ok(Some(backend.records().await?)),
        _ => Ok(None),
    }
}

async fn lines(
    store: &Store,
    state: &mut State,
    to: &mut To<'_>,
    bar: &ProgressBar,
    by_records: bool,
) -> Result<(), Failure> {
    let show = |state: &State| match by_records {
        true => {
            bar.set_position(state.looked_at);
            bar.set_message(format!("{} entries", output::count(state.done.entries)));
        }
        false => bar.set_position(state.done.entries),
    };
    show(state);
    let mut from = state.cursor.as_deref().and_then(unhex).map(|bytes| Cursor(bytes.into()));
    loop {
        // Before the store is asked what is left: nothing lives longer by being moved.
        let asked = store::now();
        let (found, next) = page(store, from, state).await?;
        for entry in found {
            write(store, entry, asked, to, &mut state.done).await?;
        }
        show(state);
        state.cursor = next.as_ref().map(|Cursor(bytes)| hex(bytes));
        if next.is_none() {
            return Ok(());
        }
        to.note(state)?;
        if interrupt::asked() {
            let so_far = output::many(state.done.entries, "entry", "entries");
            return Err(Failure::interrupted(format_args!("interrupted after {so_far}")));
        }
        from = next;
    }
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
        let noted = state.done.entries;
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
        return Ok(To::File {
            file: BufWriter::new(file),
            path: path.to_owned(),
            length: state.length,
            noted: Some(noted),
        });
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
    Ok(To::File { file: BufWriter::new(file), path: path.to_owned(), length: 0, noted: None })
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".resume");
    name.into()
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
    from: Option<Cursor>,
    State { cache, looked_at, done, .. }: &mut State,
) -> Result<(Vec<Entry>, Option<Cursor>), Failure> {
    let cache = cache.as_deref();
    let mut found = Vec::new();
    let Inner::Redis(redis) = &store.inner else {
        let page = store.backend().scan(cache, from, 128).await?;
        *looked_at += page.entries.len() as u64;
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
