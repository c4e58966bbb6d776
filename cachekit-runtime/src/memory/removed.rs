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
}

impl<K, V, M> Removed<K, V, M> {
    pub(crate) fn new() -> Self {
        Removed { first: None, others: Vec::new() }
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
