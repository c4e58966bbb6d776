//! Which names expressions mention.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprMacro, ExprPath, ExprStruct, FieldValue, Ident, Member, PatIdent};

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
            TokenTree::Literal(literal) => literal.to_string().contains(&format!("{{{}", name.unraw())),
            TokenTree::Punct(_) => false,
        })
    }
    within(tokens.to_token_stream(), name)
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

    fn visit_expr_struct(&mut self, expr: &'ast ExprStruct) {
        visit::visit_expr_struct(self, expr);
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
