//! Shapes that no running program uses any more, as far as a store can tell.
//!
//! Programs make known which shapes they use and never that they have ended, so what tells is the newest entry of a shape: where another shape of the same cache
//! has entries made since, and this one has none for a while, it is that of a program before the last deploy.

use super::Check;
use crate::{
    failure::Failure,
    output,
    store::{Inner, Store},
};
use cachekit_runtime::envelope::Kind;
use std::{collections::BTreeMap, time::Duration};

/// What is there of a shape.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    entries: u64,
    bytes: u64,
    newest: Option<u64>,
}

/// By cache and fingerprint.
pub(super) type Shapes = BTreeMap<String, BTreeMap<String, Seen>>;

/// By cache, how many records under its keys are no entries of this version.
pub(super) type Foreign = BTreeMap<String, u64>;

pub(super) async fn seen(store: &Store) -> Result<(Shapes, Foreign), Failure> {
    let (mut shapes, mut foreign) = (Shapes::new(), Foreign::new());
    let walked = store.walk(None, |item| {
        if item.kind.is_none() {
            *foreign.entry(item.address.cache().to_owned()).or_default() += 1;
        }
        if item.kind == Some(Kind::Value) {
            let cache = shapes.entry(item.address.cache().to_owned()).or_default();
            let seen = cache.entry(item.address.fingerprint().to_string()).or_default();
            seen.entries += 1;
            seen.bytes += item.bytes;
            seen.newest = seen.newest.max(item.created);
        }
        Ok(true)
    });
    walked.await?;
    if let Inner::Redis(redis) = &store.inner {
        for known in redis.shapes().await? {
            let cache = shapes.entry(known.cache).or_default();
            for fingerprint in &known.fingerprints {
                cache.entry(fingerprint.to_string()).or_default();
            }
        }
    }
    Ok((shapes, foreign))
}

/// What no program of this version reads: of a later one, damaged, or written by something else.
pub(super) fn foreign(foreign: &Foreign) -> impl Iterator<Item = Check> {
    foreign.iter().map(|(cache, count)| {
        Check::note(
            format!("entries of {cache}"),
            format!("{} cannot be read by this version", output::count(*count)),
            format!(
                "use the command of the version that the programs have; if none is newer, something else writes under these keys: `cachekit clear {cache}`"
            ),
        )
    })
}

pub(super) fn judge(shapes: &Shapes, now: u64, unused_for: Duration) -> Vec<Check> {
    let long = u64::try_from(unused_for.as_millis()).unwrap_or(u64::MAX);
    let mut checks = Vec::new();
    for (cache, shapes) in shapes {
        let latest = shapes.values().filter_map(|seen| seen.newest).max();
        for (fingerprint, seen) in shapes {
            let Some(newest) = seen.newest.filter(|newest| Some(*newest) != latest) else { continue };
            let age = now.saturating_sub(newest);
            if age < long {
                continue;
            }
            checks.push(Check::note(
                format!("shape {fingerprint} of {cache}"),
                format!(
                    "{} entries, {}, none newer than {}",
                    output::count(seen.entries),
                    output::bytes(seen.bytes),
                    output::age(Duration::from_millis(age)),
                ),
                format!("if no program of that shape runs: `cachekit clear {cache} --fingerprint {fingerprint}`"),
            ));
        }
    }
    if checks.is_empty() {
        let count: usize = shapes.values().map(BTreeMap::len).sum();
        checks.push(Check::fine("shapes", format!("{count} of {} caches, none left over", shapes.len())));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_left_over_when_another_has_newer_entries_and_it_has_none_for_long() {
        let seen = |newest| Seen { entries: 1, bytes: 10, newest };
        let of = |shapes: &[(&str, Option<u64>)]| {
            let shapes = shapes.iter().map(|(name, newest)| ((*name).to_owned(), seen(*newest))).collect();
            let judged = judge(&BTreeMap::from([("user".to_owned(), shapes)]), 100_000, Duration::from_secs(10));
            judged.into_iter().map(|check| check.what).collect::<Vec<_>>()
        };
        assert_eq!(of(&[("old", Some(1_000)), ("new", Some(99_000))]), ["shape old of user"]);
        assert_eq!(
            of(&[("old", Some(1_000))]),
            ["shapes"],
            "the only one may be of a program that is not called often"
        );
        assert_eq!(of(&[("old", Some(95_000)), ("new", Some(99_000))]), ["shapes"], "a rolling deploy is under way");
        assert_eq!(of(&[("announced", None), ("new", Some(99_000))]), ["shapes"]);
    }
}
