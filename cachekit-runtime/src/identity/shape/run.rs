//! What one exploration knows: the facts so far, the places with a choice, and the bounds.

use super::{
    Facts, Opaque, path,
    plan::{Fields, Plan, Point, Variants},
    rejection::Rejection,
};
use std::{
    any::TypeId,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    panic::resume_unwind,
    time::{Duration, Instant},
};

/// Bounds of one exploration. The steps decide, so that a slow machine finds the same shape; the time is for what they do not see.
const STEPS: usize = 400_000;
const RUNS: usize = 10_000;
const DEPTH: usize = 64;
/// After that many runs without anything new, what is open cannot be reached.
const IDLE: usize = 32;
const TIME: Duration = Duration::from_secs(5);

/// A place with a choice: its path, and which of the types that came there.
pub(super) type Place = (String, usize);

/// A struct or an enum, by its order of appearance. It is explored once, wherever it stands, so paths begin anew at each of them.
pub(super) type Node = usize;

/// A payload that unwinds out of a `Deserialize` which goes on asking after it was refused.
pub(super) struct Endless;

pub(super) struct Exploration {
    is_human_readable: bool,
    state: RefCell<State>,
}

struct State {
    /// What was asked for, by the path of names that leads there.
    facts: Facts,
    points: BTreeMap<Place, Point>,
    /// The types that came, by their order of appearance.
    types: Vec<TypeId>,
    /// The structs and enums, and the paths to them.
    nodes: Vec<TypeId>,
    links: BTreeMap<String, BTreeSet<Node>>,
    /// Those that this run is inside of.
    stack: Vec<Node>,
    /// The simple value that was made last, while nothing has happened since.
    last_leaf: Option<Place>,
    opaque: Option<Opaque>,
    /// This run has tried something new, and how many runs in a row have not.
    has_progress: bool,
    idle: usize,
    /// This run failed, and another may not.
    is_settled: bool,
    steps: usize,
    runs: usize,
    since: Instant,
}

impl Exploration {
    pub(super) fn new(is_human_readable: bool) -> Self {
        let state = State {
            facts: Facts::new(),
            points: BTreeMap::new(),
            types: Vec::new(),
            nodes: Vec::new(),
            links: BTreeMap::new(),
            stack: Vec::new(),
            last_leaf: None,
            opaque: None,
            has_progress: false,
            idle: 0,
            is_settled: false,
            steps: 0,
            runs: 0,
            since: Instant::now(),
        };
        Exploration { is_human_readable, state: RefCell::new(state) }
    }

    pub(super) fn is_human_readable(&self) -> bool {
        self.is_human_readable
    }

    /// The facts, and why they are not all.
    pub(super) fn finish(&self) -> (Facts, Option<Opaque>) {
        let state = &mut *self.state.borrow_mut();
        (std::mem::take(&mut state.facts), state.opaque)
    }

    pub(super) fn set_opaque(&self, reason: Opaque) {
        self.state.borrow_mut().opaque.get_or_insert(reason);
    }

    /// Before each run. `false`: there is nothing left to try.
    pub(super) fn begin_run(&self) -> bool {
        let state = &mut *self.state.borrow_mut();
        let is_first = state.runs == 0;
        let has_open = state.points.values().any(Point::is_open);
        state.idle = if state.has_progress { 0 } else { state.idle + 1 };
        let may_go_on = state.idle < IDLE && state.runs < RUNS && !state.is_over();
        if is_first || ((has_open || state.is_settled) && may_go_on) {
            state.stack.clear();
            state.last_leaf = None;
            state.has_progress = false;
            state.is_settled = false;
            state.runs += 1;
            return true;
        }
        if state.runs >= RUNS || state.is_over() {
            state.opaque.get_or_insert(Opaque::TooLarge);
        } else if has_open || state.points.values().any(Point::hides) {
            state.opaque.get_or_insert(Opaque::Hidden);
        }
        false
    }

    /// After each run: its error, if it ended with one, has no frame around it any more.
    pub(super) fn end_run(&self, rejection: Option<Rejection>) {
        if let Some(mut rejection) = rejection {
            self.note_rejection("", &mut rejection);
            let state = &mut *self.state.borrow_mut();
            state.is_settled = rejection.is_settled || state.blame_leaf();
        }
    }

    /// One step at `path`.
    pub(super) fn step(&self, depth: usize) -> Result<(), Rejection> {
        let state = &mut *self.state.borrow_mut();
        state.last_leaf = None;
        state.steps += 1;
        if state.steps.is_multiple_of(1_024) && state.since.elapsed() > TIME {
            state.steps = state.steps.max(STEPS);
        }
        if state.steps > 2 * STEPS && cfg!(panic = "unwind") {
            resume_unwind(Box::new(Endless));
        }
        if depth > DEPTH {
            state.opaque.get_or_insert(Opaque::TooLarge);
        }
        if depth > DEPTH || state.is_over() { Err(Rejection::ours("too large")) } else { Ok(()) }
    }

    pub(super) fn note(&self, path: &str, fact: impl Into<String>) {
        let state = &mut *self.state.borrow_mut();
        let is_new = state.facts.insert((path.to_owned(), fact.into()));
        state.has_progress |= is_new;
    }

    fn note_rejection(&self, path: &str, rejection: &mut Rejection) {
        if !std::mem::replace(&mut rejection.is_noted, true) {
            self.note(path, format!("fails: {}", rejection.text));
        }
    }

    /// The place at `path` for values of a type, which begins with `plan`.
    pub(super) fn place(&self, path: &str, of: TypeId, plan: impl FnOnce() -> Plan) -> Place {
        let state = &mut *self.state.borrow_mut();
        let number = state.types.iter().position(|known| *known == of).unwrap_or_else(|| {
            state.types.push(of);
            state.types.len() - 1
        });
        let place = (path.to_owned(), number);
        state.points.entry(place.clone()).or_insert_with(|| {
            state.has_progress = true;
            Point::new(plan())
        });
        place
    }

    /// Looks at the plan of a place, or changes it.
    pub(super) fn with<R>(&self, place: &Place, look: impl FnOnce(&mut Plan) -> R) -> Option<R> {
        self.state.borrow_mut().points.get_mut(place).map(|point| look(&mut point.plan))
    }

    /// The run takes what is next at the place.
    pub(super) fn visit(&self, place: &Place) {
        let state = &mut *self.state.borrow_mut();
        if let Some(point) = state.points.get_mut(place) {
            let was_pending = point.is_pending;
            point.is_pending &= matches!(&point.plan, Plan::Fields(fields) if !fields.was_empty);
            state.has_progress |= was_pending && !point.is_pending;
        }
    }

    /// The fields to feed at a place in this run; `None`: none, to see whether they may be missing. `path` leads to a field.
    pub(super) fn order(&self, place: &Place, path: impl Fn(usize) -> String) -> Option<Vec<usize>> {
        let state = &mut *self.state.borrow_mut();
        let Some(Plan::Fields(fields)) = state.points.get(place).map(|point| &point.plan) else { return None };
        let count = fields.was_fed.len();
        let open: Vec<bool> = (0..count).map(|field| state.is_open(&path(field))).collect();
        let has_open = |field: usize| open.get(field).copied().unwrap_or(false);
        let is_empty = fields.is_empty_due((0..count).any(has_open));
        let order = fields.order(has_open);
        if is_empty && let Some(point) = state.points.get_mut(place) {
            point.is_pending = false;
            state.has_progress = true;
            if let Plan::Fields(Fields { was_empty, .. }) = &mut point.plan {
                *was_empty = true;
            }
        }
        (!is_empty).then_some(order)
    }

    /// The variant of this run. `paths` lead to what belongs to a variant.
    pub(super) fn variant(&self, place: &Place, paths: impl Fn(usize) -> Vec<String>) -> usize {
        let state = &mut *self.state.borrow_mut();
        let Some(Plan::Variants(variants)) = state.points.get(place).map(|point| &point.plan) else { return 0 };
        let count = variants.was_tried.len();
        let has_open = |variant| paths(variant).iter().any(|path| state.is_open(path));
        let open: Vec<bool> = (0..count).map(has_open).collect();
        match state.points.get_mut(place).map(|point| &mut point.plan) {
            Some(Plan::Variants(variants)) => variants.choose(|variant| open.get(variant).copied().unwrap_or(false)),
            _ => 0,
        }
    }

    /// The struct or enum that the visitor of that type makes.
    pub(super) fn node(&self, visitor: TypeId) -> Node {
        let state = &mut *self.state.borrow_mut();
        state.nodes.iter().position(|known| *known == visitor).unwrap_or_else(|| {
            state.nodes.push(visitor);
            state.nodes.len() - 1
        })
    }

    /// The run goes into a node that stands at `path`, until [`leave`](Self::leave). Returns how often it is inside of that already.
    pub(super) fn enter(&self, path: &str, node: Node) -> usize {
        let state = &mut *self.state.borrow_mut();
        state.links.entry(path.to_owned()).or_default().insert(node);
        let times = state.stack.iter().filter(|known| **known == node).count();
        state.stack.push(node);
        times
    }

    pub(super) fn leave(&self) {
        self.state.borrow_mut().stack.pop();
    }

    /// A simple value was fed.
    pub(super) fn end_leaf<T>(&self, place: Place, result: Result<T, Rejection>) -> Result<T, Rejection> {
        match result {
            Ok(value) => {
                let state = &mut *self.state.borrow_mut();
                state.complete(&place);
                state.last_leaf = Some(place);
                Ok(value)
            }
            Err(mut rejection) => {
                self.note_rejection(&place.0, &mut rejection);
                if !rejection.is_settled {
                    rejection.is_settled = self.state.borrow_mut().advance(&place, None);
                }
                Err(rejection)
            }
        }
    }

    /// A value with parts was made, or failed in the part at `inside` (of that number, if it is a field).
    pub(super) fn end<T>(
        &self,
        place: &Place,
        culprit: Option<(usize, String)>,
        result: Result<T, Rejection>,
    ) -> Result<T, Rejection> {
        match result {
            Ok(value) => {
                let state = &mut *self.state.borrow_mut();
                state.complete(place);
                state.last_leaf = None;
                Ok(value)
            }
            Err(mut rejection) => {
                self.note_rejection(&place.0, &mut rejection);
                let state = &mut *self.state.borrow_mut();
                if !rejection.is_settled {
                    let is_open = culprit.as_ref().is_some_and(|(_, path)| state.is_open(path));
                    let field = culprit.map(|(field, _)| field);
                    rejection.is_settled = state.blame_leaf() || is_open || state.advance(place, field);
                } else if let Some(Plan::Variants(variants)) = state.points.get_mut(place).map(|point| &mut point.plan)
                {
                    variants.retry();
                }
                Err(rejection)
            }
        }
    }
}

impl State {
    fn is_over(&self) -> bool {
        self.steps > STEPS
    }

    /// Is there something left to try at the path, below it, or in a node that is linked from there? The nodes that this run is inside of do not
    /// count: they are on the way to the path.
    fn is_open(&self, path: &str) -> bool {
        let mut seen: BTreeSet<Node> = self.stack.iter().copied().collect();
        let mut paths = vec![path.to_owned()];
        while let Some(path) = paths.pop() {
            let points = self.points.range((path.clone(), 0)..).take_while(|((at, _), _)| at.starts_with(&path));
            if points.into_iter().any(|(_, point)| point.is_open()) {
                return true;
            }
            let links = self.links.range(path.clone()..).take_while(|(at, _)| at.starts_with(&path));
            paths.extend(links.flat_map(|(_, to)| to).filter(|to| seen.insert(**to)).map(|to| path::node(*to)));
        }
        false
    }

    fn complete(&mut self, place: &Place) {
        let Some(point) = self.points.get_mut(place) else { return };
        point.is_complete = true;
        if let Plan::Variants(Variants { good, current, .. }) = &mut point.plan {
            good.get_or_insert(*current);
        }
    }

    fn advance(&mut self, place: &Place, culprit: Option<usize>) -> bool {
        let has_next = self.points.get_mut(place).is_some_and(|point| point.advance(culprit));
        self.has_progress |= has_next;
        has_next
    }

    /// The error came right after a simple value was made: perhaps what it was made of does not please who made it.
    fn blame_leaf(&mut self) -> bool {
        self.last_leaf.take().is_some_and(|leaf| self.advance(&leaf, None))
    }
}
