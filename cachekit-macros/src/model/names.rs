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
    let Names { bound, used } = names;
    used.into_iter().filter(|name| !bound.contains(name)).collect()
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
        if !matches!(&*call.func, Expr::Path(_)) {
            self.visit_expr(&call.func);
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

    fn visit_expr_macro(&mut self, _: &'ast ExprMacro) {}
}

/// The names that a pattern binds, in order.
pub(super) fn bound(pat: &syn::Pat) -> Vec<Ident> {
    let mut names = Names::default();
    names.visit_pat(pat);
    names.bound
}

#[cfg(test)]
mod tests {
    use super::{mentioned, mentions};
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
