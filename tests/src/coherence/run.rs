//! Starts servers and processes, and judges what the processes report while they run, with no more memory than the last seconds take.

use super::{
    Place, Plan, Report, TTL,
    check::{Checker, LEASE, REPLAY, nanos},
    faults::{Faults, News},
    history::{Call, Event, What},
    random::Random,
    source::Source,
};
use crate::redis_server::Cluster;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::Instant,
};

/// Masters of the cluster; each has a replica.
const MASTERS: usize = 3;

/// How much of the history of a key is kept, to be shown.
const HISTORY: usize = 60;

enum Message {
    Raised(Place, u64, u64),
    Reported(Event),
    News(News),
    /// A process has ended, well or not.
    Ended(bool),
}

/// Runs the plan.
///
/// # Panics
/// Where `redis-server` is missing, or a process fails.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let (send, receive) = mpsc::channel();
    let cluster = Cluster::start(MASTERS, 1);
    let raised = send.clone();
    let source = Source::start(Box::new(move |place, version, at| {
        raised.send(Message::Raised(place, version, at)).ok();
    }));
    let mut children: Vec<_> = (0..plan.nodes).map(|node| start(plan, node, &cluster.url(), &source, &send)).collect();
    let processes = children.iter().map(|child| child.0.id()).collect();
    let until = Instant::now() + plan.duration;
    let random = Random::new(plan.seed, u64::MAX);
    let mut faults = Faults { cluster, processes, random, counts: BTreeMap::new() };
    let tell = send;
    let inflicting = thread::spawn(move || {
        faults.go_on(until, &|news| _ = tell.send(Message::News(news)));
        faults
    });
    let judging = {
        let nodes = plan.nodes;
        thread::spawn(move || judge(&receive, nodes))
    };
    let faults = inflicting.join().expect("faults are inflicted");
    // Their inputs end, and so do they.
    for child in &mut children {
        drop(child.0.stdin.take());
    }
    let mut report = judging.join().expect("calls are judged");
    report.faults = faults.counts;
    report.loads = source.reads();
    report
}

/// A process; ended with its guard.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn start(plan: &Plan, node: usize, url: &str, source: &Source, send: &Sender<Message>) -> Process {
    let mut command = Command::new(&plan.program);
    command.args(["node", &node.to_string(), &plan.seed.to_string(), &source.port().to_string()]);
    for name in ["CACHEKIT_CONFIG", "CACHEKIT_DIR", "CACHEKIT_NAMESPACE"] {
        command.env_remove(name);
    }
    command.env("CACHEKIT_REDIS_URL", url).env("CACHEKIT_TEST_WITHOUT", plan.without.join(","));
    command.current_dir(std::env::temp_dir()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("a process");
    let out = child.stdout.take().expect("its output");
    let send = send.clone();
    thread::spawn(move || {
        let mut is_well = true;
        for line in BufReader::new(out).lines() {
            match line.ok().as_deref().and_then(Event::read) {
                Some(event) => _ = send.send(Message::Reported(event)),
                None => is_well = false,
            }
        }
        send.send(Message::Ended(is_well)).ok();
    });
    Process(child)
}

fn judge(receive: &Receiver<Message>, nodes: usize) -> Report {
    let mut judge = Judge { reported: vec![0; nodes], ..Judge::default() };
    let mut ended = 0;
    while ended < nodes {
        match receive.recv().expect("the processes report") {
            Message::Raised(place, version, at) => judge.checker.raised(place, version, at),
            Message::Reported(event) => judge.reported(event),
            Message::News(News::Begins(at)) => judge.held = Some(at),
            Message::News(News::Over(windows)) => {
                judge.held = None;
                windows.into_iter().for_each(|window| judge.checker.befell(window));
            }
            Message::Ended(is_well) => {
                assert!(is_well, "a process reports lines that nobody understands");
                ended += 1;
            }
        }
    }
    judge.reported.fill(u64::MAX);
    judge.held = None;
    judge.go_on();
    judge.report.rows = judge.checker.rows;
    judge.report
}

#[derive(Default)]
struct Judge {
    checker: Checker,
    /// Up to when each process has reported.
    reported: Vec<u64>,
    /// Since when something is under way of which is not known yet what it is.
    held: Option<u64>,
    /// Calls by their start, which are judged once all is known that ended before it.
    waiting: BTreeMap<(u64, usize), Vec<Call>>,
    histories: HashMap<Place, VecDeque<Event>>,
    report: Report,
    forgotten: u64,
}

impl Judge {
    fn reported(&mut self, event: Event) {
        match &event {
            Event::Call(call) => {
                self.waiting.entry((call.start, call.node)).or_default().push(*call);
                self.note(call.place, &event);
            }
            Event::Change(change) => {
                self.report.count(change);
                if let What::Key(place) = change.what {
                    self.note(place, &event);
                } else {
                    change.what.places().into_iter().for_each(|place| self.note(place, &event));
                }
                self.checker.changed(change.clone());
            }
            Event::Synced(node, start, end) => {
                self.report.syncs += 1;
                self.checker.synced(*node, *start, *end);
            }
            Event::Until(node, time) => {
                self.reported[*node] = *time;
                self.go_on();
            }
        }
    }

    fn note(&mut self, place: Place, event: &Event) {
        let history = self.histories.entry(place).or_default();
        history.push_back(event.clone());
        if history.len() > HISTORY {
            history.pop_front();
        }
    }

    /// Judges the calls that began before all that is known.
    fn go_on(&mut self) {
        let known = self.reported.iter().copied().min().unwrap_or(0).min(self.held.unwrap_or(u64::MAX));
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 < known) {
            for call in first.remove() {
                self.report.calls += 1;
                if let Some(violation) = self.checker.call(call) {
                    let history = self.histories.get(&call.place);
                    self.report.violated(violation, || history.into_iter().flatten().cloned().collect());
                }
            }
        }
        let kept = nanos(2 * TTL + LEASE + REPLAY);
        if known != u64::MAX && known.saturating_sub(kept) > self.forgotten {
            self.forgotten = known - kept;
            self.checker.forget(self.forgotten);
        }
    }
}
