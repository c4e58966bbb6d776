//! Which part of a query belongs to the key.

/// See the methods of [`Rule`](super::Rule).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Query {
    #[default]
    Exact,
    Sorted,
    Only(Vec<String>),
    Without(Vec<String>),
}

impl Query {
    /// What of a query is in the key.
    pub(super) fn of(&self, query: &str) -> String {
        let keeps = |name: &String| match self {
            Query::Exact | Query::Sorted => true,
            Query::Only(names) => names.contains(name),
            Query::Without(names) => !names.contains(name),
        };
        if *self == Query::Exact {
            return query.to_owned();
        }
        let named = query.split('&').map(|parameter| (name_of(parameter), parameter));
        let mut kept: Vec<(String, &str)> = named.filter(|(name, _)| keeps(name)).collect();
        // By name: parameters of one name have an order that handlers see.
        kept.sort_by(|(one, _), (two, _)| one.cmp(two));
        kept.into_iter().map(|(_, parameter)| parameter).collect::<Vec<_>>().join("&")
    }
}

/// The name of a parameter as handlers read it, which decode it.
fn name_of(parameter: &str) -> String {
    let written = parameter.split('=').next().unwrap_or_default().as_bytes();
    let mut name = Vec::with_capacity(written.len());
    let mut rest = written.iter();
    while let Some(byte) = rest.next() {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (byte, rest.as_slice()) {
            (b'+', _) => name.push(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    name.extend(u8::try_from(high * 16 + low));
                    rest = after.iter();
                }
                _ => name.push(b'%'),
            },
            (byte, _) => name.push(*byte),
        }
    }
    // As they do: what is no text is one name for all of them.
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_handlers_read_them() {
        for (written, name) in [
            ("a%20b+c=%41", "a b c"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz", "%zz"),
            ("%41%6", "A%6"),
            ("=x", ""),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(name_of(written), name, "{written}");
        }
    }

    #[test]
    fn what_is_kept_is_kept_as_it_is_written() {
        let query = "b=2&%61=1&a=3&b=1&utm=3";
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        for (rule, expected) in [
            (Query::Exact, query),
            (Query::Sorted, "%61=1&a=3&b=2&b=1&utm=3"),
            (Query::Only(names(&["a"])), "%61=1&a=3"),
            (Query::Only(names(&["%61", "c"])), ""),
            (Query::Without(names(&["utm", "b"])), "%61=1&a=3"),
        ] {
            assert_eq!(rule.of(query), expected, "{rule:?}");
        }
    }
}
