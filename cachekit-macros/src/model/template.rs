//! `"user:{id}:{x:.2}"`.

use super::{Function, Template, TemplatePart};
use crate::diagnostics::template as say;
use syn::ext::IdentExt as _;
use syn::{Error, Ident, LitStr};

/// Splits a template whose names must be parameters of `function` (or names that their patterns bind).
pub(super) fn template(argument: &str, literal: &LitStr, function: &Function) -> Result<Template, Error> {
    let names = function.names();
    let parts = split(&literal.value())
        .map_err(|slip| match slip {
            Slip::Unclosed => say::unclosed(argument, literal),
            Slip::Stray => say::stray(argument, literal),
        })?
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(_) => Ok(TemplatePart::Text),
            Piece::Hole(inside) => hole(argument, literal, &inside, &names),
        })
        .collect::<Result<_, _>>()?;
    Ok(Template { literal: literal.clone(), parts })
}

fn hole(argument: &str, literal: &LitStr, inside: &str, names: &[&Ident]) -> Result<TemplatePart, Error> {
    let (name, spec) = match inside.split_once(':') {
        Some((name, spec)) if !spec.starts_with(':') => (name.trim(), Some(spec.trim())),
        _ => (inside.trim(), None),
    };
    if name.is_empty() || name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(say::positional(argument, literal, inside));
    }
    if name == "self"
        || syn::parse_str::<Ident>(name).is_err() && syn::parse_str::<Ident>(&format!("r#{name}")).is_err()
    {
        return Err(say::not_a_name(argument, literal, inside));
    }
    let Some(arg) = names.iter().find(|known| known.unraw() == name) else {
        // In a template names stand without `r#`, as in `format!`.
        let plain: Vec<Ident> = names.iter().map(|known| known.unraw()).collect();
        return Err(say::unknown_name(argument, literal, name, &plain.iter().collect::<Vec<_>>()));
    };
    let arg = (*arg).clone();
    match spec {
        None | Some("") => Ok(TemplatePart::Arg(arg)),
        Some(spec) if spec.contains(['$', '*']) => Err(say::bad_spec(argument, literal, spec)),
        Some(spec) => Ok(TemplatePart::Formatted { arg, spec: spec.to_owned() }),
    }
}

#[derive(Debug, PartialEq)]
enum Piece {
    Text(String),
    Hole(String),
}

#[derive(Debug, PartialEq)]
enum Slip {
    Unclosed,
    Stray,
}

fn split(text: &str) -> Result<Vec<Piece>, Slip> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            plain.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            plain.push('}');
            rest = after;
        } else if let Some(after) = from.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or(Slip::Unclosed)?;
            if inside.contains('{') {
                return Err(Slip::Unclosed);
            }
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Hole(inside.to_owned()));
            rest = after;
        } else {
            return Err(Slip::Stray);
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::{Piece, Slip, split};

    fn text(text: &str) -> Piece {
        Piece::Text(text.into())
    }

    fn hole(name: &str) -> Piece {
        Piece::Hole(name.into())
    }

    #[test]
    fn texts_and_holes() {
        assert_eq!(split(""), Ok(vec![]));
        assert_eq!(split("plain"), Ok(vec![text("plain")]));
        assert_eq!(split("{id}"), Ok(vec![hole("id")]));
        assert_eq!(split("u:{id}:{x:.2}!"), Ok(vec![text("u:"), hole("id"), text(":"), hole("x:.2"), text("!")]));
        assert_eq!(split("{a}{b}"), Ok(vec![hole("a"), hole("b")]));
    }

    #[test]
    fn doubled_braces_are_text() {
        assert_eq!(split("{{{id}}}"), Ok(vec![text("{"), hole("id"), text("}")]));
        assert_eq!(split("{{id}}"), Ok(vec![text("{id}")]));
    }

    #[test]
    fn braces_that_do_not_match() {
        assert_eq!(split("{id"), Err(Slip::Unclosed));
        assert_eq!(split("{a{b}"), Err(Slip::Unclosed));
        assert_eq!(split("id}"), Err(Slip::Stray));
        assert_eq!(split("{id}}"), Err(Slip::Stray));
    }
}
