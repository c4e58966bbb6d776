//! The optimum: evict what is needed again last (Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal
//! 5(2), 1966). It knows the future, and may decline to store what it has just loaded.

use crate::trace::Trace;
use std::{collections::BinaryHeap, io};

/// Never again.
const NEVER: u32 = u32::MAX;

/// By request, when its key is asked for again: four bytes a request.
pub(super) struct Future {
    next: Vec<u32>,
}

impl Future {
    /// `None`: the trace is longer than the numbers go.
    pub(super) fn of(trace: &Trace) -> io::Result<Option<Self>> {
        let Ok(requests) = u32::try_from(trace.requests()) else { return Ok(None) };
        let mut next = vec![NEVER; requests as usize];
        let mut seen = vec![NEVER; trace.distinct as usize];
        let mut at = requests;
        trace.spool.backward(|keys| {
            for key in keys.iter().rev() {
                at -= 1;
                if let (Some(next), Some(seen)) = (next.get_mut(at as usize), seen.get_mut(*key as usize)) {
                    *next = std::mem::replace(seen, at);
                }
            }
        })?;
        Ok(Some(Future { next }))
    }

    /// The most hits that any cache of so many entries can have. `step` hears how many requests there were since it was last called.
    pub(super) fn hits(&self, trace: &Trace, capacity: u64, mut step: impl FnMut(u64)) -> io::Result<u64> {
        // By key, when it is needed again, if it is in the cache.
        let mut due: Vec<u32> = vec![NEVER; trace.distinct as usize];
        // The same by time, latest first. A hit leaves the entry from before it, which has come due by then and so never is the latest again.
        let mut latest: BinaryHeap<(u32, u32)> = BinaryHeap::new();
        let (mut hits, mut entries) = (0, 0);
        let mut future = self.next.iter();
        trace.spool.forward(|keys| {
            for (key, next) in keys.iter().zip(future.by_ref()) {
                let Some(mine) = due.get_mut(*key as usize) else { continue };
                if *mine != NEVER {
                    hits += 1;
                    entries -= 1;
                }
                *mine = NEVER;
                if *next == NEVER {
                    continue;
                }
                if entries == capacity {
                    // All entries are due in the future, so that the first of the heap is one of them.
                    match latest.peek() {
                        Some((later, victim)) if later > next => {
                            if let Some(victim) = due.get_mut(*victim as usize) {
                                *victim = NEVER;
                            }
                            latest.pop();
                            entries -= 1;
                        }
                        _ => continue,
                    }
                }
                if let Some(mine) = due.get_mut(*key as usize) {
                    *mine = *next;
                }
                latest.push((*next, *key));
                entries += 1;
                // What came due is in it still: never so many that they weigh more than the entries.
                if latest.len() as u64 > 2 * entries + 1_024 {
                    latest.retain(|(at, key)| due.get(*key as usize) == Some(at));
                }
            }
            step(keys.len() as u64);
        })?;
        Ok(hits)
    }
}
