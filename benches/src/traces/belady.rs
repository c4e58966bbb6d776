//! The optimum: evict what is needed again last (Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
//! 5(2), 1966).

use std::collections::BinaryHeap;

/// Never again.
const NEVER: u32 = u32::MAX;

/// The most hits that any cache of so many entries can have. It knows the future, and may decline to store what it has just loaded.
#[must_use]
pub fn optimum(keys: &[u32], capacity: usize) -> usize {
    let next = next_uses(keys);
    let distinct = keys.iter().max().map_or(0, |last| *last as usize + 1);
    // By key, when it is needed again, if it is in the cache.
    let mut due: Vec<Option<u32>> = vec![None; distinct];
    // The same by time, latest first. A hit leaves the entry from before it, which has come due by then and so never is the latest again.
    let mut latest: BinaryHeap<(u32, u32)> = BinaryHeap::new();
    let (mut hits, mut entries) = (0, 0);
    for (key, next) in keys.iter().zip(next) {
        let mine = &mut due[*key as usize];
        if mine.is_some() {
            hits += 1;
            entries -= 1;
        }
        *mine = None;
        if next == NEVER {
            continue;
        }
        if entries == capacity {
            // All entries are due in the future, so that the first of the heap is one of them.
            match latest.peek() {
                Some((later, victim)) if *later > next => {
                    due[*victim as usize] = None;
                    latest.pop();
                    entries -= 1;
                }
                _ => continue,
            }
        }
        due[*key as usize] = Some(next);
        latest.push((next, *key));
        entries += 1;
    }
    hits
}

/// By request, when its key is asked for again.
fn next_uses(keys: &[u32]) -> Vec<u32> {
    let distinct = keys.iter().max().map_or(0, |last| *last as usize + 1);
    let (mut seen, mut next) = (vec![NEVER; distinct], vec![NEVER; keys.len()]);
    for (at, key) in keys.iter().enumerate().rev() {
        next[at] = seen[*key as usize];
        seen[*key as usize] = at as u32;
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The definition, by trying every subset of what could be kept.
    fn by_trial(keys: &[u32], capacity: usize) -> usize {
        // The best number of hits up to here for each content of the cache.
        let mut best = std::collections::BTreeMap::from([(Vec::new(), 0)]);
        for key in keys {
            let mut after: std::collections::BTreeMap<Vec<u32>, usize> = std::collections::BTreeMap::new();
            let mut offer = |content: Vec<u32>, hits: usize| {
                let known = after.entry(content).or_insert(hits);
                *known = hits.max(*known);
            };
            for (content, hits) in &best {
                if content.contains(key) {
                    offer(content.clone(), hits + 1);
                    continue;
                }
                offer(content.clone(), *hits);
                for without in 0..=content.len() {
                    let mut with: Vec<u32> =
                        content.iter().enumerate().filter(|(at, _)| *at != without).map(|(_, key)| *key).collect();
                    with.push(*key);
                    with.sort_unstable();
                    if with.len() <= capacity {
                        offer(with, *hits);
                    }
                }
            }
            best = after;
        }
        best.into_values().max().unwrap_or(0)
    }

    #[test]
    fn no_choice_of_victims_has_more_hits() {
        let mut random = Random::of(9);
        for round in 0..60 {
            let keys: Vec<u32> = (0..25).map(|_| random.below(7) as u32).collect();
            let capacity = 1 + round % 4;
            assert_eq!(optimum(&keys, capacity), by_trial(&keys, capacity), "{keys:?} in {capacity}");
        }
    }
}
