//! Opening the store: the folder, the file, the lock, what is damaged, and what another clock or program has left.

use super::{
    Config,
    failure::Trouble,
    layout::FORMAT,
    owner::OwnerFile,
    store::{Store, guarded},
    wall_time::WallTime,
};
use crate::backend::Failure;
use redb::{Database, DatabaseError, backends::FileBackend as RedbFile};
use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// By so much a clock may be behind the last time that the store has seen, in milliseconds, before one says that nobody knows the time.
pub(super) const TOLERANCE: u64 = 10_000;

/// Where the entries are, below the folder.
pub(super) fn path_of_store(folder: &Path) -> PathBuf {
    folder.join("entries.redb")
}

/// Options that give files to their owner alone.
pub(super) fn private_file() -> OpenOptions {
    #[allow(unused_mut)] // is not changed where there are no permissions of this kind
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens the store, makes one where none is, and moves a damaged one aside. `suspect`: the file was seen to be damaged, so all of it is checked.
pub(super) fn open(config: &Config, time: &WallTime, suspect: bool) -> Result<Store, Trouble> {
    let folder = &config.folder;
    make_folder(folder)
        .map_err(|error| Trouble::io(format_args!("the folder {} cannot be made", folder.display()), &error))?;
    let first = open_once(config, time, suspect);
    let store = match first {
        // By a check of everything redb repairs what can be repaired.
        Err(trouble) if trouble.corrupt && !suspect => open_once(config, time, true),
        other => other,
    };
    let store = match store {
        Err(trouble) if trouble.corrupt => {
            let (from, to) = (path_of_store(folder), folder.join("damaged.redb"));
            fs::rename(&from, &to).map_err(|error| Trouble::io("the damaged store cannot be moved aside", &error))?;
            tracing::error!(
                error = %trouble.error,
                moved_to = %to.display(),
                "the store of the file backend is damaged: it was moved aside, and a new one is begun"
            );
            open_once(config, time, false)?
        }
        other => other?,
    };
    if let Err(error) = OwnerFile::beside(folder).take(SystemTime::now()) {
        tracing::debug!(%error, "who uses the store of the file backend could not be noted");
    }
    Ok(store)
}

fn open_once(config: &Config, time: &WallTime, check: bool) -> Result<Store, Trouble> {
    guarded(|| {
        let path = path_of_store(&config.folder);
        let file = private_file().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| Trouble::io(format_args!("{} cannot be opened", path.display()), &error))?;
        let opened = Database::builder()
            .set_cache_size(config.page_cache)
            .set_check_integrity_on_open(check)
            .create_with_backend(RedbFile::new(file)?);
        let database = match opened {
            Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) => return Err(taken(config)),
            other => other?,
        };
        let store = Store::new(database);
        begin(&store, time)?;
        Ok(store)
    })
}

fn taken(config: &Config) -> Trouble {
    let owner = OwnerFile::beside(&config.folder).read();
    let owner = owner.map_or_else(|| "another process".to_owned(), |owner| owner.to_string());
    let folder = config.folder.display();
    Trouble::new(
        Failure::Busy,
        format_args!(
            "the store in {folder} is in use by {owner}; this process goes on without it and tries again every second"
        ),
    )
}

/// Looks whether we understand what is there and whether the time makes sense, and makes the tables of a new store. Where nothing has to be changed
/// nothing is written, so that a store on a full disk opens.
fn begin(store: &Store, time: &WallTime) -> Result<(), Trouble> {
    let (format, seen) = match store.facts()? {
        Some(facts) => facts,
        None => {
            store.make()?;
            (FORMAT, 0)
        }
    };
    if format > FORMAT {
        let message = format_args!(
            "the store was written by a later version (format {format}, and this program reads {FORMAT}), and is left alone"
        );
        return Err(Trouble::new(Failure::Misconfigured, message));
    }
    let shown = time.wall();
    if shown.saturating_add(TOLERANCE) < seen {
        let dropped = store.drop_what_ends(shown)?;
        tracing::warn!(
            dropped,
            behind_ms = seen - shown,
            "the clock is behind the last time that the file backend's store has seen, so nobody knows how old its entries are: those with an end were dropped"
        );
    } else {
        time.at_least(seen);
    }
    Ok(())
}
