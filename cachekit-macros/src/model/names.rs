//! Which names expressions mention.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprMacro, ExprPath, FieldValue, Ident, Member, PatIdent};

/// Plain names that the expression uses as values and does not bind itself; `self` too. Macros in it are opaque.
pub(crate) fn mentioned(expr: &Expr) -> Vec<Ident> {
    let mut names = Names::default();
    names.visit_expr(expr);
    let Names { bound, used, .. } = names;
    used.into_iter().filter(|name| !bound.contains(name)).collect()
}

/// Whether the expression uses the value of this name: not if it binds the name itself, and not as the name of a field.
pub(crate) fn uses(expr: &Expr, name: &Ident) -> bool {
    let mut names = Names::default();
    names.visit_expr(expr);
    let Names { bound, used, called, macros } = names;
    let same = |other: &Ident| other.unraw() == name.unraw();
    let plainly = !bound.iter().any(same) && (used.iter().any(same) || called.iter().any(same));
    plainly || macros.iter().any(|tokens| mentions(tokens, name))
}

/// Whether a name occurs anywhere in the tokens, string literals with placeholders included.
pub(crate) fn mentions(tokens: &impl ToTokens, name: &Ident) -> bool {
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

impl<'ast> Visit<'ast> for Names {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.used.push(name.clone());
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        // A function's name is none of ours.
        match &*call.func {
            Expr::Path(path) => self.called.extend(path.path.get_ident().cloned()),
            func => self.visit_expr(func),
        }
        for arg in &call.args {
            self.visit_expr(arg);
        }
    }

    fn visit_field_value(&mut self, field: &'ast FieldValue) {
        if field.colon_token.is_none()
            && let Member::Named(name) = &field.member
        {
            self.used.push(name.clone());
            return;
        }
        visit::visit_field_value(self, field);
    }

    fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
        self.bound.push(pat.ident.clone());
        visit::visit_pat_ident(self, pat);
    }

    fn visit_expr_macro(&mut self, made: &'ast ExprMacro) {
        self.macros.push(made.mac.tokens.clone());
    }
}

/// The names that a pattern binds, in order.
pub(super) fn bound(pat: &syn::Pat) -> Vec<Ident> {
    let mut names = Names::default();
    names.visit_pat(pat);
    names.bound
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
