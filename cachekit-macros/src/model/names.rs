//! Which names expressions mention.

use std::ptr;

use crate::walk::{self, Node};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::{Expr, FieldValue, Ident, Member};

/// Plain names that the expression uses as values and does not bind itself; `self` too. Macros in it are opaque.
pub(crate) fn mentioned(expr: &Expr) -> Vec<Ident> {
    let Names { bound, mut used, .. } = Names::of(expr);
    used.retain(|name| !bound.contains(name));
    used
}

/// Whether the expression uses the value of this name: not if it binds the name itself, and not as the name of a field.
pub(crate) fn uses(expr: &Expr, name: &Ident) -> bool {
    let Names { bound, used, called, macros } = Names::of(expr);
    let same = |other: &Ident| other.unraw() == name.unraw();
    let plainly = !bound.iter().any(same) && (used.iter().any(same) || called.iter().any(same));
    plainly || macros.iter().any(|tokens| mentions(tokens, name))
}

/// Whether a name occurs anywhere in the tokens, string literals with placeholders included.
pub(crate) fn mentions(tokens: &dyn ToTokens, name: &Ident) -> bool {
    fn within(tokens: TokenStream, name: &Ident) -> bool {
        tokens.into_iter().any(|tree| match tree {
            TokenTree::Ident(ident) => ident.unraw() == name.unraw(),
            TokenTree::Group(group) => within(group.stream(), name),
            TokenTree::Literal(literal) => placeholder(&literal.to_string(), &name.unraw().to_string()),
            TokenTree::Punct(_) => false,
        })
    }
    within(tokens.to_token_stream(), name)
}

/// Whether a format string mentions the name: `{id}`, `{id:?}`.
fn placeholder(text: &str, name: &str) -> bool {
    text.split('{').skip(1).any(|inside| {
        inside.trim_start().strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(['}', ':']))
    })
}

#[derive(Default)]
struct Names {
    bound: Vec<Ident>,
    used: Vec<Ident>,
    /// Where a function's name stands, which may be that of a parameter.
    called: Vec<Ident>,
    /// What macros are given.
    macros: Vec<TokenStream>,
}

impl Names {
    fn of(expr: &Expr) -> Self {
        let mut names = Self::default();
        let mut function = None;
        walk::expr(expr, &mut |node| match node {
            Node::Expr(Expr::Path(path)) => {
                // A function's name is none of ours.
                let place = if function.is_some_and(|function| ptr::eq(function, path)) {
                    &mut names.called
                } else {
                    &mut names.used
                };
                place.extend(path.path.get_ident().cloned());
                true
            }
            Node::Expr(Expr::Call(call)) => {
                if let Expr::Path(path) = &*call.func {
                    function = Some(path);
                }
                true
            }
            Node::Expr(Expr::Macro(made)) => {
                names.macros.push(made.mac.tokens.clone());
                false
            }
            Node::Field(FieldValue { colon_token: None, member: Member::Named(name), .. }) => {
                names.used.push(name.clone());
                false
            }
            Node::Binding(pat) => {
                names.bound.push(pat.ident.clone());
                true
            }
            _ => true,
        });
        names
    }
}

/// The names that a pattern binds, in order.
pub(super) fn bound(pat: &syn::Pat) -> Vec<Ident> {
    let mut bound = Vec::new();
    walk::pattern(pat, &mut |node| {
        if let Node::Binding(pat) = node {
            bound.push(pat.ident.clone());
        }
        true
    });
    bound
}

#[cfg(test)]
mod tests {
    use super::{mentioned, mentions, uses};
    use syn::{Expr, Ident, parse_quote};

    fn names(expr: Expr) -> Vec<String> {
        mentioned(&expr).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_an_expression_uses() {
        assert_eq!(names(parse_quote!((id, name.len(), LIMIT))), ["id", "name", "LIMIT"]);
        assert_eq!(names(parse_quote!(hash(id, &self.tenant))), ["id", "self"]);
        assert_eq!(names(parse_quote!(Key { id, name: other })), ["id", "other"]);
        assert_eq!(names(parse_quote!(names.iter().map(|n| n.len() + id))), ["names", "id"]);
        assert_eq!(names(parse_quote!(a::b(C::D))), [""; 0]);
    }

    #[test]
    fn what_an_expression_depends_on() {
        let id: Ident = parse_quote!(id);
        for expr in [parse_quote!(id), parse_quote!(f(&id)), parse_quote!(id(3)), parse_quote!(format!("{id}"))] {
            let expr: Expr = expr;
            assert!(uses(&expr, &id));
        }
        for expr in [parse_quote!(user.id), parse_quote!(users.iter().map(|id| id + 1)), parse_quote!(id::of(x))] {
            let expr: Expr = expr;
            assert!(!uses(&expr, &id));
        }
    }

    #[test]
    fn what_tokens_mention() {
        let id: Ident = parse_quote!(id);
        for expr in
            [parse_quote!(f(id)), parse_quote!(format!("{id}")), parse_quote!(format!("{ id :?}")), parse_quote!([&id])]
        {
            let expr: Expr = expr;
            assert!(mentions(&expr, &id));
        }
        for expr in [parse_quote!(f(idx)), parse_quote!(format!("{idx}")), parse_quote!("id")] {
            let expr: Expr = expr;
            assert!(!mentions(&expr, &id));
        }
    }
}
