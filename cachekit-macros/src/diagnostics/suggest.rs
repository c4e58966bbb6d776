//! "Did you mean": insertions, deletions, substitutions and swaps of neighbours count one each.

use strsim::osa_distance;

/// The name that `given` was most likely meant to be.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = normal(given);
    known
        .into_iter()
        .map(|name| (osa_distance(&given, &normal(name)), name))
        .filter(|(distance, name)| *distance <= allowance(given.len().min(name.len())))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(given, known).map(|name| format!("did you mean `{name}`?"))
}

/// Case and separators are the commonest slips, so they cost nothing.
fn normal(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// A third of a name may be wrong, but two letters are never another one's typo.
fn allowance(length: usize) -> usize {
    match length {
        0..=2 => usize::from(length == 2),
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::args::KNOWN;

    #[test]
    fn typos_of_arguments() {
        for (typed, meant) in [
            ("capcity", "capacity"),
            ("tll", "ttl"),
            ("ttls", "ttl"),
            ("stratgy", "strategy"),
            ("refreshAhead", "refresh_ahead"),
            ("singleflight", "single_flight"),
            ("stale_while_revalid", "stale_while_revalidate"),
            ("tag", "tags"),
            ("companoin", "companion"),
            ("cacheif", "cache_if"),
        ] {
            assert_eq!(nearest(typed, KNOWN.iter().copied()), Some(meant), "{typed}");
        }
    }

    #[test]
    fn what_is_near_nothing() {
        for typed in ["x", "colour", "zz", "database"] {
            assert_eq!(nearest(typed, KNOWN.iter().copied()), None, "{typed}");
        }
    }
}
