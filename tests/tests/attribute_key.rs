//! `key` and `skip`: what tells one call from another.

use cachekit::{cache, testing};
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

thread_local! {
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

/// Counts a computation.
fn ran() -> u32 {
    RUNS.set(RUNS.get() + 1);
    RUNS.get()
}

/// How many computations `work` takes.
fn runs(work: impl FnOnce()) -> u32 {
    RUNS.set(0);
    work();
    RUNS.get()
}

#[cache(key = "{id}:{name}", skip(noise))]
fn template(id: u64, name: &str, noise: f64) -> u32 {
    let _ = noise;
    ran() + id as u32 + name.len() as u32
}

#[test]
fn a_template_is_a_list_of_parts() {
    let _scope = testing::scope();
    let count = runs(|| {
        template(1, "a", 0.1);
        template(1, "a", 0.2);
        template(1, "b", 0.2);
    });
    assert_eq!(count, 2);
    assert!(template::get(1, "a").is_some());
    template::invalidate(1, "a");
    assert!(template::get(1, "a").is_none() && template::get(1, "b").is_some());
    let _: &'static cachekit::Cache<(u64, String), u32> = template::cache();
}

#[cache(key = "{a}{b}")]
fn glued(a: String, b: String) -> u32 {
    ran() + (a.len() + b.len()) as u32
}

#[test]
fn parts_without_a_separator_do_not_run_together() {
    let _scope = testing::scope();
    let count = runs(|| {
        glued("xy".into(), "z".into());
        glued("x".into(), "yz".into());
    });
    assert_eq!(count, 2);
}

#[cache(key = "{x:.2}/{y}")]
fn formatted(x: f64, y: u8) -> u32 {
    let _ = (x, y);
    ran()
}

#[test]
fn a_formatted_part_keys_by_its_text() {
    let _scope = testing::scope();
    let count = runs(|| {
        formatted(1.001, 1);
        formatted(1.002, 1);
        formatted(1.01, 1);
        formatted(1.01, 2);
    });
    assert_eq!(count, 3);
    assert!(formatted::get(0.999_9, 1).is_some(), "1.00 as well");
}

#[cache(key = (x.to_bits(), text.trim()))]
fn expressions(x: f64, text: &str) -> u32 {
    let _ = (x, text);
    ran()
}

#[cache(key = (name.to_lowercase(),))]
fn one_expression(name: &str) -> String {
    format!("{name}{}", ran())
}

#[cache(key = values.len())]
fn bare_expression(values: &[u8]) -> u32 {
    values.len() as u32 + ran()
}

#[test]
fn expressions_are_evaluated_for_each_operation() {
    let _scope = testing::scope();
    let count = runs(|| {
        expressions(0.5, " a");
        expressions(0.5, "a ");
        expressions(-0.5, "a");
        one_expression("Ann");
        one_expression("ANN");
        bare_expression(&[1, 2]);
        bare_expression(&[3, 4]);
    });
    assert_eq!(count, 4);
    assert!(expressions::get(0.5, "  a  ").is_some());
    assert!(one_expression::get("ann").is_some());
    one_expression::invalidate("aNN");
    assert!(one_expression::get("ann").is_none());
    assert_eq!(bare_expression::explain(&[0, 0]).state, cachekit::State::Fresh);
    bare_expression::clear();
    assert_eq!(bare_expression::stats().entries, 0);
}

struct Opaque(Rc<Cell<u32>>);

#[cache(skip(context))]
fn skipping(id: u64, context: &Opaque) -> u64 {
    context.0.set(context.0.get() + 1);
    id
}

#[test]
fn skipped_parameters_are_used_and_not_compared() {
    let _scope = testing::scope();
    let (one, two) = (Opaque(Rc::default()), Opaque(Rc::default()));
    skipping(1, &one);
    skipping(1, &two);
    skipping(2, &two);
    assert_eq!((one.0.get(), two.0.get()), (1, 1));
    assert_eq!(skipping::get(1), Some(1), "the operations do not take it");
}

struct Repo {
    tenant: String,
    calls: Cell<u32>,
}

impl Repo {
    #[cache(key = (&self.tenant, id))]
    fn by_field(&self, id: u64) -> u64 {
        self.calls.set(self.calls.get() + 1);
        id
    }

    #[cache(skip(self))]
    fn by_id(&self, id: u64) -> u64 {
        self.calls.set(self.calls.get() + 1);
        id
    }
}

#[test]
fn instances_share_only_what_their_key_says() {
    let _scope = testing::scope();
    let repo = |tenant: &str| Repo { tenant: tenant.to_owned(), calls: Cell::new(0) };
    let (a, b, a2) = (repo("a"), repo("b"), repo("a"));
    a.by_field(1);
    b.by_field(1);
    a2.by_field(1);
    assert_eq!((a.calls.get(), b.calls.get(), a2.calls.get()), (1, 1, 0));
    a.by_id(1);
    b.by_id(1);
    assert_eq!((a.calls.get(), b.calls.get()), (2, 1));
}

type Everything<'a> = (u8, &'a str);

#[cache]
#[allow(clippy::too_many_arguments)]
fn every_form(
    value: u64,
    text: &str,
    bytes: &[u8],
    maybe: Option<&str>,
    cow: Cow<'_, str>,
    array: [u8; 3],
    pair: (u8, &str),
    shared: Arc<str>,
    boxed: Box<str>,
    words: &[&str],
    nested: Option<Option<&u8>>,
    alias: Everything<'static>,
) -> u32 {
    let _ = (value, text, bytes, maybe, cow, array, pair, shared, boxed, words, nested, alias);
    ran()
}

#[test]
fn twelve_parameters_of_every_form_are_told_apart() {
    let _scope = testing::scope();
    let call = |change: usize| {
        let pick = |index: usize| change == index;
        every_form(
            u64::from(pick(0)),
            if pick(1) { "x" } else { "" },
            if pick(2) { b"x" } else { b"" },
            pick(3).then_some(""),
            Cow::Borrowed(if pick(4) { "x" } else { "" }),
            [u8::from(pick(5)); 3],
            (0, if pick(6) { "x" } else { "" }),
            Arc::from(if pick(7) { "x" } else { "" }),
            Box::from(if pick(8) { "x" } else { "" }),
            if pick(9) { &[""] } else { &[] },
            if pick(10) { Some(None) } else { None },
            (u8::from(pick(11)), ""),
        )
    };
    let count = runs(|| {
        for change in 0..13 {
            call(change);
        }
        for change in 0..13 {
            call(change);
        }
    });
    assert_eq!(count, 13);
}

#[cache]
#[allow(clippy::too_many_arguments, clippy::ptr_arg)]
fn every_nested_form(
    name: &&str,
    array: &[&str; 2],
    pair: &(u8, &str),
    maybe: &Option<&str>,
    cow: &Cow<'_, str>,
    list: Vec<&str>,
    boxed: Box<[&str]>,
    numbers: &[&u32],
) -> u32 {
    let _ = (name, array, pair, maybe, cow, list, boxed, numbers);
    ran()
}

#[test]
fn what_is_borrowed_within_is_told_apart_and_found_by_the_owned_key() {
    let _scope = testing::scope();
    let call = |change: usize| {
        let pick = |index: usize| if change == index { "x" } else { "y" };
        every_nested_form(
            &pick(0),
            &["a", pick(1)],
            &(1, pick(2)),
            &Some(pick(3)),
            &Cow::Borrowed(pick(4)),
            vec![pick(5), "b"],
            Box::from([pick(6)]),
            if change == 7 { &[&1, &2] } else { &[&1] },
        )
    };
    let count = runs(|| (0..9).chain(0..9).for_each(|change| _ = call(change)));
    assert_eq!(count, 9);
    let y = || "y".to_owned();
    let key = (y(), ["a".to_owned(), y()], (1, y()), Some(y()), y(), vec![y(), "b".to_owned()], vec![y()], vec![1]);
    let cache = every_nested_form::cache();
    assert_eq!(cache.get(&key), Some(call(8)));
    assert!(cache.remove(&key).is_some(), "also where numbers stand in a row");
    assert_eq!(runs(|| _ = call(8)), 1);
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Point {
    x: i32,
    y: i32,
}

#[cache]
fn pattern(Point { x, y }: Point, (a, mut b): (i32, i32), mut text: String) -> String {
    ran();
    b += x + y + a;
    text.push_str(&b.to_string());
    text
}

#[cache(key = "{x}-{b}", skip(y, _a))]
fn pattern_in_key(Point { x, y }: Point, (_a, b): (i32, i32)) -> i32 {
    ran();
    x + y + b
}

#[test]
fn patterns_are_parameters_like_others() {
    let _scope = testing::scope();
    let count = runs(|| {
        assert_eq!(pattern(Point { x: 1, y: 2 }, (3, 4), "n".into()), "n10");
        assert_eq!(pattern(Point { x: 1, y: 2 }, (3, 4), "n".into()), "n10");
        assert_eq!(pattern(Point { x: 1, y: 3 }, (3, 4), "n".into()), "n11");
    });
    assert_eq!(count, 2);
    let count = runs(|| {
        assert_eq!(pattern_in_key(Point { x: 1, y: 2 }, (3, 4)), 7);
        assert_eq!(pattern_in_key(Point { x: 1, y: 9 }, (9, 4)), 7, "keyed by x and b alone");
        assert_eq!(pattern_in_key(Point { x: 2, y: 2 }, (3, 4)), 8);
    });
    assert_eq!(count, 2);
}

#[cache]
fn nothing() -> u32 {
    ran()
}

#[test]
fn without_parameters_there_is_one_value() {
    let _scope = testing::scope();
    assert_eq!(runs(|| assert_eq!(nothing(), nothing())), 1);
    assert!(nothing::get().is_some());
    nothing::insert(99);
    assert_eq!(nothing(), 99);
    nothing::invalidate();
    assert!(nothing::get().is_none());
}
