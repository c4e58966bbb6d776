//! Patterns of paths, as routers write them.

/// `/users/{id}`, `/users/{id}.json` and `/files/{*rest}`: `{…}` is a part of one segment that is not empty, `{*…}` the rest of the path, at least one byte of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathPattern(Option<Vec<Segment>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    /// What is before and after what may be anything.
    Any(String, String),
    Rest,
}

impl PathPattern {
    pub(super) fn new(pattern: &str) -> Self {
        let parsed = parse(pattern);
        if parsed.is_none() {
            tracing::error!(pattern, "a pattern of paths that is none: the rule is for no request");
        }
        PathPattern(parsed)
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(segments) = &self.0 else { return false };
        let (mut segments, mut path) = (segments.iter(), path.split('/'));
        loop {
            match (segments.next(), path.next()) {
                (None, None) => return true,
                (Some(Segment::Rest), Some(segment)) => return !segment.is_empty() || path.next().is_some(),
                (Some(Segment::Any(before, after)), Some(segment)) => {
                    let inner = segment.strip_prefix(&**before).and_then(|rest| rest.strip_suffix(&**after));
                    if inner.is_none_or(str::is_empty) {
                        return false;
                    }
                }
                (Some(Segment::Text(text)), Some(segment)) if text == segment => {}
                _ => return false,
            }
        }
    }
}

fn parse(pattern: &str) -> Option<Vec<Segment>> {
    let segments = pattern.split('/').map(segment).collect::<Option<Vec<_>>>()?;
    let rest = segments.iter().position(|segment| *segment == Segment::Rest);
    (pattern.starts_with('/') && rest.is_none_or(|at| at + 1 == segments.len())).then_some(segments)
}

fn segment(text: &str) -> Option<Segment> {
    let Some((before, rest)) = text.split_once('{') else {
        return (!text.contains('}')).then(|| Segment::Text(text.to_owned()));
    };
    let (name, after) = rest.split_once('}')?;
    if [before, name, after].iter().any(|part| part.contains(['{', '}'])) {
        return None;
    }
    match name.strip_prefix('*') {
        Some(_) => (before.is_empty() && after.is_empty()).then_some(Segment::Rest),
        None => Some(Segment::Any(before.to_owned(), after.to_owned())),
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
            ("users", "users", false),
        ] {
            assert_eq!(PathPattern::new(pattern).matches(path), expected, "{pattern} {path}");
        }
    }
}
