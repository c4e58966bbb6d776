//! The companion and the place of the function.

use super::at;
use syn::{Error, Ident};

pub(crate) fn named_on_method(name: &Ident, function: &Ident) -> Error {
    at(
        name,
        "CK074",
        &format!(
            "the companions of a method are functions beside it (`{function}_cache`, `{function}_refresh`, …) and cannot be renamed: leave `companion` out, or write `companion = false`"
        ),
    )
}

pub(crate) fn own_name(name: &Ident) -> Error {
    at(name, "CK075", &format!("`companion = {name}` is the default: leave it out, or give another name"))
}

pub(crate) fn in_signature(name: &Ident, at_name: &Ident, renamed: bool) -> Error {
    let what = if renamed { "give it another name" } else { "write `companion = other_name` or `companion = false`" };
    at(
        at_name,
        "CK076",
        &format!("the companion `{name}` would hide the type `{name}` that the signature names: {what}"),
    )
}

pub(crate) fn primitive(name: &Ident, at_name: &Ident) -> Error {
    at(
        at_name,
        "CK077",
        &format!(
            "the companion `{name}` would hide the primitive type `{name}` in the whole module: write `companion = other_name` or `companion = false`"
        ),
    )
}

pub(crate) fn method_said_already(name: &Ident, why: &str) -> Error {
    at(name, "CK078", &format!("`method` has no effect here: {why}; leave it out"))
}
