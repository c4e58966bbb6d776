//! Writing a snapshot: blocks under a checksum into a file beside, which takes the place of the one before when it is whole and on the disk.

use super::{BLOCK, FORMAT, Header, MAGIC, Record, SnapshotError};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A snapshot that is being written. Dropped before [`finish`](Self::finish), it leaves nothing.
pub(crate) struct Target {
    path: PathBuf,
    /// `None`: it has its name.
    beside: Option<PathBuf>,
    file: BufWriter<File>,
    block: Vec<u8>,
    /// Entries in the block, and in all.
    in_block: u32,
    entries: u64,
    bytes: u64,
}

impl Target {
    pub(crate) fn create(path: &Path, header: &Header) -> Result<Self, SnapshotError> {
        let (beside, file) = create_beside(path).map_err(|error| failed(path, error))?;
        let mut target = Target {
            path: path.to_owned(),
            beside: Some(beside),
            file: BufWriter::new(file),
            block: Vec::new(),
            in_block: 0,
            entries: 0,
            bytes: 0,
        };
        let mut said = Vec::new();
        header.write(&mut said);
        let mut bytes = MAGIC.to_vec();
        bytes.push(FORMAT);
        bytes.extend_from_slice(&(said.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&said);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        target.put(&bytes)?;
        Ok(target)
    }

    /// Whether the record could be written.
    pub(crate) fn add(&mut self, record: &Record<'_>) -> Result<bool, SnapshotError> {
        let before = self.block.len();
        if !record.write(&mut self.block) || u32::try_from(self.block.len()).is_err() {
            self.block.truncate(before);
            return Ok(false);
        }
        self.in_block += 1;
        self.entries += 1;
        if self.block.len() >= BLOCK {
            self.end_block()?;
        }
        Ok(true)
    }

    /// Entries and bytes, when the file is on the disk under its name.
    pub(crate) fn finish(mut self) -> Result<(u64, u64), SnapshotError> {
        self.end_block()?;
        // A block of nothing is the end: without it, entries are missing.
        let mut end = 0_u32.to_le_bytes().to_vec();
        end.extend_from_slice(&self.entries.to_le_bytes());
        let checksum = crc32fast::hash(&end);
        end.extend_from_slice(&checksum.to_le_bytes());
        self.put(&end)?;
        let path = self.path.clone();
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(|error| failed(&path, error))?;
        if let Some(beside) = self.beside.take()
            && let Err(error) = fs::rename(&beside, &path)
        {
            self.beside = Some(beside);
            return Err(failed(&path, error));
        }
        sync_folder(&path);
        Ok((self.entries, self.bytes))
    }

    fn end_block(&mut self) -> Result<(), SnapshotError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut block = std::mem::take(&mut self.block);
        // `add` lets no block grow beyond.
        let mut head = (block.len() as u32).to_le_bytes().to_vec();
        head.extend_from_slice(&self.in_block.to_le_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&head);
        checksum.update(&block);
        head.extend_from_slice(&checksum.finalize().to_le_bytes());
        self.put(&head)?;
        self.put(&block)?;
        self.in_block = 0;
        block.clear();
        // One large entry is not remembered by the room that it took.
        block.shrink_to(2 * BLOCK);
        self.block = block;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.file.write_all(bytes).map_err(|error| failed(&self.path, error))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // It is of no use, and nobody is to be told.
            let _ = fs::remove_file(beside);
        }
    }
}

fn failed(path: &Path, error: io::Error) -> SnapshotError {
    SnapshotError::Io { path: path.to_owned(), action: "written", error }
}

/// In the same folder, so that it can be renamed, and for nobody else to read: keys and values may be personal data.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    loop {
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        let beside = path.with_file_name(beside);
        match options.open(&beside) {
            // Of a process with this number that did not end well.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (beside, file)),
        }
    }
}

/// A rename is on the disk when its folder is. Where that cannot be asked for, it is there a moment later.
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
