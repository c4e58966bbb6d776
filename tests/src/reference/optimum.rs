use std::collections::{BTreeSet, HashMap};

/// The most hits that any cache of so many keys can have that may also leave a key out: the key that is wanted again last goes.
///
/// Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5, 1966.
pub fn optimum(capacity: usize, keys: &[u64]) -> usize {
    let mut wanted_again = vec![usize::MAX; keys.len()];
    let mut later = HashMap::new();
    for (time, key) in keys.iter().enumerate().rev() {
        if let Some(next) = later.insert(*key, time) {
            wanted_again[time] = next;
        }
    }
    let mut held: HashMap<u64, usize> = HashMap::new();
    let mut order = BTreeSet::new();
    let mut hits = 0;
    for (key, next) in keys.iter().zip(wanted_again) {
        if let Some(now) = held.insert(*key, next) {
            hits += 1;
            order.remove(&(now, *key));
        }
        order.insert((next, *key));
        if held.len() > capacity
            && let Some((_, last)) = order.pop_last()
        {
            held.remove(&last);
        }
    }
    hits
}
