//! What befalls servers and processes, drawn from a seed.

use super::{
    KEYS, KINDS, Place,
    check::{LEASE, Trouble, Window},
    now,
    random::Random,
    run::Process,
};
use crate::redis_server::Cluster;
use std::{
    collections::BTreeMap,
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// How long a server may take to be well again. Nobody waits for it unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Slots with their keys go to another master.
    MoveSlots,
    /// A master closes the connections on which it is asked, or those on which it tells.
    Cut,
    /// A master does not answer for a while.
    Stall,
    /// `SIGSTOP` and `SIGCONT` of a process that calls, longer than the lease.
    PauseNode,
    /// A process is killed, and so is a master, which starts at once, with old data: nobody is left who remembers what that process has invalidated.
    OldData,
    /// The same, with all processes killed: none has an invalidation left that it could repeat. Most of what the master has back was invalidated.
    OldDataForAll,
    /// A master stands still until its replica has taken over, and then goes on as if it were still one.
    Depose,
    /// A master is killed, its replica takes over, and it comes back.
    Kill,
}

impl Fault {
    /// The order in which they come first, so that a short run has seen the most of them.
    const FIRST: [Fault; 8] = [
        Fault::MoveSlots,
        Fault::Kill,
        Fault::PauseNode,
        Fault::Depose,
        Fault::Cut,
        Fault::OldData,
        Fault::Stall,
        Fault::OldDataForAll,
    ];

    /// Those that come first, from which later ones are drawn too. Where a part of the protocol is switched off, the one that cannot be survived without
    /// it comes before each of the others.
    pub(crate) fn schedule(without: &[String]) -> Vec<Fault> {
        let needing = |part: &String| match part.as_str() {
            "lease" => Some(Fault::PauseNode),
            "boot" => Some(Fault::OldDataForAll),
            _ => None,
        };
        let needing: Vec<Fault> = without.iter().filter_map(needing).collect();
        Self::FIRST.into_iter().flat_map(|fault| needing.iter().copied().chain([fault])).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Fault::MoveSlots => "slots moved",
            Fault::Cut => "connections cut",
            Fault::Stall => "a master silent",
            Fault::PauseNode => "a process paused",
            Fault::OldData => "a process killed and a master restarted with old data",
            Fault::OldDataForAll => "all processes killed and a master restarted with old data",
            Fault::Depose => "a master deposed",
            Fault::Kill => "a master killed",
        }
    }
}

/// What the checker is told.
#[derive(Debug)]
pub(crate) enum News {
    /// Something begins: calls from then on are not to be judged until it is over.
    Begins(u64),
    /// It is over; these rows hold for it.
    Over(Vec<Window>),
}

/// The servers, the processes, and what befalls them.
pub(crate) struct Faults {
    pub(crate) cluster: Cluster,
    /// The processes that call.
    pub(crate) processes: Vec<Process>,
    /// Starts one more.
    pub(crate) start: Box<dyn FnMut(&Cluster) -> Process + Send>,
    /// What comes first, and is drawn from then.
    pub(crate) schedule: Vec<Fault>,
    pub(crate) random: Random,
    pub(crate) counts: BTreeMap<Fault, u64>,
}

impl Faults {
    /// One after another until then, with pauses in which all is well.
    pub(crate) fn go_on(&mut self, until: Instant, tell: &dyn Fn(News)) {
        let mut number = 0;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            let calm = Duration::from_millis(500 + self.random.below(1_500) as u64);
            thread::sleep(calm.min(left)); // sleeps: while all is well
            if Instant::now() >= until {
                return;
            }
            let drawn = self.schedule[self.random.below(self.schedule.len())];
            let fault = self.schedule.get(number).copied().unwrap_or(drawn);
            number += 1;
            let start = now();
            tell(News::Begins(start));
            let troubles = self.inflict(fault);
            *self.counts.entry(fault).or_default() += 1;
            let end = now();
            tell(News::Over(troubles.into_iter().map(|trouble| Window { trouble, start, end }).collect()));
        }
    }

    fn inflict(&mut self, fault: Fault) -> Vec<Trouble> {
        match fault {
            Fault::MoveSlots => self.move_slots(),
            Fault::Cut => {
                let kind = ["normal", "pubsub"][self.random.below(2)];
                let master = self.a_master();
                self.cluster.node(master).cli(&["CLIENT", "KILL", "TYPE", kind]);
                vec![Trouble::Lost]
            }
            Fault::Stall => {
                let master = self.a_master();
                // Shorter than what the others take for its end.
                let paused = self.cluster.pause(master);
                thread::sleep(Duration::from_millis(300 + self.random.below(400) as u64)); // sleeps: the fault
                drop(paused);
                self.well_or_failed_over(master, Trouble::Lost)
            }
            Fault::PauseNode => {
                let process = self.processes[self.random.below(self.processes.len())].id();
                signal("STOP", process);
                thread::sleep(Duration::from_millis(3_500 + self.random.below(1_000) as u64)); // sleeps: the fault
                signal("CONT", process);
                vec![Trouble::Lost]
            }
            Fault::OldData => {
                let master = self.a_master();
                self.cluster.node(master).cli(&["SAVE"]);
                thread::sleep(Duration::from_millis(1_000)); // sleeps: until what it has saved is old
                let victim = self.random.below(self.processes.len());
                drop(self.processes.swap_remove(victim));
                self.cluster.restart(master);
                let heir = (self.start)(&self.cluster);
                self.processes.push(heir);
                self.well_or_failed_over(master, Trouble::Lost)
            }
            Fault::OldDataForAll => {
                let master = self.a_master();
                self.cluster.node(master).cli(&["SAVE"]);
                thread::sleep(Duration::from_millis(1_000)); // sleeps: until what it has saved is old
                let all = self.processes.len();
                self.processes.clear();
                thread::sleep(LEASE); // sleeps: so long that no row of the table excuses the first calls with what was invalidated
                self.cluster.restart(master);
                // Those who call it before would have invalidated most of what it has by the time that it answers.
                let troubles = self.well_or_failed_over(master, Trouble::Lost);
                for _ in 0..all {
                    let heir = (self.start)(&self.cluster);
                    self.processes.push(heir);
                }
                troubles
            }
            Fault::Depose => {
                let master = self.a_master();
                let slot = self.a_slot_of(master);
                let paused = self.cluster.pause(master);
                self.has_failed_over(master, slot);
                drop(paused);
                self.cluster.wait_until_well();
                vec![Trouble::Failover]
            }
            Fault::Kill => {
                let master = self.a_master();
                let slot = self.a_slot_of(master);
                self.cluster.kill(master);
                self.has_failed_over(master, slot);
                self.cluster.restart(master);
                self.cluster.wait_until_well();
                vec![Trouble::Failover]
            }
        }
    }

    fn masters(&self) -> Vec<usize> {
        (0..self.cluster.nodes().len()).filter(|at| self.cluster.is_master(*at)).collect()
    }

    fn a_master(&mut self) -> usize {
        let masters = self.masters();
        masters[self.random.below(masters.len())]
    }

    /// Slots of keys that are called.
    fn move_slots(&mut self) -> Vec<Trouble> {
        for _ in 0..2 {
            let place = Place { kind: self.random.below(KINDS.len()), key: self.random.below(KEYS) };
            let slot = self.cluster.slot(&format!("{{{}:{}}}", KINDS[place.kind].name, place.key));
            let masters = self.masters();
            let from = self.cluster.owner_seen_by(masters[0], slot);
            let others: Vec<_> = masters.into_iter().filter(|at| *at != from).collect();
            let to = others[self.random.below(others.len())];
            if self.cluster.owner_seen_by(to, slot) != to {
                self.cluster.move_slot(slot, to);
            }
        }
        self.cluster.wait_until_well();
        vec![Trouble::Moved]
    }

    /// It stood still or restarted, which the others may have taken for its end.
    fn well_or_failed_over(&self, master: usize, otherwise: Trouble) -> Vec<Trouble> {
        self.cluster.wait_until_well();
        if self.cluster.is_master(master) { vec![otherwise] } else { vec![Trouble::Failover] }
    }

    fn a_slot_of(&self, master: usize) -> usize {
        let nodes = self.cluster.node(master).cli(&["CLUSTER", "NODES"]);
        let own = nodes.lines().find(|line| line.contains("myself")).expect("it knows itself");
        let ranges = own.split(' ').skip(8).filter_map(|range| range.split('-').next()?.parse().ok());
        ranges.into_iter().next().expect("a master has slots")
    }

    /// Waits until another one owns the slot, as the others see it.
    fn has_failed_over(&self, master: usize, slot: usize) {
        let others: Vec<_> = (0..self.cluster.nodes().len()).filter(|at| *at != master).collect();
        let deadline = Instant::now() + PATIENCE;
        while others.iter().any(|at| self.cluster.owner_seen_by(*at, slot) == master) {
            assert!(Instant::now() < deadline, "no replica takes over from node {master}");
            thread::sleep(LOOK); // sleeps: other processes have to agree
        }
    }
}

/// To a process of our own.
pub(crate) fn signal(signal: &str, process: u32) {
    let done = Command::new("kill").args([format!("-{signal}"), process.to_string()]).status();
    assert!(done.is_ok_and(|status| status.success()), "kill -{signal} {process}");
}
