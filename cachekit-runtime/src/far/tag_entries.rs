//! The versions of tags in a backend that no other process uses: entries of a cache without a name, beside the others.

use crate::{
    backend::{self, Address, Fingerprint},
    identity,
};
use bytes::Bytes;

pub(super) fn bytes_of(version: &backend::Version) -> Bytes {
    std::iter::once(&version.hard).chain(&version.softened).flat_map(|number| number.to_le_bytes()).collect()
}

/// Where a backend that no other process uses has the version of a tag: beside the entries, as one of a cache without a name.
pub(super) fn place(tag: &str) -> Address {
    Address::new("", &identity::text::cache_name(tag), Fingerprint(0))
}

pub(super) fn version(bytes: &Bytes) -> Option<backend::Version> {
    let (numbers, rest) = bytes.as_chunks::<8>();
    let mut numbers = numbers.iter().map(|number| u64::from_le_bytes(*number));
    let hard = numbers.next().filter(|hard| *hard != 0 && rest.is_empty())?;
    Some(backend::Version::new(hard).softened(numbers))
}

#[cfg(feature = "inspect")]
pub(crate) use for_tools::{make, remove, soften, versions};

/// As [`Link`](super::Link) does it, for who has no link.
#[cfg(feature = "inspect")]
mod for_tools {
    use super::{super::tagged::random, bytes_of, place, version};
    use crate::{
        Error,
        backend::{Address, Backend, Version},
    };

    pub(crate) async fn versions(backend: &dyn Backend, tags: &[&str]) -> Result<Vec<Option<Version>>, Error> {
        let places: Vec<Address> = tags.iter().map(|tag| place(tag)).collect();
        let found = backend.get_many(&places).await?;
        Ok(found.into_iter().map(|bytes| version(&bytes?)).collect())
    }

    pub(crate) async fn make(backend: &dyn Backend, tags: &[&str]) -> Result<Vec<Version>, Error> {
        let mut all = Vec::with_capacity(tags.len());
        for (tag, there) in tags.iter().zip(versions(backend, tags).await?) {
            let version = match there {
                Some(version) => version,
                None => {
                    let made = Version::new(random());
                    backend.set(&place(tag), bytes_of(&made), None).await?;
                    made
                }
            };
            all.push(version);
        }
        Ok(all)
    }

    pub(crate) async fn remove(backend: &dyn Backend, tags: &[&str]) -> Result<(), Error> {
        let places: Vec<Address> = tags.iter().map(|tag| place(tag)).collect();
        backend.remove_many(&places).await
    }

    pub(crate) async fn soften(backend: &dyn Backend, tags: &[&str], now: u64) -> Result<(), Error> {
        for (tag, known) in tags.iter().zip(versions(backend, tags).await?) {
            if let Some(known) = known {
                let softened = known.softened_at(now, random() as u16);
                backend.set(&place(tag), bytes_of(&softened), None).await?;
            }
        }
        Ok(())
    }
}
