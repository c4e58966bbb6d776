//! Patterns of paths, as routers write them.

/// `/users/{id}`, `/users/{id}.json` and `/files/{*rest}`: `{…}` is a part of one segment that is not empty, `{*…}` the rest of the path, at least one byte of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathPattern(Option<Vec<Segment>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    /// What may be anything but nothing, by its name, and what is before and after it.
    Any {
        before: String,
        name: String,
        after: String,
    },
    Rest(String),
}

impl PathPattern {
    pub(super) fn new(pattern: &str) -> Self {
        let parsed = parse(pattern);
        if parsed.is_none() {
            tracing::error!(
                pattern,
                "a pattern of paths that is none: the rule is for no request, and for every one if it is a bypass"
            );
        }
        PathPattern(parsed)
    }

    /// Whether it is one.
    pub(super) fn is_valid(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        self.walk(path, |_, _| {})
    }

    /// What is in the place of a parameter of a path that matches; `None`: it has no such parameter, or does not match.
    #[cfg(feature = "config")]
    pub(super) fn value<'p>(&self, path: &'p str, of: &str) -> Option<&'p str> {
        let mut found = None;
        let matches = self.walk(path, |name, value| {
            if name == of {
                found = Some(value);
            }
        });
        found.filter(|_| matches)
    }

    /// The names of its parameters.
    #[cfg(feature = "config")]
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten().filter_map(|segment| match segment {
            Segment::Text(_) => None,
            Segment::Any { name, .. } | Segment::Rest(name) => Some(&**name),
        })
    }

    /// Whether it matches; `found` gets what is in the place of each parameter.
    fn walk<'p>(&self, path: &'p str, mut found: impl FnMut(&str, &'p str)) -> bool {
        let (Some(segments), mut left) = (&self.0, Some(path)) else { return false };
        for segment in segments {
            let Some(there) = left else { return false };
            let (part, after_it) = match there.split_once('/') {
                Some((part, after_it)) => (part, Some(after_it)),
                None => (there, None),
            };
            match segment {
                Segment::Text(text) if text == part => {}
                Segment::Text(_) => return false,
                Segment::Any { before, name, after } => {
                    let inner = part.strip_prefix(&**before).and_then(|inner| inner.strip_suffix(&**after));
                    let Some(inner) = inner.filter(|inner| !inner.is_empty()) else { return false };
                    found(name, inner);
                }
                Segment::Rest(name) => {
                    found(name, there);
                    return !there.is_empty();
                }
            }
            left = after_it;
        }
        left.is_none()
    }
}

fn parse(pattern: &str) -> Option<Vec<Segment>> {
    let segments = pattern.split('/').map(segment).collect::<Option<Vec<_>>>()?;
    let rest = segments.iter().position(|segment| matches!(segment, Segment::Rest(_)));
    (pattern.starts_with('/') && rest.is_none_or(|at| at + 1 == segments.len())).then_some(segments)
}

fn segment(text: &str) -> Option<Segment> {
    let Some((before, rest)) = text.split_once('{') else {
        // `*` and `:id` are what other routers write, and nobody's path.
        let is_text = !text.contains('}') && text != "*" && !text.starts_with(':');
        return is_text.then(|| Segment::Text(text.to_owned()));
    };
    let (name, after) = rest.split_once('}')?;
    if [before, name, after].iter().any(|part| part.contains(['{', '}'])) {
        return None;
    }
    match name.strip_prefix('*') {
        Some(name) => (before.is_empty() && after.is_empty()).then(|| Segment::Rest(name.to_owned())),
        None => Some(Segment::Any { before: before.to_owned(), name: name.to_owned(), after: after.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_matched_one_by_one() {
        for (pattern, path, expected) in [
            ("/", "/", true),
            ("/users/{id}", "/users/7", true),
            ("/users/{id}", "/users/", false),
            ("/users/{id}", "/users/7/x", false),
            ("/users/{id}/x", "/users/7/x", true),
            ("/files/{*rest}", "/files/a/b", true),
            ("/files/{*rest}", "/files/", false),
            ("/files/{*rest}", "/files", false),
            ("/a", "/A", false),
            ("/users/{id}.json", "/users/7.json", true),
            ("/users/{id}.json", "/users/.json", false),
            ("/users/{id}.json", "/users/7", false),
            ("/v{version}/x", "/v2/x", true),
            ("/v{version}/x", "/2/x", false),
            // What is no pattern is for nothing.
            ("/{a}-{b}", "/1-2", false),
            ("/{*rest}/x", "/1/x", false),
            ("/files/{*rest}.json", "/files/a.json", false),
            ("/{id", "/{id", false),
            ("/account/*", "/account/*", false),
            ("/users/:id", "/users/:id", false),
            ("users", "users", false),
        ] {
            assert_eq!(PathPattern::new(pattern).matches(path), expected, "{pattern} {path}");
        }
    }

    #[cfg(feature = "config")]
    #[test]
    fn parameters_are_what_is_in_their_place() {
        let pattern = PathPattern::new("/{shop}/v{version}.json/{*rest}");
        assert_eq!(pattern.names().collect::<Vec<_>>(), ["shop", "version", "rest"]);
        for (name, expected) in [("shop", Some("a")), ("version", Some("2")), ("rest", Some("b/c/")), ("id", None)] {
            assert_eq!(pattern.value("/a/v2.json/b/c/", name), expected, "{name}");
        }
        assert_eq!(pattern.value("/a/v2.json/", "shop"), None, "it does not match");
    }
}
