//! First-in-first-out queues of slots with removal from the middle in constant time.

use super::Slot;

/// Links have 30 bits. The two bits above the first say which queue holds the slot, those above the second are the tag.
const LINK_BITS: u32 = 30;
const LINK: u32 = (1 << LINK_BITS) - 1;
/// The link of an end. No slot has this number.
const NIL: u32 = LINK;
/// The queue of a slot that is in none.
const NONE: usize = 3;

/// Eight bytes for each slot.
#[derive(Clone, Copy)]
struct Node {
    before: u32,
    after: u32,
}

impl Node {
    const OUT: Node = Node::new(NIL, NIL, NONE, 0);

    const fn new(before: u32, after: u32, queue: usize, tag: u32) -> Self {
        Node { before: before | (queue as u32) << LINK_BITS, after: after | tag << LINK_BITS }
    }

    fn before(self) -> u32 {
        self.before & LINK
    }

    fn after(self) -> u32 {
        self.after & LINK
    }

    fn queue(self) -> usize {
        (self.before >> LINK_BITS) as usize
    }

    fn tag(self) -> u32 {
        self.after >> LINK_BITS
    }

    fn set_before(&mut self, slot: u32) {
        self.before = self.before & !LINK | slot;
    }

    fn set_after(&mut self, slot: u32) {
        self.after = self.after & !LINK | slot;
    }
}

#[derive(Clone, Copy)]
struct Ends {
    front: u32,
    back: u32,
    len: usize,
}

/// `N` queues over the slots of one shard, as doubly linked lists in one vector that is indexed by slot. At most three queues
/// and 2^30 - 1 slots, and eight bytes for each slot that was ever used.
///
/// A slot is in one queue at most: pushing it moves it. With it goes a tag of two bits, for the policy to use.
pub(super) struct SlotQueues<const N: usize> {
    nodes: Vec<Node>,
    ends: [Ends; N],
}

impl<const N: usize> SlotQueues<N> {
    const FITS: () = assert!(N <= NONE);

    pub(super) fn new() -> Self {
        let () = Self::FITS;
        SlotQueues { nodes: Vec::new(), ends: [Ends { front: NIL, back: NIL, len: 0 }; N] }
    }

    pub(super) fn len(&self, queue: usize) -> usize {
        self.ends[queue].len
    }

    /// Puts the slot last. What is beyond the number of slots that fit is in no queue: the table then evicts it by itself.
    pub(super) fn push_back(&mut self, queue: usize, slot: Slot) {
        self.push_back_tagged(queue, slot, 0);
    }

    /// As `push_back`, with a tag from 0 to 3.
    pub(super) fn push_back_tagged(&mut self, queue: usize, slot: Slot, tag: u32) {
        self.remove(slot);
        self.append_tagged(queue, slot, tag);
    }

    /// As `push_back`, of a slot that is in no queue.
    #[inline(always)]
    pub(super) fn append(&mut self, queue: usize, slot: Slot) {
        self.append_tagged(queue, slot, 0);
    }

    #[inline(always)]
    fn append_tagged(&mut self, queue: usize, slot: Slot, tag: u32) {
        debug_assert!(self.queue_of(slot).is_none(), "{slot:?} is in a queue");
        if self.nodes.len() <= slot.index() && !self.make_node(slot) {
            return;
        }
        let ends = &mut self.ends[queue];
        self.nodes[slot.index()] = Node::new(ends.back, NIL, queue, tag & 3);
        match self.nodes.get_mut(ends.back as usize) {
            Some(back) => back.set_after(slot.raw()),
            // The link of an end.
            None => ends.front = slot.raw(),
        }
        ends.back = slot.raw();
        ends.len += 1;
    }

    /// The slot that was pushed first of those that are in the queue.
    pub(super) fn front(&self, queue: usize) -> Option<Slot> {
        as_slot(self.ends[queue].front)
    }

    #[inline(always)]
    pub(super) fn pop_front(&mut self, queue: usize) -> Option<Slot> {
        let slot = self.front(queue)?;
        let node = std::mem::replace(&mut self.nodes[slot.index()], Node::OUT);
        let ends = &mut self.ends[queue];
        ends.len -= 1;
        ends.front = node.after();
        match self.nodes.get_mut(node.after() as usize) {
            Some(after) => after.set_before(NIL),
            // The link of an end.
            None => ends.back = NIL,
        }
        Some(slot)
    }

    /// Puts the first of the queue last, with a tag.
    pub(super) fn rotate(&mut self, queue: usize, tag: u32) {
        if let Some(slot) = self.pop_front(queue) {
            self.append_tagged(queue, slot, tag);
        }
    }

    /// The queue that holds the slot.
    pub(super) fn queue_of(&self, slot: Slot) -> Option<usize> {
        self.nodes.get(slot.index()).map(|node| node.queue()).filter(|queue| *queue != NONE)
    }

    /// The tag with which the slot was pushed; 0 if it is in no queue.
    pub(super) fn tag(&self, slot: Slot) -> u32 {
        self.nodes.get(slot.index()).map_or(0, |node| node.tag())
    }

    /// Tags a slot where it stands. Nothing happens if it is in no queue.
    pub(super) fn set_tag(&mut self, slot: Slot, tag: u32) {
        if self.queue_of(slot).is_some() {
            let node = &mut self.nodes[slot.index()];
            node.after = node.after & LINK | (tag & 3) << LINK_BITS;
        }
    }

    /// The slot after this one among all that were ever used, and after the last the first; `None` if none was used.
    pub(super) fn next_slot(&self, slot: Slot) -> Option<Slot> {
        let next = slot.index() + 1;
        (!self.nodes.is_empty()).then_some(Slot::new(if next < self.nodes.len() { next as u32 } else { 0 }))
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }

    /// Takes a slot out of the queue that holds it, if one does.
    pub(super) fn remove(&mut self, slot: Slot) {
        let Some(queue) = self.queue_of(slot) else { return };
        let node = std::mem::replace(&mut self.nodes[slot.index()], Node::OUT);
        let ends = &mut self.ends[queue];
        ends.len -= 1;
        match as_slot(node.before()) {
            None => ends.front = node.after(),
            Some(before) => self.nodes[before.index()].set_after(node.after()),
        }
        match as_slot(node.after()) {
            None => ends.back = node.before(),
            Some(after) => self.nodes[after.index()].set_before(node.before()),
        }
    }

    /// Makes a node for a slot that has none. Is there one now?
    #[cold]
    fn make_node(&mut self, slot: Slot) -> bool {
        if slot.raw() >= NIL {
            return false;
        }
        let more = slot.index() + 1 - self.nodes.len();
        if self.nodes.capacity() < slot.index() + 1 {
            // By an eighth: doubling, as `resize` does it, would leave up to half of the memory unused.
            self.nodes.reserve_exact(more.max(self.nodes.len() / 8).max(16));
        }
        self.nodes.resize(slot.index() + 1, Node::OUT);
        true
    }
}

fn as_slot(link: u32) -> Option<Slot> {
    (link != NIL).then_some(Slot::new(link))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queues: &mut SlotQueues<2>, queue: usize) -> Vec<u32> {
        std::iter::from_fn(|| queues.pop_front(queue)).map(Slot::raw).collect()
    }

    fn filled() -> SlotQueues<2> {
        let mut queues = SlotQueues::new();
        for slot in 0..4 {
            queues.push_back(0, Slot::new(slot));
        }
        queues
    }

    #[test]
    fn keeps_the_order_when_front_middle_or_back_go() {
        for (gone, left) in [(0, [1, 2, 3]), (1, [0, 2, 3]), (3, [0, 1, 2])] {
            let mut queues = filled();
            queues.remove(Slot::new(gone));
            assert_eq!(queues.len(0), 3);
            assert_eq!(drain(&mut queues, 0), left);
            assert_eq!(queues.len(0), 0);
        }
    }

    #[test]
    fn pushing_moves_between_queues() {
        let mut queues = filled();
        queues.push_back(1, Slot::new(2));
        queues.push_back(0, Slot::new(0));
        assert_eq!((queues.queue_of(Slot::new(2)), queues.front(1)), (Some(1), Some(Slot::new(2))));
        assert_eq!(drain(&mut queues, 0), [1, 3, 0]);
        assert_eq!(drain(&mut queues, 1), [2]);
    }

    #[test]
    fn removing_what_is_in_no_queue_changes_nothing() {
        let mut queues = filled();
        queues.remove(Slot::new(9));
        queues.remove(Slot::new(1));
        queues.remove(Slot::new(1));
        assert_eq!(queues.len(0), 3);
        assert_eq!(queues.queue_of(Slot::new(1)), None);
    }

    #[test]
    fn links_queue_and_tag_share_a_node_without_disturbing_each_other() {
        assert_eq!(size_of::<Node>(), 8);
        for (queue, tag) in (0..=NONE).flat_map(|queue| (0..4).map(move |tag| (queue, tag))) {
            let mut node = Node::new(NIL - 1, 7, queue, tag);
            assert_eq!((node.before(), node.after(), node.queue(), node.tag()), (NIL - 1, 7, queue, tag));
            node.set_before(8);
            node.set_after(NIL);
            assert_eq!((node.before(), node.after(), node.queue(), node.tag()), (8, NIL, queue, tag));
        }
    }

    #[test]
    fn a_tag_stays_until_the_slot_is_pushed_again_or_goes() {
        let mut queues = filled();
        let slot = Slot::new(2);
        queues.push_back_tagged(1, slot, 3);
        queues.push_back(1, Slot::new(0));
        assert_eq!((queues.tag(slot), queues.tag(Slot::new(0))), (3, 0));
        queues.push_back_tagged(0, slot, 1);
        assert_eq!(queues.tag(slot), 1);
        queues.set_tag(slot, 2);
        queues.set_tag(Slot::new(9), 2);
        assert_eq!((queues.tag(slot), queues.queue_of(slot), queues.tag(Slot::new(9))), (2, Some(0), 0));
        queues.remove(slot);
        assert_eq!(queues.tag(slot), 0);
    }

    #[test]
    fn rotating_puts_the_first_last() {
        let mut queues = filled();
        queues.rotate(0, 2);
        queues.rotate(1, 3);
        assert_eq!((queues.tag(Slot::new(0)), queues.len(0), queues.len(1)), (2, 4, 0));
        assert_eq!(drain(&mut queues, 0), [1, 2, 3, 0]);
        queues.push_back(1, Slot::new(5));
        queues.rotate(1, 1);
        assert_eq!((queues.tag(Slot::new(5)), drain(&mut queues, 1)), (1, vec![5]));
    }

    #[test]
    fn memory_grows_by_an_eighth() {
        let mut queues = SlotQueues::<1>::new();
        for slot in 0..10_000 {
            queues.push_back(0, Slot::new(slot));
            assert!(queues.nodes.capacity() <= slot as usize * 9 / 8 + 17);
        }
    }

    #[test]
    fn slots_go_round() {
        assert_eq!(SlotQueues::<1>::new().next_slot(Slot::new(0)), None);
        let queues = filled();
        assert_eq!([0, 3, 8].map(|slot| queues.next_slot(Slot::new(slot)).map(Slot::raw)), [Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn a_slot_beyond_the_links_is_left_out() {
        let mut queues = filled();
        queues.push_back(0, Slot::new(NIL));
        queues.push_back(0, Slot::new(u32::MAX));
        assert_eq!(drain(&mut queues, 0), [0, 1, 2, 3]);
    }
}
