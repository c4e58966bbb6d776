//! Functions over several ids.

use super::{at, code, list};
use crate::model::{BatchArg, Function};
use quote::ToTokens;
use syn::{Error, Ident, Path, Type};

pub(crate) fn no_ids(arg: &BatchArg, function: &Function) -> Error {
    let message = "`batch` needs the ids: one parameter of the key that is a slice, `ids: &[u64]`, or a `Vec`";
    match function.params.first() {
        Some(param) => at(&arg.name, "CK130", &format!("{message}; `{}` is a `{}`", param.name, code(&param.ty))),
        None => at(&arg.name, "CK130", &format!("{message}; `{}` takes nothing", function.sig.ident)),
    }
}

pub(crate) fn not_a_list(ty: &Type, name: &Ident) -> Error {
    // `&Vec<u64>` is `&[u64]` to all callers.
    let text = code(ty);
    let element = text.strip_prefix("&Vec<").and_then(|rest| rest.strip_suffix('>')).unwrap_or("T");
    at(
        ty,
        "CK130",
        &format!("the ids of a batch are a slice or a `Vec`, and `{name}` is a `{text}`: write `{name}: &[{element}]`"),
    )
}

pub(crate) fn several_ids(name: &Ident, names: &[&Ident]) -> Error {
    let first = names.first().map(ToString::to_string).unwrap_or_default();
    at(
        name,
        "CK131",
        &format!(
            "{} could all be the ids of the batch: say which, `batch = {first}`; the others are then parts of the key as a whole, unless they are in `skip(…)`",
            list(names)
        ),
    )
}

pub(crate) fn ids_skipped(name: &Ident) -> Error {
    at(name, "CK132", &format!("`{name}` is the ids of the batch and cannot be skipped: each of them is a key"))
}

pub(crate) fn of_alone(name: &Ident) -> Error {
    at(
        name,
        "CK133",
        "`of` names the single function whose entries a batch shares: write `batch` beside it, or leave it out",
    )
}

pub(crate) fn beside_of(name: &Ident, of: &Path) -> Error {
    at(
        name,
        "CK134",
        &format!(
            "`{name}` belongs to `{of}`, whose entries these are: write it there, or leave `of` out",
            of = code(of)
        ),
    )
}

pub(crate) fn no_effect(name: &Ident, why: &str) -> Error {
    at(name, "CK135", &format!("`{name}` has no place beside `batch`: {why}"))
}

pub(crate) fn refresh_inline(name: &Ident) -> Error {
    at(
        name,
        "CK136",
        &format!(
            "`{name}` on a batch refreshes in the call that finds a value due, in one run with what is missing: say so with `refresh = \"inline\"`, or leave it out"
        ),
    )
}

pub(crate) fn lone_method(at_name: &dyn ToTokens) -> Error {
    at(
        at_name,
        "CK137",
        "a batch needs a place for its body beside the method: in an impl of a trait put a bare `#[cache]` on the impl block, elsewhere leave `companion = false` out",
    )
}

pub(crate) fn mut_parameter(ty: &Type, name: &Ident) -> Error {
    at(
        ty,
        "CK138",
        &format!(
            "a batch cannot take `{name}` as `{}`: the function may be run a second time, for ids that another call gave up; take `&T`, or an `Arc` of something with a lock",
            code(ty)
        ),
    )
}

pub(crate) fn optional_ids(attr: &dyn ToTokens, name: &Ident) -> Error {
    at(
        attr,
        "CK139",
        &format!(
            "`{name}` is the ids of the batch, so it cannot be there in some configurations only: put the `cfg` on the function"
        ),
    )
}
