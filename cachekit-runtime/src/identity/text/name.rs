//! Names of caches and tags, as they stand in addresses.

use super::{escape, shortened};

/// The name of a cache, made fit for an address: without colons, braces, control characters and the rest that [keys](super) escape.
///
/// `::` becomes `/`, so that `app::users::find` reads `app/users/find`; a slash is escaped. Injective. A name of more than
/// [`LONGEST`](super::LONGEST) bytes (generic instantiations carry the names of their types) is cut and ends with a hash.
#[must_use]
pub fn cache_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for (at, part) in name.split("::").enumerate() {
        if at > 0 {
            out.push('/');
        }
        escape::push(&mut out, part, |c| matches!(c, ':' | '/' | '~'));
    }
    shortened(&out).unwrap_or(out)
}

/// The inverse of [`cache_name`]; `None` for what it never writes, and for a name that it has cut.
#[must_use]
pub fn original_name(name: &str) -> Option<String> {
    let original = escape::unescape(&name.replace('/', "::"))?;
    (cache_name(&original) == name).then_some(original)
}

/// A tag, made fit for the key of a backend. Injective; a long one is cut and ends with a hash.
#[must_use]
pub fn tag_name(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    escape::push(&mut out, tag, |c| c == '~');
    shortened(&out).unwrap_or(out)
}
