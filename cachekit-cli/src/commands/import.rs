//! `cachekit import`.

mod into;

use super::lines::{Line, unreadable};
use crate::{
    args::ImportArgs,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out},
    progress, store,
};
use cachekit_runtime::{codec::DEFAULT_MAX_VALUE_BYTES, envelope::Envelope};
use into::{Entry, Into};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// So many lines, or so many bytes, are stored at once.
const LINES: usize = 500;
const BYTES: usize = 4 << 20;

/// How far an import came, in a file beside the one it reads until it is done.
#[derive(Debug, Default, Serialize, Deserialize)]
struct State {
    store: String,
    /// How long the file was.
    length: u64,
    /// How many bytes were read.
    offset: u64,
    lines: u64,
    done: Done,
}

/// What became of the lines.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Done {
    entries: u64,
    /// Something valid was there.
    there: u64,
    /// Their time was over.
    over: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    store: &'a str,
    #[serde(flatten)]
    done: Done,
}

pub(crate) async fn run(args: ImportArgs, out: &mut Out) -> Result<Exit, Failure> {
    let from_stdin = args.file.as_os_str() == "-";
    if from_stdin && args.resume {
        return Err(Failure::usage("what comes from the standard input cannot be resumed")
            .next("import it again: entries that are there stay"));
    }
    let store = store::open(&args.source)?;
    interrupt::note();
    let name = args.file.display().to_string();
    let mut state = State { store: store.name.clone(), ..State::default() };
    let failed = |error: io::Error| {
        Failure::other(format_args!("{name}: {error}")).next("name a file that `cachekit export` has written")
    };
    let (mut reader, total): (Box<dyn BufRead>, Option<u64>) = if from_stdin {
        (Box::new(BufReader::new(io::stdin())), None)
    } else {
        let mut file = File::open(&args.file).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        state.length = length;
        if args.resume {
            state = resumed(&args.file, &store.name, length)?;
            file.seek(SeekFrom::Start(state.offset)).map_err(failed)?;
        } else {
            // It says how far another import came, perhaps of another file of that name.
            fs::remove_file(beside(&args.file)).ok();
        }
        (Box::new(BufReader::with_capacity(1 << 20, file)), Some(length))
    };
    let bar = progress::bar(total, "bytes", out.json);
    bar.set_position(state.offset);
    let mut into = Into::new(&store, args.overwrite);
    let mut text = Vec::new();
    loop {
        let mut entries = Vec::new();
        let mut bytes = 0;
        let mut is_end = false;
        while entries.len() < LINES && bytes < BYTES {
            text.clear();
            let read = reader.read_until(b'\n', &mut text).map_err(failed)?;
            if read == 0 {
                is_end = true;
                break;
            }
            state.lines += 1;
            state.offset += read as u64;
            bytes += read;
            if text.trim_ascii().is_empty() {
                continue;
            }
            let number = state.lines;
            match entry(&text) {
                Ok(entry) => entries.push(entry),
                Err(what) => {
                    into.store(entries, &mut state.done).await?;
                    into.finish().await?;
                    return Err(unreadable(&name, number, &what));
                }
            }
        }
        into.store(entries, &mut state.done).await?;
        bar.set_position(state.offset);
        bar.set_message(format!("{} entries", output::count(state.done.entries)));
        if is_end {
            break;
        }
        if interrupt::asked() {
            into.finish().await?;
            bar.finish_and_clear();
            let failure = Failure::interrupted(format_args!("interrupted after {} lines", output::count(state.lines)));
            if from_stdin {
                return Err(failure.next("import it again: entries that are there stay"));
            }
            note(&args.file, &state)?;
            return Err(failure.next("the same command with `--resume` goes on"));
        }
    }
    into.finish().await?;
    bar.finish_and_clear();
    if !from_stdin {
        fs::remove_file(beside(&args.file)).ok();
    }
    let done = state.done;
    if out.json {
        out.document(&Document { store: &store.name, done })?;
    } else {
        out.line(&format!("{} entries into {}", output::count(done.entries), store.name))?;
        if done.there + done.over > 0 {
            let (there, over) = (output::count(done.there), output::count(done.over));
            output::remark(&format!("left out: {there} that are there already, {over} whose time is over"));
        }
    }
    Ok(Exit::Fine)
}

fn entry(text: &[u8]) -> Result<Entry, String> {
    let line = Line::read(text)?;
    let bytes = line.bytes()?;
    let envelope =
        Envelope::read(&bytes, DEFAULT_MAX_VALUE_BYTES).map_err(|rejected| format!("its entry is {rejected}"))?;
    match envelope.id().split_once(':') == Some((&line.cache, &line.key)) {
        true => Ok(Entry { envelope, expires: line.expires }),
        false => Err("its entry is of another key".to_owned()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".imported");
    name.into()
}

fn note(path: &Path, state: &State) -> Result<(), Failure> {
    let text = serde_json::to_vec(state).map_err(io::Error::from)?;
    fs::write(beside(path), text).map_err(|error| Failure::other(format_args!("{}: {error}", beside(path).display())))
}

fn resumed(path: &Path, store: &str, length: u64) -> Result<State, Failure> {
    let text = fs::read(beside(path)).map_err(|_| {
        Failure::other(format_args!("there is no interrupted import of {}", path.display()))
            .next("import it without `--resume`")
    })?;
    let state: State = serde_json::from_slice(&text).map_err(|error| {
        Failure::other(format_args!("{}: {error}", beside(path).display()))
            .next("import it without `--resume`: entries that are there stay")
    })?;
    if state.length != length {
        return Err(Failure::other(format_args!("{} is not the file whose import was interrupted", path.display()))
            .next("import it without `--resume`: entries that are there stay"));
    }
    match state.store == store {
        true => Ok(state),
        false => Err(Failure::usage(format_args!("the interrupted import was into {}", state.store))
            .next("name the same store, or import without `--resume`")),
    }
}
