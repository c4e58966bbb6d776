//! Where an entry is, in every backend.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Stands for the shape of a value and how it is written: entries of another shape are other entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub u64);

/// Sixteen hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Where an entry is: which cache, which arguments, and the [`Fingerprint`] of the value's shape.
///
/// Programs of two versions use different fingerprints beside each other; what is invalidated is invalidated under all of them.
#[derive(Debug, Clone)]
pub struct Address {
    id: Arc<str>,
    name: u32,
    fingerprint: Fingerprint,
    /// The id with all of the arguments, where they are too long for it.
    whole: Option<Arc<str>>,
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.fingerprint) == (&other.id, other.fingerprint)
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.id, self.fingerprint).hash(state);
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.id, self.fingerprint).cmp(&(&other.id, other.fingerprint))
    }
}

impl Address {
    /// The address of an entry of `cache` whose arguments are written as `arguments`.
    ///
    /// `cache` without a colon, and neither of them with braces or control characters: what stands for those is the business of who makes addresses.
    #[must_use]
    pub fn new(cache: &str, arguments: &str, fingerprint: Fingerprint) -> Self {
        Address::of_own(cache, arguments.to_owned(), fingerprint)
    }

    /// As [`new`](Self::new). Each call that looks at a backend makes one: put together where the arguments are, which have room for most names.
    pub(crate) fn of_own(cache: &str, arguments: String, fingerprint: Fingerprint) -> Self {
        let name = u32::try_from(cache.len()).unwrap_or(u32::MAX);
        let mut id = arguments;
        id.reserve(cache.len() + 1);
        id.insert(0, ':');
        id.insert_str(0, cache);
        Address { id: id.into(), name, fingerprint, whole: None }
    }

    /// As [`new`](Self::new) with arguments that are written in short, and as `whole` in full: what envelopes hold, so that no entry is taken for another's.
    #[must_use]
    pub fn shortened(cache: &str, arguments: &str, whole: &str, fingerprint: Fingerprint) -> Self {
        Address { whole: Some(format!("{cache}:{whole}").into()), ..Address::new(cache, arguments, fingerprint) }
    }

    /// From an [`id`](Self::id): `None` if it has no colon.
    #[must_use]
    pub fn from_id(id: &str, fingerprint: Fingerprint) -> Option<Self> {
        let name = u32::try_from(id.find(':')?).ok()?;
        Some(Address { id: id.into(), name, fingerprint, whole: None })
    }

    /// The name of the cache.
    #[must_use]
    pub fn cache(&self) -> &str {
        self.id.get(..self.name as usize).unwrap_or(&self.id)
    }

    /// The name of the cache and the arguments, with a colon between them.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id with all of the arguments.
    #[must_use]
    pub fn whole_id(&self) -> &str {
        self.whole.as_deref().unwrap_or(&self.id)
    }

    /// The fingerprint.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The same entry, as another shape of program sees it.
    #[must_use]
    pub fn with_fingerprint(&self, fingerprint: Fingerprint) -> Self {
        Address { fingerprint, ..self.clone() }
    }
}

/// `name:arguments:fingerprint`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.fingerprint)
    }
}
