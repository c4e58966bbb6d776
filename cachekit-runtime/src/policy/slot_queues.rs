//! First-in-first-out queues of slots with removal from the middle in constant time.

use super::Slot;

const NIL: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    before: u32,
    after: u32,
    /// The queue that holds the slot, or `NIL`.
    queue: u32,
}

#[derive(Clone, Copy)]
struct Ends {
    front: u32,
    back: u32,
    len: usize,
}

/// Two queues over the slots of one shard, as doubly linked lists in one vector that is indexed by slot.
///
/// A slot is in one queue at most: pushing it moves it.
pub(super) struct SlotQueues {
    nodes: Vec<Node>,
    ends: [Ends; 2],
}

impl SlotQueues {
    pub(super) fn new() -> Self {
        SlotQueues { nodes: Vec::new(), ends: [Ends { front: NIL, back: NIL, len: 0 }; 2] }
    }

    pub(super) fn len(&self, queue: usize) -> usize {
        self.ends[queue].len
    }

    pub(super) fn push_back(&mut self, queue: usize, slot: Slot) {
        self.remove(slot);
        if self.nodes.len() <= slot.index() {
            self.nodes.resize(slot.index() + 1, Node { before: NIL, after: NIL, queue: NIL });
        }
        let ends = &mut self.ends[queue];
        self.nodes[slot.index()] = Node { before: ends.back, after: NIL, queue: queue as u32 };
        if ends.back == NIL {
            ends.front = slot.raw();
        } else {
            self.nodes[ends.back as usize].after = slot.raw();
        }
        ends.back = slot.raw();
        ends.len += 1;
    }

    pub(super) fn pop_front(&mut self, queue: usize) -> Option<Slot> {
        let front = self.ends[queue].front;
        if front == NIL {
            return None;
        }
        let slot = Slot::new(front);
        self.remove(slot);
        Some(slot)
    }

    /// Takes a slot out of whatever queue holds it.
    pub(super) fn remove(&mut self, slot: Slot) {
        let Some(node) = self.nodes.get_mut(slot.index()) else { return };
        if node.queue == NIL {
            return;
        }
        let Node { before, after, queue } = *node;
        node.queue = NIL;
        let ends = &mut self.ends[queue as usize];
        ends.len -= 1;
        if before == NIL {
            ends.front = after;
        } else {
            self.nodes[before as usize].after = after;
        }
        if after == NIL {
            ends.back = before;
        } else {
            self.nodes[after as usize].before = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queues: &mut SlotQueues, queue: usize) -> Vec<u32> {
        std::iter::from_fn(|| queues.pop_front(queue)).map(Slot::raw).collect()
    }

    fn filled() -> SlotQueues {
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
    }
}
