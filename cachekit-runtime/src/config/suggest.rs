//! What somebody may have meant.

/// What others call things, and what they are called here.
const OTHER_WORDS: [(&str, &str); 22] = [
    ("cache", "caches"),
    ("default", "defaults"),
    ("disabled", "enabled"),
    ("entries", "capacity"),
    ("eviction", "strategy"),
    ("expire", "ttl"),
    ("expiry", "ttl"),
    ("load_timeout", "hard_load_timeout"),
    ("max_age", "ttl"),
    ("max_capacity", "capacity"),
    ("max_entries", "capacity"),
    ("policy", "strategy"),
    ("size", "capacity"),
    ("stale", "stale_while_revalidate"),
    ("swr", "stale_while_revalidate"),
    ("time_to_idle", "idle"),
    ("time_to_live", "ttl"),
    ("tti", "idle"),
    ("backend", "tiers"),
    ("backends", "tiers"),
    ("dir", "directory"),
    ("path", "directory"),
];

/// The one of `known` that `written` is likely to stand for.
#[must_use]
pub fn suggestion<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = written.to_lowercase().replace(['-', ' '], "_");
    let known: Vec<&str> = known.into_iter().collect();
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == plain).map(|(_, word)| *word);
    if let Some(word) = other.and_then(|word| known.iter().find(|known| **known == word)) {
        return Some(word);
    }
    let near = |known: &str| {
        let distance = distance(&plain, &known.to_lowercase().replace(['-', ' '], "_"));
        // A third of a word may be wrong, and of a short one a letter.
        (distance <= (plain.chars().count() / 3).max(1)).then_some(distance)
    };
    known.into_iter().filter_map(|known| Some((near(known)?, known))).min().map(|(_, known)| known)
}

/// `: did you mean …?`, or what there is.
pub(crate) fn or_one_of(written: &str, known: &[&str]) -> String {
    match suggestion(written, known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => format!("write one of `{}`", known.join("`, `")),
    }
}

/// How many letters are missing, too many, others, or swapped with the next.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.iter().enumerate() {
        let mut next = vec![at + 1];
        for (to, wanted) in other.iter().enumerate() {
            let cost = usize::from(letter != wanted);
            let get = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (get(&row, to) + cost).min(get(&row, to + 1) + 1).min(get(&next, to) + 1);
            let is_swapped = at > 0 && to > 0 && one.get(at - 1) == Some(wanted) && other.get(to - 1) == Some(letter);
            if is_swapped {
                best = best.min(get(&before, to - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_other_words_lead_to_what_was_meant() {
        let known = ["ttl", "idle", "capacity", "stale_while_revalidate", "strategy"];
        for (written, meant) in [
            ("tll", Some("ttl")),
            ("TTL", Some("ttl")),
            ("capcity", Some("capacity")),
            ("capacity ", Some("capacity")),
            ("stale-while-revalidate", Some("stale_while_revalidate")),
            ("idel", Some("idle")),
            ("policy", Some("strategy")),
            ("max_entries", Some("capacity")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(suggestion(written, known), meant, "{written}");
        }
    }
}
