//! What failures of the disk and of redb mean to the caches above.

use super::NAME;
use crate::{Error, backend::Failure};
use std::{fmt, io};

/// What is to be done about a store that failed.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) error: Error,
    /// The file is no store, or is damaged.
    pub(super) corrupt: bool,
}

impl Trouble {
    pub(super) fn new(failure: Failure, message: impl fmt::Display) -> Self {
        Trouble { error: Error::backend(NAME, failure, message), corrupt: false }
    }

    pub(super) fn corrupt(message: impl fmt::Display) -> Self {
        Trouble { error: Error::backend(NAME, Failure::Other, message), corrupt: true }
    }

    /// Says what was being done.
    pub(super) fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Trouble::new(failure_of(error), format_args!("{what}: {error}"))
    }
}

impl<E: Into<redb::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        match error.into() {
            redb::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Trouble::corrupt(error),
            redb::Error::Io(error) => Trouble::io("the disk", &error),
            error @ (redb::Error::Corrupted(_)
            | redb::Error::UpgradeRequired(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableIsMultimap(_)
            | redb::Error::TypeDefinitionChanged { .. }) => Trouble::corrupt(error),
            redb::Error::ValueTooLarge(length) => {
                Trouble::new(Failure::NotWritable, format_args!("a value of {length} bytes is too large"))
            }
            error => Trouble::new(Failure::Other, error),
        }
    }
}

/// A full disk or one that fails takes no entries for a while; a folder that we may not use is for a person to put right.
fn failure_of(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Failure::NotWritable,
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotFound
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::AlreadyExists => Failure::Misconfigured,
        _ => Failure::Other,
    }
}
