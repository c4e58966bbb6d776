//! Who waits for whom: a call that would wait for itself, directly or through a chain of flights, is found before it waits.
//!
//! A node is a flight, or the permits of a cache. The nodes whose leaders this thread is executing right now stand on a stack of the thread; an
//! async leader stands on it while it is polled. A leader that starts to wait gets an edge to what it waits for from each node of the stack.
//! Only nested calls (a loader that calls a cached function) ever touch the graph, so one lock for all of it is enough.

use crate::sync::lock;
use std::{
    cell::{Cell, RefCell},
    sync::{Arc, Mutex},
};

/// Something that others wait for.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// What the leader of this node waits for. Guarded by [`GRAPH`]; the mutex is for the compiler.
    waits: Mutex<Vec<Arc<Node>>>,
}

static GRAPH: Mutex<()> = Mutex::new(());

thread_local! {
    static LEADING: RefCell<Vec<Arc<Node>>> = const { RefCell::new(Vec::new()) };
    static POLLS: Cell<usize> = const { Cell::new(0) };
}

/// Is this thread inside a poll of an async loader?
pub(crate) fn is_polling() -> bool {
    POLLS.try_with(Cell::get).is_ok_and(|polls| polls > 0)
}

/// While it lives, this thread executes the leader of `node`.
pub(crate) struct Executing {
    polls: usize,
    _not_send: std::marker::PhantomData<*const ()>,
}

impl Executing {
    /// For a sync loader.
    pub(crate) fn enter(node: &Arc<Node>) -> Executing {
        Self::push(node, 0)
    }

    /// For one poll of an async loader.
    pub(crate) fn enter_poll(node: &Arc<Node>) -> Executing {
        Self::push(node, 1)
    }

    fn push(node: &Arc<Node>, polls: usize) -> Executing {
        // A thread that ends, and calls from a destructor of its own, has no stack any more.
        let _ = LEADING.try_with(|leading| leading.borrow_mut().push(node.clone()));
        POLLS.with(|count| count.set(count.get() + polls));
        Executing { polls, _not_send: std::marker::PhantomData }
    }
}

impl Drop for Executing {
    fn drop(&mut self) {
        // Guards are dropped in the reverse order of their making: by scope, and by unwinding.
        let _ = LEADING.try_with(|leading| leading.borrow_mut().pop());
        let _ = POLLS.try_with(|count| count.set(count.get().saturating_sub(self.polls)));
    }
}

/// Would waiting for a node close a cycle?
pub(crate) struct Cycle;

/// The edges of one wait; removed when it ends.
pub(crate) struct Waiting {
    from: Vec<Arc<Node>>,
    target: Arc<Node>,
}

impl Waiting {
    /// Records that the leaders on this thread, and `own` if given, wait for `target`, unless `target` waits for one of them.
    pub(crate) fn begin(target: &Arc<Node>, own: Option<&Arc<Node>>) -> Result<Waiting, Cycle> {
        let mut from = LEADING.try_with(|leading| leading.borrow().clone()).unwrap_or_default();
        from.extend(own.cloned());
        if from.is_empty() {
            return Ok(Waiting { from, target: target.clone() });
        }
        let _graph = lock(&GRAPH);
        if reaches(target, &from) {
            return Err(Cycle);
        }
        for node in &from {
            lock(&node.waits).push(target.clone());
        }
        Ok(Waiting { from, target: target.clone() })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.from.is_empty() {
            return;
        }
        let _graph = lock(&GRAPH);
        for node in &self.from {
            remove_one(node, &self.target);
        }
    }
}

/// A permanent kind of edge: the permits of a cache "wait" for each of their holders.
pub(crate) fn hold(permits: &Arc<Node>, holder: &Arc<Node>) {
    let _graph = lock(&GRAPH);
    lock(&permits.waits).push(holder.clone());
}

pub(crate) fn release(permits: &Arc<Node>, holder: &Arc<Node>) {
    let _graph = lock(&GRAPH);
    remove_one(permits, holder);
}

fn remove_one(node: &Arc<Node>, target: &Arc<Node>) {
    let mut waits = lock(&node.waits);
    if let Some(at) = waits.iter().position(|other| Arc::ptr_eq(other, target)) {
        waits.swap_remove(at);
    }
}

fn reaches(start: &Arc<Node>, goals: &[Arc<Node>]) -> bool {
    let mut seen: Vec<Arc<Node>> = vec![start.clone()];
    let mut next = 0;
    while let Some(node) = seen.get(next).cloned() {
        if goals.iter().any(|goal| Arc::ptr_eq(goal, &node)) {
            return true;
        }
        for target in lock(&node.waits).iter() {
            if !seen.iter().any(|other| Arc::ptr_eq(other, target)) {
                seen.push(target.clone());
            }
        }
        next += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_back_to_oneself_is_a_cycle() {
        let (a, b, c) = (Arc::new(Node::default()), Arc::new(Node::default()), Arc::new(Node::default()));
        let ab = Waiting::begin(&b, Some(&a)).ok().expect("no cycle yet");
        let _bc = Waiting::begin(&c, Some(&b)).ok().expect("no cycle yet");
        assert!(Waiting::begin(&a, Some(&c)).is_err());
        drop(ab);
        assert!(Waiting::begin(&a, Some(&c)).is_ok(), "the edge is gone with its wait");
    }

    #[test]
    fn a_leader_that_calls_itself_is_a_cycle() {
        let a = Arc::new(Node::default());
        let leading = Executing::enter(&a);
        assert!(Waiting::begin(&a, None).is_err());
        drop(leading);
        assert!(Waiting::begin(&a, None).is_ok());
    }

    #[test]
    fn holders_of_permits_are_seen() {
        let (permits, holder, other) =
            (Arc::new(Node::default()), Arc::new(Node::default()), Arc::new(Node::default()));
        hold(&permits, &holder);
        let _waits = Waiting::begin(&other, Some(&holder)).ok().expect("no cycle yet");
        assert!(Waiting::begin(&permits, Some(&other)).is_err());
        release(&permits, &holder);
        assert!(Waiting::begin(&permits, Some(&other)).is_ok());
    }
}
