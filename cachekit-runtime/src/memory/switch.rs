//! Another policy over the same entries: what the old one knew, told to the new one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::policy::{Known, Policy, Slot, Words};

/// The live slots from the coldest to the hottest: in the order in which the old policy would have evicted them. Slots that it does not name come
/// first, in no order.
pub(crate) fn from_coldest(old: Option<Box<dyn Policy>>, live: &[Slot], slots: usize, words: &Words<'_>) -> Vec<Slot> {
    let mut is_live = vec![false; slots];
    live.iter().for_each(|slot| is_live[slot.index()] = true);
    let mut order = Vec::with_capacity(live.len());
    if let Some(mut old) = old {
        // A policy of the user's may name what does not live, or panic: what it has named until then counts.
        let drained = catch_unwind(AssertUnwindSafe(|| {
            let mut told = live.len();
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

/// Hands the entries over, from the coldest to the hottest, with how often each was hit as far as that was counted.
pub(crate) fn adopt(policy: &mut dyn Policy, known: &[(Slot, u32)], words: &Words<'_>) {
    let last = known.len().saturating_sub(1).max(1);
    for (place, (slot, hits)) in known.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a rank between 0 and 1")]
        let rank = place as f32 / last as f32;
        policy.on_adopt(*slot, Known::new(*hits, rank), words);
    }
}
