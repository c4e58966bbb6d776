//! Starts servers and processes, and judges what the processes report while they run, with no more memory than the last seconds take.

use super::{
    LONG, Place, Plan, Report,
    check::{Checker, LEASE, REPLAY, nanos},
    faults::{Fault, Faults, News},
    history::{Call, Event, What},
    random::Random,
    source::Source,
};
use crate::redis_server::Cluster;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

/// Masters of the cluster; each has a replica.
const MASTERS: usize = 3;

/// How long nobody reports. Nobody waits for it unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many events of a key are kept, and how many of them are shown around a violation.
const HISTORY: usize = 2_000;

const SHOWN: usize = 60;

enum Message {
    Raised(Place, u64, u64),
    /// A process of this number will report.
    Started(usize),
    Reported(Event),
    News(News),
    /// The process of this number has ended; what it had begun to report last is lost if it was killed.
    /// `true`: by itself, because something in it panicked or hung.
    Ended(usize, bool),
    /// No process starts any more.
    Last,
}

/// Runs the plan.
///
/// # Panics
/// Where `redis-server` is missing, or a process reports what nobody understands.
#[must_use]
pub fn run(plan: &Plan) -> Report {
    let (send, receive) = mpsc::channel();
    let cluster = Cluster::start(MASTERS, 1);
    let raised = send.clone();
    let source = Source::start(Box::new(move |place, version, at| {
        raised.send(Message::Raised(place, version, at)).ok();
    }));
    let mut start = {
        let (plan, port, send, mut next) = (plan.clone(), source.port(), send.clone(), 0..);
        move |cluster: &Cluster| Process::start(&plan, next.next().unwrap_or(0), &cluster.url(), port, &send)
    };
    let processes: Vec<_> = (0..plan.nodes).map(|_| start(&cluster)).collect();
    let until = Instant::now() + plan.duration;
    let random = Random::new(plan.seed, u64::MAX);
    let schedule = Fault::schedule(&[&*plan.without, &*plan.often].concat());
    let mut faults = Faults { cluster, processes, start: Box::new(start), schedule, random, counts: BTreeMap::new() };
    let inflicting = thread::spawn(move || {
        faults.go_on(until, &|news| _ = send.send(Message::News(news)));
        // Their inputs end, and so do they.
        faults.processes.iter_mut().for_each(Process::end);
        send.send(Message::Last).ok();
        faults
    });
    let judging = thread::spawn(move || judge(&receive));
    let faults = inflicting.join().expect("faults are inflicted");
    let mut report = judging.join().expect("calls are judged");
    report.faults = faults.counts;
    report.loads = source.reads();
    report
}

/// A process that calls. It is killed with its guard.
pub(super) struct Process {
    child: Child,
    /// Whoever started it ends it now.
    is_to_end: Arc<AtomicBool>,
}

impl Process {
    fn start(plan: &Plan, node: usize, url: &str, source: u16, send: &Sender<Message>) -> Self {
        let mut command = Command::new(&plan.program);
        command.args(["node", &node.to_string(), &plan.seed.to_string(), &source.to_string()]);
        for name in ["CACHEKIT_CONFIG", "CACHEKIT_DIR", "CACHEKIT_NAMESPACE"] {
            command.env_remove(name);
        }
        command.env("CACHEKIT_REDIS_URL", url).env("CACHEKIT_TEST_WITHOUT", plan.without.join(","));
        command.current_dir(std::env::temp_dir()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let mut out = BufReader::new(child.stdout.take().expect("its output"));
        let (send, is_to_end) = (send.clone(), Arc::new(AtomicBool::new(false)));
        let ends = is_to_end.clone();
        send.send(Message::Started(node)).ok();
        thread::spawn(move || {
            let mut line = String::new();
            // The last line of one that was killed may have been cut.
            while out.read_line(&mut line).is_ok_and(|_| line.ends_with('\n')) {
                let event = Event::read(line.trim_end()).unwrap_or_else(|| panic!("process {node} reports {line:?}"));
                send.send(Message::Reported(event)).ok();
                line.clear();
            }
            send.send(Message::Ended(node, !ends.load(Ordering::SeqCst))).ok();
        });
        Process { child, is_to_end }
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    fn end(&mut self) {
        self.is_to_end.store(true, Ordering::SeqCst);
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.is_to_end.store(true, Ordering::SeqCst);
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn judge(receive: &Receiver<Message>) -> Report {
    let mut judge = Judge::default();
    let mut is_last = false;
    while !is_last || judge.reported.values().any(|until| *until != u64::MAX) {
        match receive.recv_timeout(PATIENCE).expect("the processes report") {
            Message::Raised(place, version, at) => judge.checker.raised(place, version, at),
            Message::Started(node) => _ = judge.reported.insert(node, judge.known()),
            Message::Reported(event) => judge.reported(event),
            Message::News(News::Begins(at)) => judge.held = Some(at),
            Message::News(News::Over(windows)) => {
                judge.held = None;
                windows.into_iter().for_each(|window| judge.checker.befell(window));
            }
            Message::Ended(node, by_itself) => {
                judge.reported.insert(node, u64::MAX);
                judge.report.died.extend(by_itself.then_some(node));
            }
            Message::Last => is_last = true,
        }
    }
    judge.go_on();
    judge.report.rows = judge.checker.rows;
    judge.report
}

#[derive(Default)]
struct Judge {
    checker: Checker,
    /// Up to when each process has reported; those that have ended for ever.
    reported: HashMap<usize, u64>,
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
                self.reported.insert(*node, *time);
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

    /// All that ended before then is known.
    fn known(&self) -> u64 {
        self.reported.values().copied().min().unwrap_or(0).min(self.held.unwrap_or(u64::MAX))
    }

    /// Judges the calls that began before all that is known.
    fn go_on(&mut self) {
        let known = self.known();
        while let Some(first) = self.waiting.first_entry().filter(|first| first.key().0 < known) {
            for call in first.remove() {
                self.report.calls += 1;
                if let Some(violation) = self.checker.call(call) {
                    let history = self.histories.get(&call.place);
                    self.report.violated(violation, || history.map(|all| around(all, &call)).unwrap_or_default());
                }
            }
        }
        let kept = nanos(2 * LONG + LEASE + REPLAY);
        if known != u64::MAX && known.saturating_sub(kept) > self.forgotten {
            self.forgotten = known - kept;
            self.checker.forget(self.forgotten);
        }
    }
}

/// What happened to the key before the call ended, and the call.
fn around(all: &VecDeque<Event>, call: &Call) -> Vec<Event> {
    let starts = |event: &Event| match event {
        Event::Call(call) => call.start,
        Event::Change(change) => change.start,
        Event::Synced(_, start, _) | Event::Until(_, start) => *start,
    };
    let mut before: Vec<_> = all.iter().filter(|event| starts(event) <= call.end).cloned().collect();
    before.sort_by_key(starts);
    before.split_off(before.len().saturating_sub(SHOWN))
}
