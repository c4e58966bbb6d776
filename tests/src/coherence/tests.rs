//! The checking function, on histories made by hand: what each row allows passes, and a nanosecond more does not.

use super::{
    GROUPS, KINDS, Place,
    check::{CLOCKS, Checker, LEASE, MOVING, REPLAY, Row, Trouble, Violation, Window, nanos},
    faults::Fault,
    history::{Call, Change, Event, Outcome, What},
};
const SECOND: u64 = 1_000_000_000;

/// When what is invalidated is invalidated.
const CHANGED: u64 = 100 * SECOND;

fn kind(name: &str) -> usize {
    KINDS.iter().position(|kind| kind.name == name).unwrap()
}

fn place(name: &str) -> Place {
    Place { kind: kind(name), key: 5 }
}

/// Version 2 of the key, made by node 0 and invalidated between `CHANGED` - 1 ms and `CHANGED`.
fn changed(name: &str, outcome: Outcome) -> Checker {
    let mut checker = Checker::default();
    let (place, start) = (place(name), CHANGED - SECOND / 1_000);
    checker.raised(place, 2, start - 1);
    checker.changed(Change { node: 0, what: What::Key(place), start, end: CHANGED, outcome, versions: vec![2] });
    checker
}

fn call(name: &str, node: usize, start: u64, version: u64) -> Call {
    Call { node, place: place(name), start, end: start + SECOND, version, is_joined: false }
}

/// Version 1 is all right up to so long after the invalidation, and then no more; version 2 always is.
fn bound(checker: &mut Checker, name: &str, node: usize, row: Row, bound: u64) {
    let last = CHANGED + bound;
    assert_eq!(checker.call(call(name, node, last, 1)), None, "{row:?}: within the bound");
    let violation = checker.call(call(name, node, last + 1, 1)).expect("beyond the bound");
    assert_eq!((violation.row, violation.stale), (row, bound + 1));
    assert_eq!(violation.change.as_ref().map(|change| change.node), Some(0));
    assert_eq!(checker.call(call(name, node, last + 10 * SECOND, 2)), None, "{row:?}: what is new");
    let seen = checker.rows[&row];
    assert_eq!((seen.largest, seen.stale), (bound + 1, 1 + u64::from(bound > 0)), "{row:?}");
}

#[test]
fn nothing_is_stale_on_the_node_that_invalidated() {
    for name in ["near", "far", "near_tagged", "far_tagged"] {
        for outcome in [Outcome::Shared, Outcome::Queued, Outcome::Local] {
            bound(&mut changed(name, outcome), name, 0, Row::Own, 0);
        }
    }
}

#[test]
fn nothing_is_stale_elsewhere_without_memory_and_tags() {
    bound(&mut changed("far", Outcome::Shared), "far", 1, Row::Far, 0);
}

#[test]
fn with_memory_or_tags_it_is_the_lease() {
    for name in ["near", "near_tagged", "far_tagged"] {
        bound(&mut changed(name, Outcome::Shared), name, 1, Row::Connected, nanos(LEASE));
    }
}

#[test]
fn after_a_sync_nothing_is() {
    let mut checker = changed("near", Outcome::Shared);
    // Of another node; begun before the invalidation had returned; ended after the call began.
    checker.synced(2, CHANGED + 1, CHANGED + 2);
    checker.synced(1, CHANGED - 1, CHANGED + 2);
    checker.synced(1, CHANGED + 1, CHANGED + SECOND);
    assert_eq!(checker.call(call("near", 1, CHANGED + SECOND, 1)), None);
    let late = call("near", 1, CHANGED + SECOND + 1, 1);
    let violation = checker.call(late).expect("it has synced");
    assert_eq!((violation.row, violation.stale), (Row::Synced, SECOND + 1));
    assert_eq!(checker.call(call("near", 3, CHANGED + SECOND + 1, 1)), None, "that one has not");
}

#[test]
fn what_joins_a_load_may_be_as_old_as_the_push_is_late() {
    for name in ["far", "near"] {
        let mut checker = changed(name, Outcome::Shared);
        checker.synced(1, CHANGED + 1, CHANGED + 2);
        let joined = |node, start| Call { is_joined: true, ..call(name, node, start, 1) };
        assert_eq!(checker.call(joined(1, CHANGED + nanos(LEASE))), None);
        let violation = checker.call(joined(1, CHANGED + nanos(LEASE) + 1)).expect("beyond the lease");
        assert_eq!(violation.row, Row::Joined);
        assert!(checker.call(joined(0, CHANGED + 1)).is_some(), "the own node joins nothing from before");
    }
}

#[test]
fn what_is_queued_may_last_as_long_as_it_lives() {
    let mut checker = changed("far", Outcome::Queued);
    let life = nanos(place("far").ttl() + CLOCKS);
    assert_eq!(checker.call(call("far", 1, CHANGED + life / 2, 1)), None);
    assert_eq!(checker.rows[&Row::Queued].largest, life / 2);
    let violation = checker.call(call("far", 1, CHANGED + life + 1, 1)).expect("beyond its life");
    assert_eq!(violation.row, Row::Queued);
    checker.synced(1, CHANGED + 1, CHANGED + 2);
    assert_eq!(checker.call(call("far", 1, CHANGED + 3, 1)), None, "a sync says nothing of what is not delivered");
}

fn window(trouble: Trouble, start: u64, end: u64) -> Window {
    Window { trouble, start, end }
}

#[test]
fn lost_connections_change_the_row_and_not_the_bound() {
    let mut checker = changed("near", Outcome::Shared);
    checker.befell(window(Trouble::Lost, CHANGED - 3 * SECOND, CHANGED - SECOND));
    bound(&mut checker, "near", 1, Row::Lost, nanos(LEASE));
    let mut checker = changed("near", Outcome::Shared);
    checker.befell(window(Trouble::Lost, CHANGED - 9 * SECOND, CHANGED - 8 * SECOND));
    bound(&mut checker, "near", 1, Row::Connected, nanos(LEASE));
    let mut checker = changed("far", Outcome::Shared);
    checker.befell(window(Trouble::Lost, CHANGED - SECOND, CHANGED + SECOND));
    bound(&mut checker, "far", 1, Row::Far, 0);
}

#[test]
fn a_slot_that_moves_adds_a_second() {
    for name in ["near", "far"] {
        let mut checker = changed(name, Outcome::Shared);
        checker.befell(window(Trouble::Moved, CHANGED + SECOND, CHANGED + 2 * SECOND));
        if name == "near" {
            bound(&mut checker, name, 1, Row::Moved, nanos(LEASE + MOVING));
        }
        assert!(checker.call(call(name, 0, CHANGED + 2 * SECOND, 1)).is_some(), "the own node sees it all the same");
    }
    let mut checker = changed("far", Outcome::Shared);
    checker.befell(window(Trouble::Moved, CHANGED + 5 * SECOND, CHANGED + 6 * SECOND));
    assert!(checker.call(call("far", 1, CHANGED + SECOND, 1)).is_some(), "it moves later");
}

#[test]
fn a_failover_excuses_what_it_may_have_lost_until_it_is_replayed() {
    let end = CHANGED + 3 * SECOND;
    let replayed = 3 * SECOND + nanos(REPLAY);
    for (name, node) in [("near", 1), ("far", 1), ("near", 0)] {
        let mut checker = changed(name, Outcome::Shared);
        checker.befell(window(Trouble::Failover, CHANGED + SECOND, end));
        assert_eq!(checker.call(call(name, node, CHANGED + replayed, 1)), None, "{name} on {node}");
        assert_eq!(checker.rows[&Row::Failover].largest, replayed);
        assert!(checker.call(call(name, node, CHANGED + replayed + 1, 1)).is_some(), "{name} on {node}");
    }
    let mut checker = changed("far", Outcome::Shared);
    checker.befell(window(Trouble::Failover, CHANGED + 2 * SECOND, end));
    assert!(checker.call(call("far", 1, CHANGED + 1, 1)).is_some(), "the replica had it when its master fell");
    let mut checker = changed("far", Outcome::Shared);
    checker.befell(window(Trouble::Failover, CHANGED - 30 * SECOND, CHANGED - 20 * SECOND));
    assert!(checker.call(call("far", 1, CHANGED + 1, 1)).is_some(), "that was long ago");
}

#[test]
fn nothing_outlives_its_ttl() {
    let mut checker = Checker::default();
    checker.raised(place("near"), 2, CHANGED);
    checker.raised(place("near"), 3, CHANGED + SECOND);
    let life = nanos(place("near").ttl() + CLOCKS);
    assert_eq!(checker.call(call("near", 1, CHANGED + life, 1)), None);
    let violation = checker.call(call("near", 1, CHANGED + life + 1, 1)).expect("it has outlived its ttl");
    assert_eq!((violation.row, violation.stale, violation.change), (Row::Ttl, life + 1, None));
    assert_eq!(checker.call(call("near", 1, CHANGED + life + 1, 2)), None, "this one is younger");
}

#[test]
fn tags_and_clears_reach_their_keys_and_no_other() {
    let group = place("near_tagged").key % GROUPS;
    for (what, others) in [(What::Group(group), "near"), (What::Kind(kind("near_tagged")), "far_tagged")] {
        let places = what.places();
        let mut checker = Checker::default();
        let versions = vec![2; places.len()];
        let (start, end, outcome) = (CHANGED - 1, CHANGED, Outcome::Shared);
        checker.changed(Change { node: 0, what, start, end, outcome, versions });
        let late = CHANGED + 10 * SECOND;
        assert!(checker.call(call("near_tagged", 1, late, 1)).is_some());
        assert_eq!(checker.call(call(others, 1, late, 1)), None);
        let other = Call { place: Place { key: 6, ..place("near_tagged") }, ..call("near_tagged", 1, late, 1) };
        assert_eq!(checker.call(other).is_some(), matches!(what, What::Kind(_)));
    }
}

#[test]
fn a_call_that_began_before_the_end_of_an_invalidation_may_be_given_either() {
    let mut checker = changed("near", Outcome::Shared);
    for start in [CHANGED - SECOND, CHANGED] {
        assert_eq!(checker.call(call("near", 0, start, 1)), None);
    }
    let stale = checker.rows.iter().map(|(row, seen)| (*row, seen.largest)).collect::<Vec<_>>();
    assert_eq!(stale, [(Row::Ttl, SECOND / 1_000 + 1)], "of no invalidation");
}

#[test]
fn the_oldest_invalidation_that_was_missed_counts_and_all_of_them_are_looked_at() {
    let mut checker = changed("near", Outcome::Shared);
    let second = |node, end| Change {
        node,
        what: What::Key(place("near")),
        start: end - 1,
        end,
        outcome: Outcome::Shared,
        versions: vec![3],
    };
    checker.changed(second(1, CHANGED + SECOND));
    // Version 1 misses two: that of node 0 by little, its own by anything at all.
    let violation = checker.call(call("near", 1, CHANGED + SECOND + 7, 1)).expect("its own");
    assert_eq!((violation.row, violation.stale), (Row::Own, 7));
    assert_eq!(checker.rows[&Row::Connected].largest, SECOND + 7);
    assert_eq!(checker.call(call("near", 2, CHANGED + SECOND + 7, 2)), None);
}

#[test]
fn what_is_forgotten_is_what_can_no_more_matter() {
    let mut checker = changed("near", Outcome::Shared);
    let what = What::Key(place("near"));
    let (start, end) = (CHANGED + 50 * SECOND, CHANGED + 51 * SECOND);
    checker.raised(place("near"), 3, start);
    checker.changed(Change { node: 0, what, start, end, outcome: Outcome::Shared, versions: vec![3] });
    checker.forget(CHANGED + 49 * SECOND);
    for version in [1, 2] {
        let violation: Violation = checker.call(call("near", 1, CHANGED + 90 * SECOND, version)).expect("too old");
        assert_eq!(violation.row, Row::Connected);
    }
    assert_eq!(checker.call(call("near", 1, CHANGED + 90 * SECOND, 3)), None);
}

#[test]
fn events_are_read_as_they_were_written() {
    let change = |what: What, versions| Change { node: 3, what, start: 8, end: 9, outcome: Outcome::Queued, versions };
    let group = What::Group(2);
    for event in [
        Event::Call(call("far", 2, 7, 11)),
        Event::Change(change(What::Key(place("near")), vec![4])),
        Event::Change(change(group, (0..group.places().len() as u64).collect())),
        Event::Synced(1, 2, 3),
        Event::Until(0, u64::MAX),
    ] {
        assert_eq!(Event::read(&event.to_string()), Some(event.clone()), "{event}");
    }
    for line in [
        "",
        "call",
        "call 1 999 1 2 3",
        "call 1 2 3 4",
        "call 1 2 3 4 5 2",
        "change 1 key 1 2 3 Shared",
        "change 1 key 1 2 3 Lost 4",
        "calls 1 2 3 4 5",
    ] {
        assert_eq!(Event::read(line), None, "{line}");
    }
}

#[test]
fn without_a_part_what_needs_it_happens_more_often() {
    let all = Fault::schedule(&[]);
    assert_eq!(Fault::schedule(&["epochs".to_owned()]), all);
    for (part, needing) in [("lease", Fault::PauseNode), ("boot", Fault::OldDataForAll)] {
        let faults = Fault::schedule(&[part.to_owned()]);
        assert!(faults.chunks(2).zip(&all).all(|(two, then)| two == [needing, *then]), "{part}: {faults:?}");
    }
}
