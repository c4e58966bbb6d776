//! What an entry is found by.

use crate::policy::vary::Selection;
use std::{fmt, sync::Arc};

/// A URI, whom the response is for, and what selects the variant; each part on a line of its own.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct EntryKey(Arc<str>);

impl EntryKey {
    /// The key of a URI, which has no line feeds, and perhaps of an identity.
    #[must_use]
    pub fn primary(uri: &str, identity: Option<&str>) -> Self {
        match identity {
            // A line of a variant begins with the name of a field, which has no `@`.
            Some(identity) => EntryKey(format!("{uri}\n@{}", identity.escape_default()).into()),
            None => EntryKey(uri.into()),
        }
    }

    /// That of a variant.
    #[must_use]
    pub fn variant(&self, selection: &Selection) -> Self {
        EntryKey(format!("{}{}", self.0, selection.to_key()).into())
    }

    /// With another part; `kind` says which one.
    #[must_use]
    pub fn with(&self, kind: char, part: &str) -> Self {
        // No name of a field begins with a slash.
        EntryKey(format!("{}\n/{kind}{}", self.0, part.escape_default()).into())
    }

    /// What requests that tell who sends them wait for: each kind of request for one of its own kind.
    #[must_use]
    pub(crate) fn with_credentials(&self) -> Self {
        // No name of a field begins with a blank.
        EntryKey(format!("{}\n credentials", self.0).into())
    }

    /// The URI alone.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.0.split('\n').next().unwrap_or_default()
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    #[test]
    fn no_part_can_pretend_to_be_another() {
        let selection = |name: &'static str, value: &str| {
            Selection::new(vec![(HeaderName::from_static(name), Some(value.to_owned()))])
        };
        let plain = EntryKey::primary("http://a/", None);
        let keys = [
            plain.clone(),
            plain.variant(&selection("x", "ada")),
            EntryKey::primary("http://a/", Some("ada")),
            EntryKey::primary("http://a/", Some("x=ada")),
            EntryKey::primary("http://a/", Some("ada\nx=1")),
            EntryKey::primary("http://a/", Some("ada")).variant(&selection("x", "1")),
            plain.with('r', "x=ada"),
            plain.with('k', "x=ada"),
            plain.with('k', "\nx=ada"),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(key.uri(), "http://a/");
            assert!(keys.iter().skip(at + 1).all(|other| other != key), "{key:?}");
        }
    }
}
