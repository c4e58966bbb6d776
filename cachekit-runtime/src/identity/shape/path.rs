//! Paths to the parts of a value, and names in facts. Names have their length before them, so that two paths are equal only for one part, and none
//! is the beginning of another's.

pub(super) const SOME: &str = "?/";
pub(super) const AGAIN: &str = "again/";
pub(super) const NEWTYPE: &str = "~/";

/// The path at which a struct or enum begins.
pub(super) fn node(number: usize) -> String {
    format!("{number} ")
}

pub(super) fn field(name: &str) -> String {
    format!(".{}:{name}/", name.len())
}

pub(super) fn variant(name: &str) -> String {
    format!("#{}:{name}/", name.len())
}

pub(super) fn item(number: usize) -> String {
    format!("[{number}]/")
}

pub(super) fn key(number: usize) -> String {
    format!("key {number}/")
}

pub(super) fn value(number: usize) -> String {
    format!("value {number}/")
}

pub(super) fn named(kind: &str, name: &str) -> String {
    format!("{kind} {}:{name}", name.len())
}

pub(super) fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!(" {}:{name}", name.len())).collect()
}
