//! Who uses the store, for the message that another process gets.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process,
    time::{Duration, SystemTime},
};

/// The file beside the store that says who has opened it. It is a note, not a lock: redb locks the store itself.
#[derive(Debug)]
pub(super) struct OwnerFile {
    path: PathBuf,
}

/// What the note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pid: u32,
    since: SystemTime,
    program: String,
}

impl Owner {
    fn this_process(now: SystemTime) -> Self {
        let program = std::env::current_exe().map_or_else(|_| "?".to_owned(), |path| path.display().to_string());
        Owner { pid: process::id(), since: now, program: program.replace(['\n', '\r'], "?") }
    }

    fn write(&self) -> String {
        let since = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        format!("{}\n{since}\n{}\n", self.pid, self.program)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.parse().ok()?;
        let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(lines.next()?.parse().ok()?))?;
        Some(Owner { pid, since, program: lines.next()?.to_owned() })
    }
}

/// `process 4711 (/usr/bin/service), which opened it at 1764201600 (Unix time)`
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let who = if self.pid == process::id() { "this very process" } else { "process" };
        write!(f, "{who} {} ({}), which opened it at {since} (Unix time)", self.pid, self.program)
    }
}

impl OwnerFile {
    pub(super) fn beside(folder: &Path) -> Self {
        OwnerFile { path: folder.join("owner") }
    }

    /// We have opened the store.
    pub(super) fn take(&self, now: SystemTime) -> io::Result<()> {
        // In place of the other note as a whole, so that nobody reads half of one.
        let fresh = self.path.with_extension("new");
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = super::open::private_file().write(true).create_new(true).open(&fresh)?;
        io::Write::write_all(&mut file, Owner::this_process(now).write().as_bytes())?;
        fs::rename(&fresh, &self.path)
    }

    /// We close the store.
    pub(super) fn leave(&self) {
        // A note that stays is only wrong until the next one.
        fs::remove_file(&self.path).ok();
    }

    pub(super) fn read(&self) -> Option<Owner> {
        Owner::read(&fs::read_to_string(&self.path).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_comes_back_and_nonsense_is_none() {
        let owner = Owner::this_process(SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_201_600));
        assert_eq!(Owner::read(&owner.write()), Some(owner.clone()));
        assert!(owner.to_string().contains(&format!("this very process {}", process::id())));
        for text in ["", "1", "x\n1\np", "1\nx\np", "1\n18446744073709551615\np", "1\n2"] {
            assert_eq!(Owner::read(text), None, "{text:?}");
        }
    }
}
