//! What the system knows of a running process: how much memory it has had, how far it is in a file.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

/// The most that it has had resident so far, in bytes. `None`: it has ended.
#[must_use]
pub fn most_memory(pid: u32) -> Option<u64> {
    status(pid, "VmHWM:").map(|kib| kib * 1_024)
}

/// How many threads it has. `None`: it has ended.
#[must_use]
pub fn threads(pid: u32) -> Option<u64> {
    status(pid, "Threads:")
}

fn status(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// How many bytes of the file it has read, or written, by the place where its descriptor stands. `None`: it does not have it open.
#[must_use]
pub fn place_in(pid: u32, file: &Path) -> Option<u64> {
    let wanted = fs::metadata(file).ok()?;
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let own = descriptors.flatten().find(|descriptor| {
        let about = fs::metadata(descriptor.path());
        about.is_ok_and(|about| (about.dev(), about.ino()) == (wanted.dev(), wanted.ino()))
    })?;
    let about = fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", own.file_name().to_str()?)).ok()?;
    about.lines().find_map(|line| line.strip_prefix("pos:"))?.trim().parse().ok()
}
