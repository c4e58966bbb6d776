//! What identifies an entry: key, skip, tags.

use super::{at, at_span, code, list};
use crate::model::{Key, Param};
use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Error, Expr, ExprArray, Ident, LitStr, Receiver, Type, TypePath};

pub(crate) fn nothing_skipped(name: &Ident) -> Error {
    at(name, "CK041", "`skip` lists no parameter: write `skip(db, ctx)`, or leave it out")
}

pub(crate) fn skip_entry(entry: &Expr) -> Error {
    at(
        entry,
        "CK042",
        &format!("`skip` does not take `{}`, it lists the names of parameters: write `skip(db, ctx)`", code(entry)),
    )
}

pub(crate) fn skip_unreadable(span: Span) -> Error {
    at_span(span, "CK042", "`skip` lists the names of parameters: write `skip(db, ctx)`")
}

pub(crate) fn skipped_twice(name: &Ident) -> Error {
    at(name, "CK043", &format!("`{name}` is skipped twice: keep one of them"))
}

pub(crate) fn no_self(name: &Ident) -> Error {
    at(name, "CK044", "`skip(self)`: this function has no receiver, so leave `self` out")
}

pub(crate) fn skipped_and_keyed(name: &Ident) -> Error {
    at(name, "CK045", &format!("`{name}` is skipped and in `key` as well: take it out of one of them"))
}

pub(crate) fn half_skipped(name: &Ident, rest: &str) -> Error {
    at(
        name,
        "CK046",
        &format!(
            "`skip({name})` skips a part of a pattern, which is one parameter: skip {rest} as well, or name {rest} in `key`, beside this `skip`"
        ),
    )
}

pub(crate) fn no_parameter(key: &dyn ToTokens, example: &str) -> Error {
    at(
        key,
        "CK047",
        &format!(
            "`key` mentions no parameter, so that all calls would share one entry: write `key = \"{example}\"`; if one entry is meant, skip all parameters instead"
        ),
    )
}

/// Parameters that `key` leaves out and `skip` does not name.
pub(crate) fn dropped(first: &Ident, names: &[&Ident], key: &Key, skipped: &[Ident]) -> Error {
    let plain = |name: &Ident| name.unraw().to_string();
    let more = match key {
        Key::Template(template) => {
            let holes: String = names.iter().map(|name| format!(":{{{}}}", plain(name))).collect();
            format!("key = \"{}{holes}\"", template.literal.value())
        }
        Key::Exprs(exprs) => {
            let parts: Vec<String> =
                exprs.iter().map(|expr| code(expr)).chain(names.iter().map(|name| name.to_string())).collect();
            format!("key = ({})", parts.join(", "))
        }
        Key::Params(_) => "key = (…)".to_owned(),
    };
    let skips: Vec<String> = skipped.iter().chain(names.iter().copied()).map(ToString::to_string).collect();
    let (are, them, do_they) = match names {
        [_] => ("is", "it", "it does"),
        _ => ("are", "them", "they do"),
    };
    at(
        first,
        "CK106",
        &format!(
            "{} {are} neither in `key` nor in `skip`, so that calls which differ in {them} would share a result: write `{more}`, or `skip({})` if {do_they} not change the result",
            list(names),
            skips.join(", ")
        ),
    )
}

pub(crate) fn too_many_parts(part: &dyn ToTokens, count: usize) -> Error {
    at(
        part,
        "CK048",
        &format!(
            "the key has {count} parts, 12 are the most: `skip(…)` what does not change the result, or take several as one parameter, a struct that derives `Hash`, `PartialEq`, `Eq` and `Clone`"
        ),
    )
}

pub(crate) fn part_twice(found: &dyn ToTokens, part: &str) -> Error {
    at(
        found,
        "CK143",
        &format!("`key` has `{part}` twice, which tells no more calls apart than once: keep one of them"),
    )
}

pub(crate) fn float(found: &dyn ToTokens, float: &TypePath, param: &Param, skippable: bool) -> Error {
    let name = &param.name;
    let float = code(float);
    let is_float = matches!(&param.ty, Type::Path(path) if path.path.get_ident().is_some());
    let (what, way_out) = match &param.ty {
        Type::Path(_) if is_float => (
            format!("is an `{float}`"),
            format!("`key = ({name}.to_bits(),)`, or a template that rounds, `key = \"{{{name}:.2}}\"`"),
        ),
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Option") => {
            (format!("has an `{float}` in it"), format!("`key = ({name}.map({float}::to_bits),)`"))
        }
        Type::Array(_) => (format!("has an `{float}` in it"), format!("`key = ({name}.map({float}::to_bits),)`")),
        _ => (format!("has an `{float}` in it"), format!("`key = (…,)` with `to_bits()` of each `{float}`")),
    };
    let skip = if skippable { format!(", or `skip({name})`") } else { String::new() };
    at(
        found,
        "CK049",
        &format!("`{name}` {what}, which cannot be in a key because it has no `Eq` (NaN, -0.0): write {way_out}{skip}"),
    )
}

pub(crate) fn mut_reference(ty: &Type, param: &Ident) -> Error {
    at(
        ty,
        "CK050",
        &format!(
            "`{param}` is a `&mut`, which cannot be a part of the key, and a hit does not run the body, so that it would not be written to: return what is written instead; `skip({param})` is for scratch space that no caller reads"
        ),
    )
}

/// `id`: it is one of the ids of a batch.
pub(crate) fn borrowed(found: &Type, param: &Param, id: bool, skippable: bool) -> Error {
    let name = &param.name;
    let (what, way_out) = match &param.bound[..] {
        _ if id => (format!("an id in `{name}`"), "take ids that own what is in them".to_owned()),
        [only] if only == name => {
            let skip = if skippable { format!(", or `skip({name})`") } else { String::new() };
            (format!("`{name}`"), format!("take it owned, or say what matters of it, `key = ({name}.id(), …)`{skip}"))
        }
        [] => ("this parameter".to_owned(), "take it owned, or give it a name and `skip` it".to_owned()),
        bound => {
            let names: Vec<String> = bound.iter().map(ToString::to_string).collect();
            let names = names.join(", ");
            (
                format!("the pattern of {} takes what", list(bound)),
                format!("take it owned, or say what matters of it, `key = ({names}, …)`, or `skip({names})`"),
            )
        }
    };
    at(found, "CK140", &format!("{what} borrows, as `{}` does, and a key outlives the call: {way_out}", code(found)))
}

pub(crate) fn self_in_key(receiver: &Receiver) -> Error {
    at(
        receiver,
        "CK051",
        "it is not said what `self` is to the key: write `skip(self)` if all instances may share results, `key = (self.id, …)` to name what matters of it, or `cache = self.field` for a cache per instance",
    )
}

pub(crate) fn mut_self(receiver: &Receiver) -> Error {
    at(
        receiver,
        "CK052",
        "`&mut self` cannot be cached: a hit would skip the changes that the body makes; take `&self`, or move the computation into a function of its own and cache that",
    )
}

pub(crate) fn no_tags(array: &ExprArray) -> Error {
    at(array, "CK053", "`tags` is empty: write `tags = [\"user:{id}\"]`, or leave it out")
}

pub(crate) fn empty_tag(literal: &LitStr) -> Error {
    at(literal, "CK053", "a tag is empty: write a name, `tags = [\"user:{id}\"]`")
}

pub(crate) fn tag_twice(literal: &LitStr) -> Error {
    at(literal, "CK054", &format!("the tag \"{}\" is given twice: keep one of them", literal.value()))
}

pub(crate) fn too_many_tags(tag: &Expr, count: usize) -> Error {
    at(tag, "CK055", &format!("`tags` has {count} entries, 16 are the most: invalidate by fewer, coarser tags"))
}
