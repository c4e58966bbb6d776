//! Templates: `"user:{id}"`.

use super::{at, did_you_mean, list};
use syn::{Error, Ident, LitStr};

pub(crate) fn positional(argument: &str, literal: &LitStr, inside: &str) -> Error {
    at(literal, "CK025", &format!("`{argument}`: `{{{inside}}}` names no parameter: write its name, as in `{{id}}`"))
}

pub(crate) fn unclosed(argument: &str, literal: &LitStr) -> Error {
    at(
        literal,
        "CK026",
        &format!("`{argument}`: a `{{` is not closed: write `{{id}}` for a parameter, `{{{{` for the character"),
    )
}

pub(crate) fn stray(argument: &str, literal: &LitStr) -> Error {
    at(literal, "CK027", &format!("`{argument}`: a `}}` closes nothing: write `}}}}` for the character"))
}

pub(crate) fn not_a_name(argument: &str, literal: &LitStr, inside: &str) -> Error {
    let way_out = if argument == "key" {
        format!("write `key = ({inside},)`, which takes expressions")
    } else {
        "a tag can mention parameters only".to_owned()
    };
    at(literal, "CK028", &format!("`{argument}`: `{{{inside}}}` is not the name of a parameter; {way_out}"))
}

pub(crate) fn bad_spec(argument: &str, literal: &LitStr, spec: &str) -> Error {
    at(
        literal,
        "CK029",
        &format!(
            "`{argument}`: the format `:{spec}` takes its width or precision from another argument: write the number, as in `{{x:.2}}`"
        ),
    )
}

pub(crate) fn unknown_name(argument: &str, at_tokens: &impl quote::ToTokens, name: &str, params: &[&Ident]) -> Error {
    let names: Vec<String> = params.iter().map(ToString::to_string).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = did_you_mean(name, &known).unwrap_or_else(|| match names.as_slice() {
        [] => "the function has no parameters".to_owned(),
        [only] => format!("the only parameter is `{only}`"),
        all => format!("the parameters are {}", list(all)),
    });
    at(at_tokens, "CK030", &format!("`{argument}`: there is no parameter `{name}`; {hint}"))
}
