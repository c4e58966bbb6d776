//! Names of caches: other ways to write them, and what was meant.

use crate::failure::Failure;
use cachekit_runtime::identity::text;

/// The cache that stores have by this name.
pub(super) fn of_store<'a>(said: &str, names: &[&'a str]) -> Option<&'a str> {
    names.iter().find(|name| text::cache_name(name) == said).copied()
}

pub(super) fn unknown(said: &str, names: &[&str], service: &str) -> Failure {
    let failure = Failure::nothing(format_args!("there is no cache {said:?} in {service}"));
    match nearest(said, names) {
        Some(name) => failure.next(format_args!("did you mean `{name}`? `cachekit list` shows all of them")),
        None if names.is_empty() => {
            failure.next("the service has no caches yet: they are there once they were called, or from the start with the feature `auto-register`")
        }
        None => failure.next("`cachekit list` shows those that there are; one that nobody has called yet is there with the feature `auto-register`"),
    }
}

/// One that ends with what was said, or differs in few letters.
fn nearest<'a>(said: &str, names: &[&'a str]) -> Option<&'a str> {
    let said = said.to_lowercase();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let last = name.rsplit("::").next().unwrap_or_default();
        edits(&said, &name).min(1 + edits(&said, last))
    };
    let (name, edits) = names.iter().map(|name| (*name, distance(name))).min_by_key(|(_, edits)| *edits)?;
    (edits <= 1 + said.chars().count() / 4).then_some(name)
}

/// How many letters have to be put in, left out or changed (Wagner and Fischer, "The String-to-String Correction Problem", 1974).
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut before = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, wanted) in row.iter().skip(1).zip(&other) {
            left = (before + usize::from(letter != *wanted)).min(left + 1).min(above + 1);
            next.push(left);
            before = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_paper() {
        assert_eq!(
            [edits("", "abc"), edits("kitten", "sitting"), edits("same", "same"), edits("ab", "")],
            [3, 3, 0, 2]
        );
    }

    #[test]
    fn what_was_meant_is_found() {
        let names = ["shop::user", "shop::price", "app::page"];
        for (said, meant) in [
            ("user", Some("shop::user")),
            ("shop::usr", Some("shop::user")),
            ("Price", Some("shop::price")),
            ("orders", None),
        ] {
            assert_eq!(nearest(said, &names), meant, "{said}");
        }
        assert_eq!(of_store("app/page", &names), Some("app::page"));
    }
}
