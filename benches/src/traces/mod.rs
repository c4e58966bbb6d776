//! Traces: which keys are asked for, one after the other.

mod belady;
mod read;
mod synthetic;

pub use belady::optimum;
pub use read::{from_folder, from_text};
pub use synthetic::synthetic;

/// A trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The file's name without its endings, or that of the rule that made it.
    pub name: String,
    /// The keys in the order of the requests, numbered in the order of their first use.
    pub keys: Vec<u32>,
    /// How many different ones there are.
    pub distinct: usize,
}

impl Trace {
    /// Of any keys, which are numbered anew.
    #[must_use]
    pub fn of<K: std::hash::Hash + Eq>(name: &str, keys: impl IntoIterator<Item = K>) -> Trace {
        let mut numbers = hashbrown::HashMap::new();
        let keys: Vec<u32> = keys
            .into_iter()
            .map(|key| {
                let next = numbers.len() as u32;
                *numbers.entry(key).or_insert(next)
            })
            .collect();
        Trace { name: name.to_owned(), keys, distinct: numbers.len() }
    }

    /// So many entries, at least one, are this part of the distinct keys.
    #[must_use]
    pub fn capacity(&self, percent: f64) -> usize {
        ((self.distinct as f64 * percent / 100.0) as usize).max(1)
    }

    /// Its first requests only.
    #[must_use]
    pub fn shortened(self, requests: usize) -> Trace {
        if self.keys.len() <= requests { self } else { Trace::of(&self.name, self.keys.into_iter().take(requests)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_numbered_in_the_order_of_their_first_use() {
        let trace = Trace::of("t", ["b", "a", "b", "c"]);
        assert_eq!((trace.keys.as_slice(), trace.distinct), (&[0, 1, 0, 2][..], 3));
        assert_eq!((trace.capacity(0.1), trace.capacity(70.0)), (1, 2));
        assert_eq!(trace.shortened(2).distinct, 2);
    }
}
