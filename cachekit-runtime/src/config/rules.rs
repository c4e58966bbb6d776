//! What is said of caches by name: which of it is about which cache.

use super::grammar::{Origin, Stated};
use crate::cache::Setting;
use std::{cmp::Reverse, collections::BTreeMap};

/// Names of caches: one, or all that a `*` (anything) and a `?` (any one character) stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Defaults,
    Glob,
    Exact,
    /// As variables have names: in capitals, with an underscore for whatever is no letter or digit.
    Variable,
}

/// How closely a pattern says which cache it is about; the largest counts.
type Closeness = (Kind, usize, Reverse<usize>);

impl Pattern {
    pub(crate) fn all() -> Self {
        Pattern { text: String::new(), kind: Kind::Defaults }
    }

    pub(crate) fn new(text: &str) -> Self {
        let text = text.trim().replace('<', "‹").replace('>', "›");
        let kind = if text.contains(['*', '?']) { Kind::Glob } else { Kind::Exact };
        Pattern { text, kind }
    }

    pub(crate) fn of_variable(text: &str) -> Self {
        Pattern { text: text.to_owned(), kind: Kind::Variable }
    }

    /// Is it one cache's?
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self.kind, Kind::Exact | Kind::Variable)
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Is the cache meant, by its name or by that without its number?
    pub(crate) fn matches(&self, name: &str) -> bool {
        let plain = name.rsplit_once('#').filter(|(_, number)| number.parse::<u32>().is_ok()).map(|(plain, _)| plain);
        [Some(name), plain].into_iter().flatten().any(|name| match self.kind {
            Kind::Defaults => true,
            Kind::Exact => self.text == name,
            Kind::Variable => self.text == as_variable(name),
            Kind::Glob => glob(&self.text, name),
        })
    }

    fn closeness(&self) -> Closeness {
        let wild = self.text.chars().filter(|letter| matches!(letter, '*' | '?')).count();
        (self.kind, self.text.chars().count() - wild, Reverse(wild))
    }
}

/// A name as it stands in a variable.
pub(crate) fn as_variable(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    name.chars().map(letter).collect()
}

fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut in_name, mut star) = (0, 0, None);
    while in_name < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_name));
                at += 1;
            }
            Some(letter) if *letter == '?' || Some(letter) == name.get(in_name) => {
                at += 1;
                in_name += 1;
            }
            // The last star takes one more.
            _ => match star {
                Some((before, taken)) => {
                    star = Some((before, taken + 1));
                    at = before + 1;
                    in_name = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|letter| *letter == '*')
}

/// What is said of some caches.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) pattern: Pattern,
    pub(crate) settings: BTreeMap<Setting, Stated>,
    pub(crate) origin: Origin,
}

/// What counts of one setting for one cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counting<'r> {
    pub(crate) stated: &'r Stated,
    /// It is said of this very cache.
    pub(crate) is_exact: bool,
}

/// Of the rules of one level those that count for the cache: for each setting the one that says most closely which cache it is about, and of two that do so
/// equally the later one.
pub(crate) fn counting<'r>(rules: &'r [Rule], name: &str) -> BTreeMap<Setting, Counting<'r>> {
    let mut meant: Vec<&Rule> = rules.iter().filter(|rule| rule.pattern.matches(name)).collect();
    let line = |rule: &Rule| if let Origin::Line(_, line) = rule.origin { line } else { 0 };
    meant.sort_by_key(|rule| (rule.pattern.closeness(), line(rule)));
    let is_exact = |rule: &Rule| rule.pattern.is_exact();
    meant
        .into_iter()
        .flat_map(|rule| rule.settings.iter().map(move |(setting, stated)| (setting, stated, is_exact(rule))))
        .map(|(setting, stated, is_exact)| (*setting, Counting { stated, is_exact }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_and_a_question_mark_one_character() {
        for (pattern, name, is_meant) in [
            ("*", "app::user", true),
            ("app::*", "app::user", true),
            ("app::*", "app", false),
            ("*::user", "app::inner::user", true),
            ("*user*", "app::users", true),
            ("a*b*c", "aXbXbc", true),
            ("a*b*c", "aXbXb", false),
            ("user?", "user1", true),
            ("user?", "user", false),
            ("user", "user#2", true),
            ("user#2", "user#2", true),
            ("user#2", "user", false),
            ("first<u64>", "first‹u64›", true),
            ("user", "users", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(name), is_meant, "{pattern} {name}");
        }
        assert!(Pattern::of_variable("APP__USER").matches("app::user#3"));
        assert!(!Pattern::of_variable("APP_USER").matches("app::user"));
    }
}
