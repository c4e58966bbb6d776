//! `cachekit import`.

mod into;

use super::lines::{Line, unreadable};
use crate::{
    args::ImportArgs,
    ask,
    failure::{Exit, Failure},
    interrupt,
    output::{self, Out},
    progress, store,
};
use cachekit_runtime::{codec::DEFAULT_MAX_VALUE_BYTES, envelope::Envelope};
use indicatif::ProgressBar;
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
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct State {
    store: String,
    /// Which starts of which servers it is: one that has started anew may have lost what was stored.
    #[serde(default)]
    servers: Vec<String>,
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
    let name = args.file.display().to_string();
    if args.overwrite {
        ask::confirm(&format!("put the entries of {name} in place of those that are in {}", store.name), args.yes)?;
    }
    interrupt::note();
    // Where that may not be asked, an import cannot be resumed and is made all the same.
    let servers = store.servers(args.source.connect.timeout).await.unwrap_or_else(|_| vec![" ".to_owned()]);
    let mut state = State { store: store.name.clone(), servers, ..State::default() };
    let failed = |error: io::Error| {
        Failure::other(format_args!("{name}: {error}")).next("name a file that `cachekit export` has written")
    };
    let (reader, total): (Box<dyn BufRead>, Option<u64>) = if from_stdin {
        (Box::new(BufReader::new(io::stdin())), None)
    } else {
        let mut file = File::open(&args.file).map_err(failed)?;
        state.length = file.metadata().map_err(failed)?.len();
        if args.resume {
            state = resumed(&args.file, state)?;
            file.seek(SeekFrom::Start(state.offset)).map_err(failed)?;
        } else {
            // It says how far another import came, perhaps of another file of that name.
            fs::remove_file(beside(&args.file)).ok();
        }
        let length = state.length;
        (Box::new(BufReader::with_capacity(1 << 20, file)), Some(length))
    };
    let bar = progress::bar(total, "bytes", out.json);
    let mut lines = Lines { name: &name, reader, stored: state.clone(), safe: state.clone(), state };
    let mut into = Into::new(&store, args.overwrite);
    let ended = lines.store(&mut into, &bar).await;
    let finished = into.finish().await;
    bar.finish_and_clear();
    // Of what could not be finished only a part is there for good.
    let kept = if finished.is_ok() { &lines.stored } else { &lines.safe };
    match ended.and(finished.map_err(Ended::Within)) {
        Ok(()) => {}
        Err(Ended::Unreadable(failure)) => return Err(failure),
        Err(Ended::Within(failure)) => {
            if from_stdin {
                return Err(failure.and_then("import it again: entries that are there stay"));
            }
            note(&args.file, kept)?;
            let failure = match failure.exit() {
                Exit::Interrupted => failure,
                _ => failure
                    .after(format_args!("{} of {name} were stored before", output::many(kept.lines, "line", "lines"))),
            };
            return Err(failure.and_then("the same command with `--resume` goes on"));
        }
    }
    if !from_stdin {
        fs::remove_file(beside(&args.file)).ok();
    }
    let done = lines.state.done;
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

/// Why an import ended before the file did.
enum Ended {
    /// At a line that is none: the file has to be another one.
    Unreadable(Failure),
    /// Where it can go on.
    Within(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Ended::Within(failure)
    }
}

/// What comes behind some lines.
enum Then {
    More,
    End,
    /// A line that is none, and what is wrong with it.
    Wrong(String),
}

/// The file, and how far it is.
struct Lines<'a> {
    name: &'a str,
    reader: Box<dyn BufRead>,
    state: State,
    /// Up to here all was given to the store.
    stored: State,
    /// Up to here it is there for good.
    safe: State,
}

impl Lines<'_> {
    async fn store(&mut self, into: &mut Into<'_>, bar: &ProgressBar) -> Result<(), Ended> {
        loop {
            bar.set_position(self.state.offset);
            bar.set_message(format!("{} entries", output::count(self.state.done.entries)));
            let (entries, then) = self.some()?;
            into.store(entries, &mut self.state.done).await?;
            match then {
                Then::More => {}
                Then::End => return Ok(()),
                Then::Wrong(what) => {
                    return Err(Ended::Unreadable(unreadable(self.name, self.state.lines, &what)));
                }
            }
            self.stored = self.state.clone();
            if into.is_safe() {
                self.safe = self.state.clone();
            }
            if interrupt::asked() {
                let lines = output::many(self.state.lines, "line", "lines");
                return Err(Failure::interrupted(format_args!("interrupted after {lines}")).into());
            }
        }
    }

    /// The entries of some lines.
    fn some(&mut self) -> Result<(Vec<Entry>, Then), Failure> {
        let (mut entries, mut bytes, mut text) = (Vec::new(), 0, Vec::new());
        while entries.len() < LINES && bytes < BYTES {
            text.clear();
            let read = self.reader.read_until(b'\n', &mut text).map_err(|error| {
                Failure::other(format_args!("{}: {error}", self.name)).next("see whether the file can be read")
            })?;
            if read == 0 {
                return Ok((entries, Then::End));
            }
            self.state.lines += 1;
            self.state.offset += read as u64;
            bytes += read;
            if text.trim_ascii().is_empty() {
                continue;
            }
            match entry(&text) {
                Ok(entry) => entries.push(entry),
                Err(what) => return Ok((entries, Then::Wrong(what))),
            }
        }
        Ok((entries, Then::More))
    }
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

/// Where an import of this file into this store was interrupted.
fn resumed(path: &Path, now: State) -> Result<State, Failure> {
    const ANEW: &str = "import it without `--resume`: entries that are there stay";
    let text = fs::read(beside(path)).map_err(|_| {
        Failure::other(format_args!("there is no interrupted import of {}", path.display()))
            .next("import it without `--resume`")
    })?;
    let state: State = serde_json::from_slice(&text)
        .map_err(|error| Failure::other(format_args!("{}: {error}", beside(path).display())).next(ANEW))?;
    if state.length != now.length {
        let other = format_args!("{} is not the file whose import was interrupted", path.display());
        return Err(Failure::other(other).next(ANEW));
    }
    if state.store != now.store {
        return Err(Failure::usage(format_args!("the interrupted import was into {}", state.store))
            .next("name the same store, or import without `--resume`"));
    }
    if now.servers.iter().any(|server| server.ends_with(' ')) {
        let unknown = "this user may not ask a server for `INFO`: whether it has lost entries since cannot be known";
        return Err(Failure::store(unknown).next(ANEW));
    }
    match state.servers == now.servers {
        true => Ok(state),
        false => {
            let other = "the servers are others, or have started anew: what was imported before may be lost";
            Err(Failure::store(other).next(ANEW))
        }
    }
}
