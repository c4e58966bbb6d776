//! What is tried at one place of a value, and what comes next when that fails.

/// How many elements a sequence is given at most, where its type keeps asking for more.
const LONGEST: usize = 8;

/// A place where the tracer has a choice.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) plan: Plan,
    /// A value has been made here at least once.
    pub(super) is_complete: bool,
    /// There is something that only a further run can try.
    pub(super) is_pending: bool,
}

#[derive(Debug)]
pub(super) enum Plan {
    /// One of several, the next one only when it fails: the probes of a simple value, the variants by which a recursion may end.
    OneOf { chosen: usize, count: usize },
    /// `Some`, and `None` only when that fails.
    Optional { is_some: bool },
    /// As many elements or entries as it takes; none when their type rejects everything.
    Many { length: usize, is_short: bool, has_keys: bool, has_values: bool },
    /// A tuple: as many elements as it has, and how many of them were asked for.
    Fixed { length: usize, reached: usize },
    /// A struct.
    Fields(Fields),
    /// An enum: every variant once.
    Variants(Variants),
}

/// The fields of a struct, in the order in which they are fed. A field that rejects everything goes last, so that it hides nothing but itself.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) was_fed: Vec<bool>,
    /// Those that rejected everything.
    pub(super) bad: Vec<usize>,
    /// Other names of fields that are fed by their first name.
    pub(super) aliases: Vec<usize>,
    /// It was tried without any field, which tells whether fields may be missing.
    pub(super) was_empty: bool,
}

#[derive(Debug)]
pub(super) struct Variants {
    pub(super) was_tried: Vec<bool>,
    /// One of which a value could be made.
    pub(super) good: Option<usize>,
    pub(super) current: usize,
}

impl Plan {
    pub(super) fn one_of(count: usize) -> Self {
        Plan::OneOf { chosen: 0, count }
    }

    pub(super) fn many() -> Self {
        Plan::Many { length: 1, is_short: false, has_keys: false, has_values: false }
    }

    pub(super) fn fields(count: usize) -> Self {
        let was_fed = vec![false; count];
        Plan::Fields(Fields { was_fed, bad: Vec::new(), aliases: Vec::new(), was_empty: count == 0 })
    }

    pub(super) fn variants(count: usize) -> Self {
        Plan::Variants(Variants { was_tried: vec![false; count], good: None, current: 0 })
    }

    /// Takes the next alternative after a failure; `culprit` is the field in which it came. `false`: there is none, the failure is final.
    fn advance(&mut self, culprit: Option<usize>) -> bool {
        match self {
            Plan::OneOf { chosen, count } => {
                let has_next = *chosen + 1 < *count;
                *chosen += usize::from(has_next);
                has_next
            }
            Plan::Optional { is_some } => std::mem::take(is_some),
            Plan::Many { length: 0, .. } | Plan::Fixed { .. } => false,
            Plan::Many { length, is_short, .. } => {
                *length = if *is_short && *length < LONGEST { *length + 1 } else { 0 };
                true
            }
            Plan::Fields(fields) => culprit.is_some_and(|culprit| fields.postpone(culprit)),
            // A variant of which a value could be made is taken in the next run.
            Plan::Variants(variants) => {
                variants.good.is_some_and(|good| good != variants.current) || variants.was_tried.contains(&false)
            }
        }
    }

    /// A part of the type has not been seen, because no value of what comes before it could be made.
    fn hides(&self, is_complete: bool) -> bool {
        match self {
            Plan::Many { has_keys, has_values, .. } => (*has_keys && !has_values) || !is_complete,
            Plan::Fixed { length, reached } => !is_complete && reached < length,
            Plan::Fields(fields) => !is_complete && fields.is_unseen(),
            Plan::OneOf { .. } | Plan::Optional { .. } | Plan::Variants(_) => false,
        }
    }
}

impl Point {
    pub(super) fn new(plan: Plan) -> Self {
        let is_pending = matches!(&plan, Plan::Fields(fields) if !fields.was_empty);
        Point { plan, is_complete: false, is_pending }
    }

    pub(super) fn advance(&mut self, culprit: Option<usize>) -> bool {
        let has_next = self.plan.advance(culprit);
        self.is_pending |= has_next;
        has_next
    }

    /// Is there something left to try here?
    pub(super) fn is_open(&self) -> bool {
        self.is_pending || matches!(&self.plan, Plan::Variants(variants) if variants.was_tried.contains(&false))
    }

    pub(super) fn hides(&self) -> bool {
        self.plan.hides(self.is_complete)
    }
}

impl Fields {
    fn postpone(&mut self, culprit: usize) -> bool {
        if self.bad.contains(&culprit) || self.aliases.contains(&culprit) {
            return false;
        }
        self.bad.push(culprit);
        self.is_unseen()
    }

    /// Is there a field that was not fed yet?
    fn is_unseen(&self) -> bool {
        self.was_fed.contains(&false)
    }

    /// Is it time for the run without any field? `has_open`: a field has something left to try.
    pub(super) fn is_empty_due(&self, has_open: bool) -> bool {
        !self.was_empty && !self.is_unseen() && !has_open
    }

    /// The fields to feed, the good ones first, then those with something left to try.
    pub(super) fn order(&self, has_open: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.was_fed.len()).filter(|field| !self.aliases.contains(field)).collect();
        order.sort_by_key(|field| if self.bad.contains(field) { 1 + u8::from(!has_open(*field)) } else { 0 });
        order
    }
}

impl Variants {
    /// The variant of this run failed, and will do better the next time.
    pub(super) fn retry(&mut self) {
        if let Some(tried) = self.was_tried.get_mut(self.current) {
            *tried = false;
        }
    }

    /// The variant of this run: one that has something left to try, or else a good one.
    pub(super) fn choose(&mut self, has_open: impl Fn(usize) -> bool) -> usize {
        let untried = self.was_tried.iter().position(|tried| !tried);
        let open = || (0..self.was_tried.len()).find(|variant| has_open(*variant));
        self.current = untried.or_else(open).or(self.good).unwrap_or(0);
        if let Some(tried) = self.was_tried.get_mut(self.current) {
            *tried = true;
        }
        self.current
    }
}
