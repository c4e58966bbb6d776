//! What a policy says of one entry, for people.

use std::fmt;

/// Where an entry stands with the policy: `in the main queue; hits 2, frequency 3`.
///
/// What the words mean is in the documentation of each policy; they are for people, and may change with the policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Standing {
    /// The queue, segment or set that holds it; `None`: the policy has only one.
    pub queue: Option<&'static str>,
    /// What is known of it beside that, each with its name.
    pub facts: Vec<(&'static str, u64)>,
}

impl Standing {
    /// One of several places.
    #[must_use]
    pub fn within(queue: &'static str) -> Self {
        Standing { queue: Some(queue), facts: Vec::new() }
    }

    /// And this.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: u64) -> Self {
        self.facts.push((name, value));
        self
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(queue) = self.queue {
            write!(f, "in the {queue}")?;
        }
        for (place, (name, value)) in self.facts.iter().enumerate() {
            let before = match (place, self.queue) {
                (0, None) => "",
                (0, Some(_)) => "; ",
                _ => ", ",
            };
            write!(f, "{before}{name} {value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_like_a_note() {
        assert_eq!(Standing::within("main queue").to_string(), "in the main queue");
        let standing = Standing::within("main queue").fact("hits", 2).fact("frequency", 3);
        assert_eq!(standing.to_string(), "in the main queue; hits 2, frequency 3");
        assert_eq!(Standing::default().fact("last use", 9).to_string(), "last use 9");
    }
}
