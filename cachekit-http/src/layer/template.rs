//! Tags with parameters of the path in them, as files write them: `user:{id}`.

use super::pattern::PathPattern;
use crate::fields::percent;

/// A text with the names of parameters; `{{` and `}}` are braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Parameter(String),
}

impl Template {
    /// Reads one whose parameters are those of a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(text: &str, of: Option<&PathPattern>) -> Result<Self, String> {
        let template = parse(text).map(Template).ok_or_else(|| {
            format!("`{text}`: a brace without its other one: write `{{id}}` for a parameter of the path, `{{{{` for a brace")
        })?;
        let known: Vec<&str> = of.into_iter().flat_map(PathPattern::names).collect();
        let unknown = template.0.iter().find_map(|part| match part {
            Part::Parameter(name) if !known.contains(&&**name) => Some(name),
            _ => None,
        });
        match (unknown, known.is_empty()) {
            (None, _) => Ok(template),
            (Some(name), true) => {
                Err(format!("`{text}`: the path of the rule has no parameters, so there is no `{{{name}}}`"))
            }
            (Some(name), false) => {
                Err(format!("`{text}`: the path of the rule has no `{{{name}}}`, but `{{{}}}`", known.join("}`, `{")))
            }
        }
    }

    /// The text for a path that matches the pattern, with parameters decoded, as handlers get them.
    pub(super) fn of(&self, pattern: Option<&PathPattern>, path: &str) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Parameter(name) => {
                percent::decoded(pattern.and_then(|pattern| pattern.value(path, name)).unwrap_or_default()).into_owned()
            }
        };
        self.0.iter().map(text).collect()
    }
}

fn parse(text: &str) -> Option<Vec<Part>> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            plain.extend(from.chars().next());
            rest = after;
            continue;
        }
        let (name, after) = from.strip_prefix('{')?.split_once('}')?;
        if name.is_empty() || name.contains('{') {
            return None;
        }
        parts.push(Part::Text(std::mem::take(&mut plain)));
        parts.push(Part::Parameter(name.to_owned()));
        rest = after;
    }
    plain.push_str(rest);
    parts.push(Part::Text(plain));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_those_of_the_path() {
        let pattern = PathPattern::new("/users/{id}/{*rest}");
        for (text, expected) in [
            ("users", "users"),
            ("user:{id}", "user:7"),
            ("{rest}/{id}{id}", "a/b/77"),
            ("{{id}}:{id}", "{id}:7"),
            ("", ""),
        ] {
            let template = Template::new(text, Some(&pattern)).unwrap();
            assert_eq!(template.of(Some(&pattern), "/users/7/a/b"), expected, "{text}");
        }
        let template = Template::new("user:{id}", Some(&pattern)).unwrap();
        assert_eq!(template.of(Some(&pattern), "/users/Jos%C3%A9/a"), "user:José", "as a handler would write it");
    }

    #[test]
    fn mistakes_say_what_there_is() {
        let pattern = PathPattern::new("/users/{id}/{*rest}");
        for (text, of, expected) in [
            ("user:{name}", Some(&pattern), "has no `{name}`, but `{id}`, `{rest}`"),
            ("user:{id}", None, "no parameters"),
            ("user:{id", Some(&pattern), "a brace without"),
            ("user:id}", Some(&pattern), "a brace without"),
            ("user:{}", Some(&pattern), "a brace without"),
        ] {
            let mistake = Template::new(text, of).unwrap_err();
            assert!(mistake.contains(expected), "{mistake}");
        }
    }
}
