//! Which changes of a type give another shape, and what the shapes of known types are.

mod changes;
mod golden;
mod hard;
mod look_alikes;

use super::*;

/// The facts, one a line.
fn facts<V: DeserializeOwned>() -> Vec<String> {
    trace::<V>().0.into_iter().map(|(path, fact)| format!("{path}\t{fact}")).collect()
}

fn opaque<V: DeserializeOwned>() -> Option<Opaque> {
    trace::<V>().1
}

/// Is the shape fully known, and is it asked for that fact in a text format?
fn has<V: DeserializeOwned>(path: &str, fact: &str) -> bool {
    let (facts, opaque) = trace::<V>();
    assert_eq!(opaque, None, "{facts:#?}");
    facts.contains(&(format!("text {path}"), fact.to_owned()))
}
