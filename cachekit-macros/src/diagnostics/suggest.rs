//! "Did you mean": insertions, deletions, substitutions and swaps of neighbours count one each.

/// The name that `given` was most likely meant to be.
pub(crate) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = normal(given);
    let mut nearest = None;
    for &name in known {
        let distance = slips(given.as_bytes(), normal(name).as_bytes());
        if distance <= allowance(given.len().min(name.len())) && nearest.is_none_or(|(least, _)| distance < least) {
            nearest = Some((distance, name));
        }
    }
    nearest.map(|(_, name)| name)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean(given: &str, known: &[&str]) -> Option<String> {
    nearest(given, known).map(|name| format!("did you mean `{name}`?"))
}

/// Case and separators are the commonest slips, so they cost nothing.
fn normal(name: &str) -> String {
    name.replace("_", "").replace("-", "").replace(" ", "").to_lowercase()
}

/// The optimal string alignment distance: Damerau, "A technique for computer detection and correction of spelling errors", 1964, in the table of
/// Wagner and Fischer, 1974. `rows[i][j]` is the distance from the first `i` of `from` to the first `j` of `to`.
fn slips(from: &[u8], to: &[u8]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for i in 1..=from.len() {
        let mut row = vec![i];
        for j in 1..=to.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut least = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && from[i - 2] == to[j - 1] && from[i - 1] == to[j - 2] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
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
    use super::{nearest, slips};
    use crate::args::KNOWN;

    #[test]
    fn each_slip_counts_one() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("ttl", "ttl", 0),
            ("ttl", "tll", 1),
            ("ttl", "ttls", 1),
            ("ttls", "tls", 1),
            ("ttl", "tlt", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
            // What was swapped is not changed again: three, where two would do with that.
            ("ca", "abc", 3),
        ] {
            assert_eq!(slips(from.as_bytes(), to.as_bytes()), count, "{from} to {to}");
            assert_eq!(slips(to.as_bytes(), from.as_bytes()), count, "{to} to {from}");
        }
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
            assert_eq!(nearest(typed, KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn what_is_near_nothing() {
        for typed in ["x", "colour", "zz", "database"] {
            assert_eq!(nearest(typed, KNOWN), None, "{typed}");
        }
    }
}
