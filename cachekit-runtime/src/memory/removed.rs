//! What leaves a table, carried out of its locks.

use std::iter;

use crate::time::Tick;

/// An entry that has left.
#[derive(Debug)]
pub(crate) struct Gone<K, V, M> {
    pub(crate) key: K,
    pub(crate) value: V,
    pub(crate) think: Tick,
    pub(crate) born: Tick,
    pub(crate) more: Option<Box<M>>,
    pub(crate) weight: u64,
}

/// Why it has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RemovalKind {
    /// The same key was inserted again.
    Replaced,
    /// The policy chose it.
    Evicted,
    /// A sweep found it to be over.
    Swept,
    /// A caller wanted it.
    Taken,
}

#[derive(Debug)]
pub(crate) struct Removal<K, V, M> {
    pub(crate) gone: Gone<K, V, M>,
    pub(crate) kind: RemovalKind,
}

/// What an operation removed. Allocates for the second removal only: most insertions into a full table have one.
#[derive(Debug)]
pub(crate) struct Removed<K, V, M> {
    first: Option<Removal<K, V, M>>,
    others: Vec<Removal<K, V, M>>,
    /// Entries that nobody asked for and that need no drop are not carried out, only counted.
    evicted: Option<u64>,
}

impl<K, V, M> Removed<K, V, M> {
    pub(crate) fn new() -> Self {
        Removed { first: None, others: Vec::new(), evicted: None }
    }

    /// For an owner who only wants to know how many were [evicted](Self::evicted), where keys and values need no drop.
    pub(crate) fn counted() -> Self {
        let evicted = if std::mem::needs_drop::<(K, V)>() { None } else { Some(0) };
        Removed { evicted, ..Self::new() }
    }

    /// Counts an eviction in place of carrying the entry out. Whether that is all that is wanted.
    #[inline(always)]
    pub(crate) fn count_evicted(&mut self) -> bool {
        match &mut self.evicted {
            Some(evicted) if const { !std::mem::needs_drop::<(K, V)>() } => {
                *evicted += 1;
                true
            }
            _ => false,
        }
    }

    /// The evictions, if they were counted and nothing else was removed.
    #[inline(always)]
    pub(crate) fn only_counted(self) -> Result<u64, Self> {
        match self.evicted {
            Some(evicted) if self.first.is_none() && self.others.capacity() == 0 => {
                // There is nothing to drop, which is known here and not where it would be done.
                std::mem::forget(self);
                Ok(evicted)
            }
            _ => Err(self),
        }
    }

    /// Evictions that were only counted.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.unwrap_or(0)
    }

    #[inline]
    pub(crate) fn push(&mut self, gone: Gone<K, V, M>, kind: RemovalKind) {
        let removal = Removal { gone, kind };
        match &self.first {
            None => self.first = Some(removal),
            Some(_) => self.push_other(removal),
        }
    }

    #[cold]
    fn push_other(&mut self, removal: Removal<K, V, M>) {
        self.others.push(removal);
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// Tells why, for each of them.
    #[inline]
    pub(crate) fn each_kind(&self, mut f: impl FnMut(RemovalKind)) {
        if let Some(first) = &self.first {
            f(first.kind);
        }
        if !self.others.is_empty() {
            self.others.iter().for_each(|other| f(other.kind));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Removal<K, V, M>> {
        self.first.iter().chain(&self.others)
    }
}

impl<K, V, M> IntoIterator for Removed<K, V, M> {
    type Item = Removal<K, V, M>;
    type IntoIter = iter::Chain<std::option::IntoIter<Removal<K, V, M>>, std::vec::IntoIter<Removal<K, V, M>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.others)
    }
}
