//! Another policy over the same entries: what the old one knew, told to the new one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::policy::{Known, Policy, Slot, Words};

/// The live slots from the coldest to the hottest: in the order in which the old policy would have evicted them. Slots that it does not name come
/// first, in no order. `capacity`: what the old policy was told.
pub(crate) fn from_coldest(
    old: Option<Box<dyn Policy>>,
    capacity: usize,
    live: &[Slot],
    slots: usize,
    words: &Words<'_>,
) -> Vec<Slot> {
    let mut is_live = vec![false; slots];
    live.iter().for_each(|slot| is_live[slot.index()] = true);
    let mut order = Vec::with_capacity(live.len());
    if let Some(mut old) = old {
        // A policy of the user's may name what does not live, or panic: what it has named until then counts.
        let drained = catch_unwind(AssertUnwindSafe(|| {
            let mut told = live.len();
            if is_unused(capacity, told) {
                old.set_capacity(told.max(1));
            }
            for left in (1..=live.len()).rev() {
                // A smaller cache has smaller queues: a policy that keeps to their shares would otherwise fill one of them up to the end.
                if told - left > told / 16 {
                    told = left;
                    old.set_capacity(left);
                }
                let Some(slot) = old.victim(words) else { break };
                if is_live.get_mut(slot.index()).is_some_and(std::mem::take) {
                    order.push(slot);
                }
            }
        }));
        if drained.is_err() {
            tracing::error!("a policy panicked while it was replaced; the order of its entries is lost in part");
        }
    }
    let mut unnamed: Vec<Slot> = live.iter().copied().filter(|slot| is_live[slot.index()]).collect();
    unnamed.append(&mut order);
    unnamed
}

/// Is the capacity far beyond what is there? Then a policy is not to make what it needs for all of it.
fn is_unused(capacity: usize, entries: usize) -> bool {
    capacity / 4 > entries
}

/// Hands the entries over, from the coldest to the hottest, with how often each was hit as far as that was counted. `capacity`: what the policy was
/// made for.
pub(crate) fn adopt(policy: &mut dyn Policy, capacity: Option<usize>, known: &[(Slot, u32)], words: &Words<'_>) {
    let unused = capacity.filter(|capacity| is_unused(*capacity, known.len()));
    if unused.is_some() {
        policy.set_capacity((2 * known.len()).max(1));
    }
    let last = known.len().saturating_sub(1).max(1);
    for (place, (slot, hits)) in known.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a rank between 0 and 1")]
        let rank = place as f32 / last as f32;
        policy.on_adopt(*slot, Known::new(*hits, rank), words);
    }
    if let Some(capacity) = unused {
        policy.set_capacity(capacity);
    }
}
