//! "Did you mean".

/// The name that `given` was most likely meant to be.
pub(crate) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = normal(given);
    known
        .into_iter()
        .map(|name| (distance(&given, &normal(name)), name))
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

/// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let substitution = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = substitution.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};
    use crate::args::KNOWN;

    #[test]
    fn distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("ttl", "tlt"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

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
